"""Audio sources and sample-rate conversion."""

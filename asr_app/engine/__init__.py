"""Many live streams, stepped as one batch."""

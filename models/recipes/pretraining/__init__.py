"""Encoders that learn from speech alone."""

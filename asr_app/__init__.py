"""A streaming speech recogniser for the desktop."""

__version__ = "0.1.0"

"""The models at hand, and how more are fetched."""

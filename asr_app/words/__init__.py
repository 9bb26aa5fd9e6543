"""The user's own words: how they are written, how they sound."""

"""The background daemon: one recogniser that stays warm, and the clients that use it."""

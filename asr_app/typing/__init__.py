"""Typing into the focused window, by the tools that the desktop has for it."""

"""The `asr` command line."""

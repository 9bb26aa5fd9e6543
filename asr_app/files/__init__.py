"""Transcription of many recordings: what is read, who hears it, what is written, and what a crash leaves."""

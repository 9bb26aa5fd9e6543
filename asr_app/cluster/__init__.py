"""The transcription of many recordings on many machines: Ray shares the work out, fsspec reads and writes."""

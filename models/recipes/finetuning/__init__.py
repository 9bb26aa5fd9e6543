"""wav2vec 2.0 networks that learn from transcribed speech."""

"""Writers of transcripts."""

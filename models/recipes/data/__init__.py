"""What is learnt from: recordings and their copies, synthesised speech, transcripts, features, batches."""

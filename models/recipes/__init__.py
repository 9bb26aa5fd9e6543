"""Training, evaluation and data recipes."""

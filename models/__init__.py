"""Acoustic models in PyTorch: front end, encoders, checkpoints and training recipes."""

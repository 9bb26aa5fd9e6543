"""Settings of the libraries beneath numpy and torch, which they read once, when they are loaded."""

import os

SETTINGS = {
    # numpy's threads spin for work all day; torch has others
    "OPENBLAS_NUM_THREADS": "1",
    # torch's matrix products keep buffers for every thread that ever made one: 26 MB behind a second pass
    "MKL_DISABLE_FAST_MM": "1",
    # its convolutions keep what they prepared for the last 1,024 shapes: 0.2 MB for every new length of a segment
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128",
}


def settle() -> None:
    """Set what the user's environment leaves open; before numpy and torch are imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)

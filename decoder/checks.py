"""Checks of what callers hand to a decoder."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def checked_log_probs(log_probs: npt.ArrayLike, width: int) -> npt.NDArray[np.float64]:
    """log_probs as float64 (T, width); ValueError unless it is a finite float array of that width."""
    frames = np.asarray(log_probs)
    if frames.dtype.kind != "f":
        raise ValueError(f"log-probabilities must be floats, not {frames.dtype}")
    if frames.ndim != 2 or frames.shape[1] != width:
        raise ValueError(f"log-probabilities must have the shape (frames, {width}), not {frames.shape}")
    if not np.isfinite(frames).all():
        raise ValueError("log-probabilities contain NaN or infinity")
    return frames.astype(np.float64)


def check_labels(labels: Sequence[str], blank: int, frame_duration_s: float) -> None:
    """ValueError unless the labels are distinct, blank is one of them and a frame lasts a positive time."""
    if len(set(labels)) != len(labels):
        raise ValueError("the labels are not distinct")
    if not 0 <= blank < len(labels):
        raise ValueError(f"the blank index {blank} is not one of the {len(labels)} labels")
    if not (np.isfinite(frame_duration_s) and frame_duration_s > 0):
        raise ValueError(f"the frame duration must be a positive number of seconds, not {frame_duration_s}")


def delimiter_index(labels: Sequence[str], delimiter: str) -> int:
    """Where the label that separates words is; ValueError where there is none."""
    if delimiter not in labels:
        raise ValueError(f"the word delimiter {delimiter!r} is not one of the labels")
    return list(labels).index(delimiter)

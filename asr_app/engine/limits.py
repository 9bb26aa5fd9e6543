"""What bounds an engine; apart from it, because settings have it and must not load a network."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What bounds the work and the memory of an engine.

    streams: open at the same time.
    queue_s: seconds of sound that wait in a stream; then its client waits, too.
    batch: streams in a step.
    gpu_batch: streams in a step of a GPU, which takes hardly longer for all of them than for one.
    gather_s: how long a stream that is ready waits for others to share its step.
    """

    streams: int = 64
    queue_s: float = 10.0
    batch: int = 16
    gpu_batch: int = 512
    gather_s: float = 0.06

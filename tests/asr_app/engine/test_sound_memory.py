"""What of a live stream may be heard once more."""

import numpy as np
import pytest

from asr_app.audio.types import AudioChunk
from asr_app.endpoint import EndpointRules
from asr_app.engine.sound_memory import KEPT_S, SoundMemory

RATE = 16_000


def seconds(*numbers: int) -> SoundMemory:
    """A memory of seconds whose samples are thousandths of their numbers."""
    memory = SoundMemory()
    for second in numbers:
        memory.accept(AudioChunk(np.full(RATE, second / 1000, np.float32), RATE, second * RATE))
    return memory


def test_what_was_lost_is_silence() -> None:
    heard = seconds(0, 1, 3).between(0.5, 99.0)
    assert (heard.start, heard.end) == (RATE // 2, 4 * RATE)
    samples = [heard.samples[at] for at in (0, RATE, 2 * RATE, 3 * RATE)]
    assert samples == pytest.approx([0, 0.001, 0, 0.003], abs=2**-16)
    assert len(SoundMemory().between(0.0, 1.0).samples) == 0


def test_it_has_its_bound() -> None:
    assert seconds(0, 1, 3, 200, 201).between(0.0, 300.0).start == 200 * RATE
    assert EndpointRules().limit_s < KEPT_S


def test_what_nobody_asks_for_is_forgotten() -> None:
    memory = seconds(0, 1, 2, 3)
    memory.forget(2.5)
    assert memory.between(0.0, 9.0).start == 2 * RATE
    memory.forget(4.0)
    assert len(memory.between(0.0, 9.0).samples) == 0

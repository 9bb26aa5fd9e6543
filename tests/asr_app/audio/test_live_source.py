"""Live sources without a sound card: a file in real time, and standard input."""

import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr_app.audio.live_source import RealTimeFile, StandardInput
from asr_app.audio.pcm import PcmFormat
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError

Maker = Callable[..., Path]
Talk = Callable[[int, float], Samples]


def test_a_file_takes_its_time(store: Maker, talk: Talk) -> None:
    original = talk(16_000, 1.0)
    path = store("talk.wav", original, 16_000, "FLOAT", "WAV")
    started = time.monotonic()
    with RealTimeFile(path, pace=4.0) as source:
        heard = np.concatenate([chunk.samples for chunk in source])
    assert time.monotonic() - started >= 0.25
    np.testing.assert_allclose(heard, original, atol=1e-6)


def test_a_file_can_be_stopped(store: Maker, talk: Talk) -> None:
    path = store("talk.wav", talk(16_000, 1.0), 16_000, "FLOAT", "WAV")
    with RealTimeFile(path, pace=0.01) as source:
        threading.Timer(0.02, source.stop).start()
        assert list(source) == []


def test_standard_input_ends_with_the_pipe(talk: Talk) -> None:
    samples = talk(8_000, 1.0)
    with StandardInput(PcmFormat("f32le", 8_000), stream=io.BytesIO(samples.tobytes())) as source:
        chunks = list(source)
    assert sum(len(chunk.samples) for chunk in chunks) == 16_000
    assert [chunk.start_sample for chunk in chunks] == list(range(0, 16_000, 1600))


def test_standard_input_comes_as_it_is_written() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as stream, StandardInput(PcmFormat(), stream=stream) as source:
        os.write(writer, bytes(2 * 1600))
        assert len(next(iter(source)).samples) == 1600  # and the pipe is open still
        threading.Timer(0.02, source.stop).start()
        assert list(source) == []
        os.close(writer)


def test_what_was_read_before_the_stop_is_heard() -> None:
    with StandardInput(PcmFormat(), stream=io.BytesIO(bytes(2 * 4800))) as source:
        while source.waiting_s < 0.3:
            time.sleep(0.002)
        source.stop()
        assert sum(len(chunk.samples) for chunk in source) == 4800


class Torn(io.BytesIO):
    """A pipe whose reading fails in a way that nobody thought of."""

    def read1(self, size: int | None = -1, /) -> bytes:
        raise ZeroDivisionError("by zero")


def test_a_bug_in_the_thread_that_reads_is_told() -> None:
    with StandardInput(PcmFormat(), stream=Torn()) as source:
        threading.Timer(5, source.stop).start()
        with pytest.raises(ZeroDivisionError):
            list(source)


def test_what_is_no_sound_is_an_error() -> None:
    with (
        StandardInput(stream=io.BytesIO(b"no sound at all, but words")) as source,
        pytest.raises(AudioFormatError, match="not WAV"),
    ):
        list(source)

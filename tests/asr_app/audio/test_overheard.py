"""What listens to a live source besides the recogniser: the recorder, and the spectrogram's columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pytest
import soundfile
from small_disk import small_disk

from asr_app.audio.mel_columns import BANDS, COLUMN_S, MelColumns
from asr_app.audio.overheard import Overheard
from asr_app.audio.recorder import Recorder
from asr_app.audio.types import AudioChunk, Samples
from asr_app.errors import AudioDeviceError, OutputError

RATE = 16_000


class Source:
    """Two chunks with a loss between them."""

    name, sample_rate, is_connected, waiting_s = "source", RATE, True, 0.0

    def __init__(self, chunks: list[AudioChunk], opens: bool = True) -> None:
        self._chunks, self._opens = chunks, opens

    def __enter__(self) -> Self:
        if not self._opens:
            raise AudioDeviceError("no device: plug one in")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[AudioChunk]:
        return iter(self._chunks)

    def stop(self) -> None:
        self._chunks.clear()


def tone(hertz: float, seconds: float = 0.5) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_a_recording_is_as_long_as_the_stream(tmp_path: Path) -> None:
    sound = tone(440)
    chunks = [AudioChunk(sound, RATE, 0), AudioChunk(sound, RATE, 3 * len(sound), 2 * len(sound))]
    with Overheard(Source(chunks), [Recorder(tmp_path / "new" / "a.wav", RATE)]) as source:
        assert list(source) == chunks
    written, rate = soundfile.read(tmp_path / "new" / "a.wav", dtype="float32")
    silence = np.zeros(2 * len(sound), np.float32)
    assert rate == RATE
    np.testing.assert_allclose(written, np.concatenate([sound, silence, sound]), atol=1e-4)


def test_a_recording_replaces_no_other_and_says_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("mine")
    with pytest.raises(OutputError, match="another folder"):
        Recorder(tmp_path / "a.wav", RATE)
    assert (tmp_path / "a.wav").read_text() == "mine"
    with small_disk(0), pytest.raises(OutputError, match="make room"):
        Recorder(tmp_path / "b.wav", RATE)


def test_a_full_disk_ends_the_recording_and_not_the_session(tmp_path: Path) -> None:
    sound = tone(440)
    chunks = [AudioChunk(sound, RATE, k * len(sound)) for k in range(4)]
    recorder = Recorder(tmp_path / "a.wav", RATE)
    with small_disk(20_000), Overheard(Source(chunks), [recorder]) as source:
        assert next(iter(source)) is chunks[0]
        assert recorder.failure == ""
        assert list(source) == chunks
    assert "a.wav cannot be written" in recorder.failure
    assert soundfile.info(tmp_path / "a.wav").frames == pytest.approx(10_000, abs=100)


def test_listeners_are_closed_when_the_source_does_not_open(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav", RATE)
    with pytest.raises(AudioDeviceError), Overheard(Source([], opens=False), [recorder]):
        pass
    assert soundfile.info(tmp_path / "a.wav").frames == 0


def test_a_tone_is_loud_in_its_band_and_higher_ones_in_higher_bands() -> None:
    loudest = []
    for hertz in (200.0, 600.0, 1500.0, 4000.0):
        columns = MelColumns(RATE)
        columns.accept(AudioChunk(tone(hertz), RATE, 0))
        taken = np.array(columns.take())
        assert taken.shape == (round(0.5 / COLUMN_S), BANDS)
        assert 0.0 <= taken.min() <= taken.max() == 1.0
        loudest.append(int(taken.mean(0).argmax()))
    assert loudest == sorted(set(loudest))


def test_columns_do_not_depend_on_how_the_stream_is_cut_and_are_given_once() -> None:
    whole, parts, sound = MelColumns(RATE), MelColumns(RATE), tone(700)
    whole.accept(AudioChunk(sound, RATE, 0))
    for start in range(0, len(sound), 333):
        parts.accept(AudioChunk(sound[start : start + 333], RATE, start))
    np.testing.assert_allclose(parts.take(), whole.take(), atol=1e-5)
    assert list(parts.take()) == []


def test_silence_has_no_colour() -> None:
    columns = MelColumns(RATE)
    columns.accept(AudioChunk(np.zeros(RATE, np.float32), RATE, 0))
    assert np.max(columns.take()) == 0.0

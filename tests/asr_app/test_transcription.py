import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from loudness import Loudness

from asr_app.audio.pcm import PcmFormat
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError
from asr_app.recognizer import Recognizer
from asr_app.transcription import transcribe_file

Load = Callable[..., Recognizer]
Whistle = Callable[..., Samples]

SPEECH, HEARD = "_tan_sat_______nas_", ["tan sat", "nas"]


@pytest.mark.parametrize(
    ("name", "rate"), [("a.wav", 16_000), ("a.flac", 44_100), ("a.ogg", 48_000), ("a.mp3", 22_050)]
)
def test_the_segments_of_a_recording(load: Load, whistle: Whistle, tmp_path: Path, name: str, rate: int) -> None:
    soundfile.write(tmp_path / name, whistle(SPEECH, rate), rate)
    assert [final.text for final in transcribe_file(load(), tmp_path / name, detector=Loudness())] == HEARD


def test_segments_come_while_the_recording_is_read(load: Load, whistle: Whistle, tmp_path: Path) -> None:
    samples = whistle(SPEECH)
    samples = np.concatenate([samples, np.full(16_000, np.nan, np.float32)])
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    finals = transcribe_file(load(chunk_ms=160), tmp_path / "a.wav", detector=Loudness())
    assert next(finals).text == "tan sat"
    with pytest.raises(AudioFormatError, match="not numbers"):
        list(finals)


def test_noise_is_no_speech(load: Load, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(2).normal(0, 0.01, 64_000), 16_000)
    assert list(transcribe_file(load(), tmp_path / "a.wav")) == []


def test_raw_samples_on_standard_input(load: Load, whistle: Whistle, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.repeat(whistle(SPEECH, 8000)[:, None], 2, axis=1)
    raw = (samples * 32767).astype("<i2").tobytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    finals = transcribe_file(load(), "-", PcmFormat("s16le", 8000, 2), Loudness())
    assert [final.text for final in finals] == HEARD


def test_silence_has_no_segments(load: Load, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(32_000), 16_000)
    assert list(transcribe_file(load(), tmp_path / "a.wav", detector=Loudness())) == []


def test_a_recording_shorter_than_a_frame(load: Load, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(1, 0.1), 16_000)
    assert list(transcribe_file(load(), tmp_path / "a.wav", detector=Loudness())) == []

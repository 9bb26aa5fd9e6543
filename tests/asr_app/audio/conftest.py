"""Recordings made at run time: speech-like sound in every format that is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from asr_app.audio.types import Samples

Encode = Callable[..., Path]


@pytest.fixture(scope="session")
def talk() -> Callable[[int, float], Samples]:
    """A function (rate, seconds) -> float32 (n,): syllables of harmonics of a gliding voice, below 3 kHz."""

    def make(rate: int, seconds: float) -> Samples:
        times = np.arange(round(rate * seconds)) / rate
        phase = 2 * np.pi * (120 * times + 15 * np.sin(2 * np.pi * 0.7 * times))
        top = min(12, int(0.4 * rate / 150))
        voice = sum(np.cos(k * phase + k * k) / k for k in range(1, top))
        syllables = 0.15 + np.sin(2 * np.pi * 1.9 * times + 0.3 * times**2) ** 2
        return np.asarray(0.18 * voice * syllables, np.float32)

    return make


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    """A function (name, samples, rate, codec, video=codec) that writes sound, or a video, with FFmpeg."""

    def write(name: str, samples: Samples | None, rate: int, codec: str, *, video: str = "") -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", format="adts" if path.suffix == ".aac" else None) as container:
            pictures: Any = container.add_stream(video, rate=10) if video else None
            if pictures is not None:
                pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
            sound: Any = container.add_stream(codec, rate=rate, layout="mono") if samples is not None else None
            if pictures is not None:
                for k in range(20):
                    picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), k, np.uint8), format="rgb24")
                    container.mux(pictures.encode(picture))
                container.mux(pictures.encode(None))
            if sound is not None and samples is not None:
                values = (samples * 32767).astype(np.int16)
                for start in range(0, len(values), 1024):
                    part = values[None, start : start + 1024]
                    frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                    frame.sample_rate, frame.pts = rate, start
                    container.mux(sound.encode(frame))
                container.mux(sound.encode(None))
        return path

    return write


@pytest.fixture
def store(tmp_path: Path) -> Encode:
    """A function (name, samples, rate, subtype, format) that writes sound with libsndfile."""

    def write(name: str, samples: Samples, rate: int, subtype: str | None = None, kind: str | None = None) -> Path:
        path = tmp_path / name
        soundfile.write(path, samples, rate, subtype=subtype, format=kind)
        return path

    return write

"""What lines and files do to speech: telephone codecs, Opus and MP3 at low bit rates, by libsndfile.

Each function takes samples (N,) at 16 kHz and returns as many, in time with them to within a millisecond.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import torch

from models.torchaudio_compat import import_torchaudio

SAMPLE_RATE = 16000
TELEPHONE_RATE = 8000
MP3_DELAY = 1105
"""Samples by which LAME and a decoder are late, in files too small for the tag that tells the decoder so."""

Samples = npt.NDArray[np.float32]
Codec = Callable[[Samples, np.random.Generator], Samples]


def telephone(samples: Samples, random: np.random.Generator) -> Samples:
    """A call: 300-3400 Hz at 8 kHz through G.711 (mu-law or A-law, 64 kbit/s) or GSM 06.10 (13 kbit/s)."""
    line = keep_band(resample(samples, SAMPLE_RATE, TELEPHONE_RATE), TELEPHONE_RATE, 300.0, 3400.0)
    codec = str(random.choice(["ULAW", "ALAW", "GSM610"]))
    coded = _through_file(line, TELEPHONE_RATE, format="WAV", subtype=codec)
    return _as_long_as(samples, resample(coded, TELEPHONE_RATE, SAMPLE_RATE))


def opus(samples: Samples, random: np.random.Generator) -> Samples:
    """Opus at about 9 to 32 kbit/s."""
    compression = random.uniform(0.9, 1.0)
    coded = _through_file(samples, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=compression)
    return _as_long_as(samples, coded)


def mp3(samples: Samples, random: np.random.Generator) -> Samples:
    """MP3 at 16 to 48 kbit/s."""
    options = {"compression_level": random.uniform(0.75, 0.95), "bitrate_mode": "CONSTANT"}
    coded = _through_file(samples, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III", **options)
    late = MP3_DELAY if len(coded) > len(samples) else 0
    return _as_long_as(samples, coded[late:])


CODECS: tuple[Codec, ...] = (telephone, opus, mp3)


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """Samples at another rate."""
    resampled: Samples = import_torchaudio().functional.resample(torch.from_numpy(samples), rate, wanted).numpy()
    return resampled


def keep_band(samples: Samples, rate: int, low: float, high: float) -> Samples:
    """Samples (N,) without what lies below or above a band in hertz; edges fall 24 dB an octave, phase stays."""
    padded = 1 << (len(samples) - 1).bit_length()
    hertz = np.fft.rfftfreq(padded, 1 / rate)
    gain = 1 / np.sqrt((1 + (low / np.maximum(hertz, 1e-3)) ** 8) * (1 + (hertz / high) ** 8))
    return np.fft.irfft(np.fft.rfft(samples, padded) * gain, padded)[: len(samples)].astype(np.float32)


def _through_file(samples: Samples, rate: int, **options: Any) -> Samples:
    """Samples written to a file in memory, with options of soundfile.write, and read again."""
    file = BytesIO()
    soundfile.write(file, samples, rate, **options)
    file.seek(0)
    coded: Samples = soundfile.read(file, dtype="float32")[0]
    return coded


def _as_long_as(samples: Samples, coded: Samples) -> Samples:
    """Coded samples cut or filled with silence to the length of the original."""
    return np.pad(coded[: len(samples)], (0, max(0, len(samples) - len(coded))))

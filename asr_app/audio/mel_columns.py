"""Columns of a spectrogram to look at: few mel bands, loudness from 0 to 1."""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asr_app.audio.types import AudioChunk, Samples

BANDS = 16
COLUMN_S = 0.05

_LOWEST_HZ, _HIGHEST_HZ = 100.0, 6000.0
_QUIETEST_DB, _LOUDEST_DB = -62.0, -14.0  # of a band, for a sine of full scale
_MOST = 400  # columns that wait for a reader


class MelColumns:
    """Hears one source in one thread; another takes the columns."""

    def __init__(self, sample_rate: int) -> None:
        self._size = round(COLUMN_S * sample_rate)
        self._window = np.hanning(self._size).astype(np.float32)
        self._bands = _mel_bands(self._size, sample_rate)
        self._rest: Samples = np.zeros(0, np.float32)
        self._columns: list[list[float]] = []
        self._lock = threading.Lock()

    def accept(self, chunk: AudioChunk) -> None:
        """Make the columns that a chunk completes."""
        samples = np.concatenate((self._rest, chunk.samples))
        whole = len(samples) // self._size * self._size
        self._rest = samples[whole:]
        if not whole:
            return
        spectrum = np.abs(np.fft.rfft(samples[:whole].reshape(-1, self._size) * self._window))
        power = np.square(2.0 * spectrum / self._window.sum()) @ self._bands
        loudness = (10.0 * np.log10(power + 1e-10) - _QUIETEST_DB) / (_LOUDEST_DB - _QUIETEST_DB)
        columns = np.clip(loudness, 0.0, 1.0).tolist()
        with self._lock:
            self._columns = [*self._columns, *columns][-_MOST:]

    def close(self) -> None:
        """Nothing to close."""

    def take(self) -> Sequence[Sequence[float]]:
        """Columns (BANDS,) since the last time, oldest first, bands from low to high."""
        with self._lock:
            columns, self._columns = self._columns, []
        return columns


def _mel_bands(size: int, sample_rate: int) -> npt.NDArray[np.float32]:
    """Which band each bin of a Fourier transform belongs to, (bins, BANDS) of 0 and 1, equally wide in mel."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 1)
    places = np.searchsorted(edges, _mel(np.fft.rfftfreq(size, 1 / sample_rate)), side="right") - 1
    belongs: npt.NDArray[np.bool_] = places[:, None] == np.arange(BANDS)
    return belongs.astype(np.float32)


def _mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The mel scale of O'Shaughnessy, Speech Communication, 1987."""
    mel: npt.NDArray[np.float64] = 2595.0 * np.log10(1.0 + np.asarray(hertz, np.float64) / 700.0)
    return mel

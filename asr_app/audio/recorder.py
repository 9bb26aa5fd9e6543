"""Writing what is heard to a WAV file, as true to time as the stream is."""

from pathlib import Path

import numpy as np
import soundfile

from asr_app.audio.types import AudioChunk, Samples
from asr_app.errors import OutputError

_SILENCE_S = 1.0  # that is written at once


class Recorder:
    """A 16-bit WAV file of one live source; lost sound is silence in it."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Raises OutputError where the file cannot be made, or is there already."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=False)
            self._file = soundfile.SoundFile(path, "w", sample_rate, 1, "PCM_16")
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}: choose another folder to record to") from error

    def accept(self, chunk: AudioChunk) -> None:
        """Write a chunk, and silence for what was lost before it; OutputError where the disk is full."""
        silence = np.zeros(round(_SILENCE_S * chunk.sample_rate), np.float32)
        for start in range(0, chunk.dropped_before, len(silence)):
            self._write(silence[: chunk.dropped_before - start])
        self._write(chunk.samples)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _write(self, samples: Samples) -> None:
        try:
            self._file.write(samples)
        except (OSError, soundfile.SoundFileError) as error:
            raise OutputError(f"{self.path} cannot be written ({error}): make room on the disk") from error

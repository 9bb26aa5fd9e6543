"""Writing what is heard to a WAV file, as true to time as the stream is."""

from pathlib import Path

import numpy as np
import soundfile

from asr_app.audio.types import AudioChunk
from asr_app.errors import OutputError

_SILENCE_S = 1.0  # that is written at once


class Recorder:
    """A 16-bit WAV file of one live source; lost sound is silence in it.

    A disk that is full ends the recording, not the session: failure says so, and is empty while all goes well.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Raises OutputError where the file cannot be made, or is there already."""
        self.path, self.failure = path, ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=False)
            self._file = soundfile.SoundFile(path, "w", sample_rate, 1, "PCM_16")
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}: choose another folder to record to") from error
        except soundfile.SoundFileError as error:
            raise OutputError(f"{path} cannot be written: make room, or choose another folder to record to") from error

    def accept(self, chunk: AudioChunk) -> None:
        """Write a chunk, and silence for what was lost before it, unless an earlier one could not be written."""
        if self.failure:
            return
        try:
            self._write(chunk)
        except (OSError, soundfile.SoundFileError) as error:
            self.failure = f"{self.path} cannot be written ({error}): make room, the sound is no longer recorded"
            self.close()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _write(self, chunk: AudioChunk) -> None:
        silence = np.zeros(round(_SILENCE_S * chunk.sample_rate), np.float32)
        for start in range(0, chunk.dropped_before, len(silence)):
            self._file.write(silence[: chunk.dropped_before - start])
        self._file.write(chunk.samples)

"""Recordings that libsndfile reads best: WAV and its relatives, AIFF, AU, CAF, and Ogg."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asr_app.audio.blocks import Block, block_frames, cut_short, shown, silence
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError

logger = logging.getLogger(__name__)

_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"caff", b"OggS")
_PAGE = 1 << 16  # an Ogg page is shorter: the end of a file holds the whole header of the last page
_STATED_SIZE = re.compile(r"^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_SIZE = 0x7FFF0000  # from here on writers to a pipe mean "not known yet"


class SndfileReader:
    """Decodes a file with libsndfile; raises soundfile.SoundFileError if it cannot."""

    def __init__(self, path: Path) -> None:
        import soundfile

        self._name = shown(path)
        self._failure = soundfile.SoundFileError
        self._file: Any = soundfile.SoundFile(os.fsencode(path))  # of a str it takes UTF-8 only
        self._cut = _states_more(self._file.extra_info) or (self._file.format == "OGG" and not _OggEnd(path).complete)

    @property
    def duration_s(self) -> float | None:
        """Length in seconds."""
        return float(self._file.frames / self._file.samplerate)

    @property
    def channels(self) -> int:
        """As the header states."""
        return int(self._file.channels)

    def __iter__(self) -> Iterator[Block]:
        rate = int(self._file.samplerate)
        got = 0
        while len(samples := self._read(block_frames(rate, self.channels), got)):
            got += len(samples)
            yield Block(samples, rate)
        missing = got < self._file.frames
        if missing or self._cut:
            logger.warning("%s", cut_short(self._name, got / rate, self.duration_s if missing else None))

    def _read(self, frames: int, got: int) -> Samples:
        """The next frames, none at the end and, once there was sound, at damage."""
        try:
            samples: Samples = self._file.read(frames, dtype="float32", always_2d=True)
        except self._failure as error:
            if got == 0:
                raise AudioFormatError(f"{self._name} is damaged ({error}): get another copy") from error
            return silence(0, 1)
        return samples

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def suits_sndfile(path: Path) -> bool:
    """Whether the content (not the name) is of a kind that libsndfile reads in full.

    The others are left to FFmpeg. Of MP3 libsndfile reads the first part only where files were joined, and it
    prints on standard error; of a damaged FLAC it gives up at the damage; of joined Ogg streams it reads
    the first, without a word.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    return magic in _MAGIC and (magic != b"OggS" or _OggEnd(path).single)


class _OggEnd:
    """What the last page of an Ogg file tells (RFC 3533, section 6).

    single: it belongs to the stream of the first page: there is no second stream after the first.
    complete: it is marked as the last of its stream.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            first = file.read(18)
            file.seek(max(0, path.stat().st_size - _PAGE))
            tail = file.read(_PAGE)
        last = tail[max(0, tail.rfind(b"OggS")) :]
        self.single = first[14:18] == last[14:18]
        self.complete = len(last) > 5 and bool(last[5] & 0x04)


def _states_more(log: str) -> bool:
    """Whether the header states more sound than the file holds (from libsndfile's log of the header)."""
    sizes = [(int(stated), int(there)) for stated, there in _STATED_SIZE.findall(log)]
    return any(there < stated < _UNKNOWN_SIZE for stated, there in sizes)

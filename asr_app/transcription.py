"""Transcription of one recording, without threads: file source, session, finals."""

from collections.abc import Iterator
from pathlib import Path

from asr_app.audio.file import open_audio
from asr_app.audio.pcm import PcmFormat
from asr_app.events import Final
from asr_app.recognizer import Recognizer


def transcribe_file(recognizer: Recognizer, path: str | Path, pcm: PcmFormat | None = None) -> Iterator[Final]:
    """The segments of a recording as they are finished.

    path: a file, or "-" for standard input. pcm: the format of raw samples there.
    Raises AudioFormatError where the recording cannot be read.
    """
    session = recognizer.session()
    with open_audio(path, sample_rate=recognizer.sample_rate, pcm=pcm) as source:
        for chunk in source:
            yield from (event for event in session.accept(chunk) if isinstance(event, Final))
    yield from (event for event in session.finish() if isinstance(event, Final))

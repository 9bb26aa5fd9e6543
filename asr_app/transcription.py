"""Transcription of one recording, in this process: cut into runs of speech, each heard by itself.

Batches of recordings, with workers, files and what an interruption leaves, are those of asr_app.files.
"""

from collections.abc import Iterator
from pathlib import Path

from asr_app.audio.file import open_audio
from asr_app.audio.pcm import PcmFormat
from asr_app.audio.silero import SAMPLE_RATE, SileroVad
from asr_app.audio.voice_activity import SpeechDetector
from asr_app.files.hearing import hear
from asr_app.files.segments import Segmenter
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance


def transcribe_file(
    recognizer: Recognizer, path: str | Path, pcm: PcmFormat | None = None, detector: SpeechDetector | None = None
) -> Iterator[Utterance]:
    """The segments of a recording as they are finished.

    path: a file, or "-" for standard input. pcm: the format of raw samples there. detector: tells speech from other
    sound, Silero's network by default. Raises AudioFormatError where the recording cannot be read.
    """
    with open_audio(path, sample_rate=SAMPLE_RATE, pcm=pcm) as source:
        for speech in Segmenter(detector or SileroVad()).segments(source):
            yield hear(recognizer, speech)

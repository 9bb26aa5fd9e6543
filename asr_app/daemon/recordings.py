"""Recordings beside live speech: cut into runs of speech as `asr transcribe` cuts them, each heard whole.

That is more exact than the steps of a live stream, and cheaper; but a run takes some tenths of a second, for which no
live stream may wait, so it is no work for the engine's thread. One other thread hears the runs of all recordings, in
the order in which they come: however many there are, live speech shares the processor with one of them, and a short
recording waits for no more than a run of each long one.
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from asr_app.audio.silero import SileroVad
from asr_app.audio.types import AudioChunk
from asr_app.files.hearing import hear
from asr_app.files.segments import Segmenter, Speech
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance

HANGING_S = 600.0
"""A run has half a minute at most, for which the largest network on a slow processor takes some minutes."""


class Recordings:
    """All recordings of a daemon.

    begun: how many there were so far; under_way: how many are being received or heard. For the event loop's thread.
    """

    def __init__(self) -> None:
        self.begun = self.under_way = 0
        self._thread = ThreadPoolExecutor(1, "recordings")
        self._run_began: float | None = None

    @property
    def is_hanging(self) -> bool:
        """Whether a run of speech takes longer than any network needs for it."""
        began = self._run_began
        return began is not None and time.monotonic() - began > HANGING_S

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While a recording is received and heard."""
        self.begun, self.under_way = self.begun + 1, self.under_way + 1
        try:
            yield
        finally:
            self.under_way -= 1

    def transcribe(self, recognizer: Recognizer, chunks: Iterable[AudioChunk]) -> Iterator[Utterance]:
        """What is said in each run of speech of a recording; in a thread of the caller's, which waits for its turns.

        chunks: of SAMPLE_RATE Hz. The recogniser's words and weights are used, with full context.
        """
        whole = recognizer.with_full_context()
        for speech in Segmenter(SileroVad()).segments(chunks):
            yield self._thread.submit(self._hear, whole, speech).result()

    def _hear(self, recognizer: Recognizer, speech: Speech) -> Utterance:
        self._run_began = time.monotonic()
        try:
            return hear(recognizer, speech)
        finally:
            self._run_began = None

    def close(self) -> None:
        """Hear no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

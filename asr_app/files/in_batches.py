"""Who hears runs of speech on a GPU: many at once, those of much the same length together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from asr_app.audio.silero import SAMPLE_RATE
from asr_app.files.segments import Speech
from asr_app.files.workers import InProcess, Load
from asr_app.sinks.segment import Utterance

BATCH_S = 480.0
"""Seconds of sound in a batch, padding among them, lest the memory of the GPU be too small."""


@dataclass(eq=False)
class _Run:
    """A run of speech, and what is said in it, once that is known."""

    speech: Speech
    heard: Utterance | None = None


class InBatches(InProcess):
    """With a GPU: all runs that wait are heard when the first result is asked for."""

    ahead = 64

    def __init__(self, load: Load, alternatives: int) -> None:
        super().__init__(load, alternatives)
        self._waiting: list[_Run] = []

    def submit(self, speech: Speech) -> Callable[[], Utterance]:
        """Have a run heard."""
        run = _Run(speech)
        self._waiting.append(run)

        def result() -> Utterance:
            if run.heard is None:
                self._hear_all()
            assert run.heard is not None
            return run.heard

        return result

    def _hear_all(self) -> None:
        """Hear all that waits."""
        from asr_app.files.hearing import read

        recognizer = self._recognizer
        assert recognizer is not None
        waiting, self._waiting = self._waiting, []
        for batch in _batches(waiting):
            heard = recognizer.acoustic.batch_log_probs([run.speech.samples for run in batch])
            for run, log_probs in zip(batch, heard, strict=True):
                run.heard = read(recognizer, log_probs, run.speech, self._alternatives)


def _batches(runs: Sequence[_Run]) -> Iterator[list[_Run]]:
    """The runs by length, in batches of at most BATCH_S."""
    batch: list[_Run] = []
    for run in sorted(runs, key=lambda run: len(run.speech.samples)):
        if batch and (len(batch) + 1) * len(run.speech.samples) > BATCH_S * SAMPLE_RATE:
            yield batch
            batch = []
        batch.append(run)
    if batch:
        yield batch

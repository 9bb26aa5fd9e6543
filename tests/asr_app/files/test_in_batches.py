"""Runs of speech heard many at once: the same words, in their order, and batches of much the same length."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from asr_app.audio.types import Samples
from asr_app.files import in_batches
from asr_app.files.in_batches import InBatches
from asr_app.files.segments import Speech
from asr_app.files.workers import InProcess, Workers
from asr_app.recognizer import Recognizer

RATE = 16_000


class Watched:
    """An acoustic model that notes the lengths of its batches."""

    def __init__(self, acoustic: Any) -> None:
        self._acoustic = acoustic
        self.batches: list[list[int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._acoustic, name)

    def batch_log_probs(self, utterances: Sequence[Samples]) -> Any:
        self.batches.append([len(samples) for samples in utterances])
        return self._acoustic.batch_log_probs(utterances)


def test_batches_give_what_runs_give_alone(
    load: Callable[..., Recognizer], whistle: Callable[..., Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = copy.copy(load(chunk_ms=None))
    recognizer.acoustic = acoustic = Watched(recognizer.acoustic)  # type: ignore[assignment]
    monkeypatch.setattr(in_batches, "BATCH_S", 5.0)
    texts = ["_tan_", "_sat__nas__ant_", "_ant_", "_nas_", "_tas_tan_", "_sat_"]
    runs = [Speech(number * RATE, np.asarray(whistle(text))) for number, text in enumerate(texts)]

    def heard(workers: Workers) -> list[Any]:
        with workers:
            results = [workers.submit(run) for run in runs]
            return [result() for result in results]

    together, alone = heard(InBatches(lambda: recognizer, 2)), heard(InProcess(lambda: load(chunk_ms=None), 2))
    for one, other in zip(together, alone, strict=True):
        assert [(word.text, word.start_s) for word in one.words] == [(word.text, word.start_s) for word in other.words]
        assert [reading.text for reading in one.alternatives] == [reading.text for reading in other.alternatives]
    assert [len(batch) for batch in acoustic.batches] == [4, 1, 1]
    assert [size for batch in acoustic.batches for size in batch] == sorted(len(run.samples) for run in runs)


def test_nothing_is_heard_twice_and_more_may_follow(
    load: Callable[..., Recognizer], whistle: Callable[..., Samples]
) -> None:
    with InBatches(lambda: load(chunk_ms=None), 0) as workers:
        first = workers.submit(Speech(0, whistle("_tan_")))
        assert first().text == "tan"
        second = workers.submit(Speech(RATE, whistle("_sat_")))
        assert (second().text, first().text) == ("sat", "tan")

"""Inverse text normalisation by models: the tagger marks what is written otherwise, the span writer writes it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asr_app.errors import CheckpointError
from asr_app.text.stages import Rewrite

if TYPE_CHECKING:
    from torch import Tensor

    from models.span_writer import SpanWriter
    from models.tagger import WordTagger

KIND = "model"
_BEAM = 2


class ModelRewriter:
    """stages.Rewriter by models; words outside of marked spans cannot change. Shared by all streams, without state."""

    def __init__(self, tagger: "WordTagger", writer: "SpanWriter") -> None:
        self._tagger, self._writer = tagger, writer

    @classmethod
    def load(cls, tagger: Path, writer: Path) -> "ModelRewriter":
        """The rewriter of two folders; CheckpointError where a file is missing or damaged."""
        from models.span_writer import load_span_writer
        from models.tagger import load_tagger

        try:
            return cls(load_tagger(tagger), load_span_writer(writer))
        except (OSError, ValueError) as error:
            raise CheckpointError(str(error)) from error

    def rewrites(self, words: Sequence[str]) -> list[Rewrite]:
        """See stages.Rewriter."""
        lowered = [word.lower() for word in words]
        made = []
        for start, end in spans(self._tagger.log_probs(lowered)["span"]):
            outputs = self._writer.search(" ".join(lowered[start:end]), _BEAM)
            if outputs and (text := self._writer.alphabets.text(outputs[0].symbols)):
                made.append(Rewrite(start, end, text, KIND))
        return made


def spans(log_probs: "Tensor") -> Iterator[tuple[int, int]]:
    """Places [start, end) of the spans in the log-probabilities (N, SPANS) of words.

    What goes on without having begun begins there.
    """
    from models.tagger import SPANS

    labels = [SPANS[number] for number in log_probs.argmax(-1).tolist()]
    start = None
    for place, label in enumerate([*labels, "outside"]):
        if start is not None and label != "goes on":
            yield start, place
            start = None
        if start is None and label != "outside":
            start = place

"""How to recognise: the options of a recogniser."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from asr_app.endpoint import EndpointRules
from asr_app.words.vocabulary import Entry

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DecoderName = Literal["beam", "characters", "greedy"]


def hotword_weight(entries: int) -> float:
    """The bonus, a natural logarithm, of each word of an entry without a weight of its own, among so many.

    Above a hundred entries each weighs the less, so that the probability of all together is raised no more,
    and they are heard no more often where nobody says them.
    """
    return max(1.0, 6.0 - math.log(max(1.0, entries / 100)))


@dataclass(frozen=True, slots=True)
class RecognizerOptions:
    """How to recognise; None takes the checkpoint's own value.

    chunk_ms: milliseconds the encoder waits for before it looks at them; None is full context.
    decoder: beam searches the lexicon's pronunciations with the language model; characters searches letters with it,
        so that any word can be spelled; greedy takes the best letter of every frame and needs neither.
    beam: hypotheses kept by a search.
    lm: an n-gram in KenLM's form instead of the one beside the checkpoint.
    personal_lm: an n-gram of the user's own texts, mixed with the other one; personal_lm_weight is its share.
    language: of a model that has several, such as MMS; None takes the model's own.
    hotwords: words and phrases to expect, whether lexicon and language model have them or not; of the decoder
        beam only.
    """

    chunk_ms: int | None = 640
    decoder: DecoderName = "beam"
    beam: int | None = None
    lm: Path | None = None
    personal_lm: Path | None = None
    personal_lm_weight: float | None = None
    alpha: float | None = None
    beta: float | None = None
    device: DeviceName = "auto"
    language: str | None = None
    hotwords: tuple[Entry, ...] = ()
    endpoints: EndpointRules = field(default_factory=EndpointRules)

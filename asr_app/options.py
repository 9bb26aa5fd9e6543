"""How to recognise: the options of a recogniser."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from asr_app.endpoint import EndpointRules

DeviceName = Literal["auto", "cpu", "cuda"]
DecoderName = Literal["beam", "characters", "greedy"]


@dataclass(frozen=True, slots=True)
class RecognizerOptions:
    """How to recognise; None takes the checkpoint's own value.

    chunk_ms: milliseconds the encoder waits for before it looks at them; None is full context.
    decoder: beam searches the lexicon's pronunciations with the language model; characters searches letters with it,
        so that any word can be spelled; greedy takes the best letter of every frame and needs neither.
    beam: hypotheses kept by a search.
    lm: an n-gram in KenLM's form instead of the one beside the checkpoint.
    """

    chunk_ms: int | None = 640
    decoder: DecoderName = "beam"
    beam: int | None = None
    lm: Path | None = None
    alpha: float | None = None
    beta: float | None = None
    device: DeviceName = "auto"
    endpoints: EndpointRules = field(default_factory=EndpointRules)

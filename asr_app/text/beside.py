"""The text models that lie beside a recogniser's own files, where there are any."""

from dataclasses import dataclass
from pathlib import Path

from asr_app.text.stages import Rewriter, Tagger

TAGGER, WRITER = "tagger", "writer"


@dataclass(frozen=True, slots=True)
class TextModels:
    """Models in the place of which, where they are None, rules write and no mark is set.

    live: the tagger for words that are still being said.
    """

    tagger: Tagger | None = None
    live: Tagger | None = None
    rewriter: Rewriter | None = None


def text_models_in(recognizer: Path) -> tuple[str, ...]:
    """Names of the text models in a recogniser's folder; the writer needs the tagger's marks."""
    found = tuple(name for name in (TAGGER, WRITER) if (recognizer / name).is_dir())
    return found if TAGGER in found else ()


def load_text_models(recognizer: Path) -> TextModels:
    """The text models in a recogniser's folder; CheckpointError where one is damaged."""
    found = text_models_in(recognizer)
    if not found:
        return TextModels()

    from asr_app.text.itn_model import ModelRewriter
    from asr_app.text.punctuation import ModelTagger

    tagger = ModelTagger.load(recognizer / TAGGER)
    rewriter = ModelRewriter.load(recognizer / TAGGER, recognizer / WRITER) if WRITER in found else None
    return TextModels(tagger, tagger.live, rewriter)

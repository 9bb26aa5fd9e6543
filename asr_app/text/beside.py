"""The text models of a recogniser: those that lie beside its own files or, for other English ones, those that ship."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asr_app.library.models import DEFAULT_MODEL, SHIPPED, models_folder
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


def text_models_of(recognizer: Path) -> Mapping[str, Path]:
    """The folders of the text models for a recogniser's folder, by name; the writer needs the tagger's marks."""
    own = _found(recognizer)
    return _found(SHIPPED / DEFAULT_MODEL) if not own and _is_pulled_english(recognizer) else own


def _found(folder: Path) -> dict[str, Path]:
    found = {name: folder / name for name in (TAGGER, WRITER) if (folder / name).is_dir()}
    return found if TAGGER in found else {}


def _is_pulled_english(recognizer: Path) -> bool:
    from asr_app.library.registry import known_models

    known = known_models().get(recognizer.name)
    return known is not None and known.language == "en" and recognizer.parent == models_folder()


def load_text_models(recognizer: Path) -> TextModels:
    """The text models for a recogniser's folder; CheckpointError where one is damaged."""
    found = text_models_of(recognizer)
    if not found:
        return TextModels()

    from asr_app.text.itn_model import ModelRewriter
    from asr_app.text.punctuation import ModelTagger

    tagger = ModelTagger.load(found[TAGGER])
    rewriter = ModelRewriter.load(found[TAGGER], found[WRITER]) if WRITER in found else None
    return TextModels(tagger, tagger.live, rewriter)

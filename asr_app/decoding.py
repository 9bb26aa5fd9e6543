"""Which decoder a recogniser's options ask for, with the files beside its checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING

from asr_app.errors import CheckpointError
from decoder.character_beam import BeamOptions, CharacterBeamDecoder
from decoder.greedy import GreedyDecoder
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import NgramLM
from decoder.types import Decoder
from models.checkpoint import Checkpoint
from models.ctc import BLANK

if TYPE_CHECKING:
    from asr_app.recognizer import RecognizerOptions

LM_FILE, LEXICON_FILE = "lm.bin", "lexicon.txt.gz"
DELIMITER = "|"
"""The label between two words of the character head."""


def make_decoder(
    checkpoint: Checkpoint, folder: Path, options: "RecognizerOptions", frame_duration_s: float
) -> tuple[str, Decoder]:
    """The head to decode and its decoder; ValueError or OSError says in one line what is wrong and what to do."""
    if options.decoder == "beam":
        labels = _labels(checkpoint, "phonemes")
        lexicon = _read_lexicon(folder / LEXICON_FILE, labels)
        lm = _read_lm(options.lm, folder / LM_FILE, lexicon.words)
        search = _lexicon_options(checkpoint, options)
        return "phonemes", LexiconBeamDecoder(lexicon, labels, BLANK, lm, frame_duration_s, search)
    labels = _labels(checkpoint, "characters")
    if options.decoder == "greedy":
        return "characters", GreedyDecoder(labels, BLANK, frame_duration_s, DELIMITER)
    lexicon = _read_lexicon(folder / LEXICON_FILE, _labels(checkpoint, "phonemes"))
    lm = _read_lm(options.lm, folder / LM_FILE, lexicon.words)
    letters = _character_options(options)
    return "characters", CharacterBeamDecoder(labels, BLANK, lm, frame_duration_s, letters, DELIMITER)


def _labels(checkpoint: Checkpoint, name: str) -> tuple[str, ...]:
    """The labels of a head; ValueError where the model lacks it."""
    heads = {head.name: head.labels for head in checkpoint.heads}
    if name not in heads:
        raise ValueError(f"the model has no head {name!r}, only {', '.join(heads)}: choose another model")
    return heads[name]


def _lexicon_options(checkpoint: Checkpoint, options: "RecognizerOptions") -> LexiconBeamOptions:
    """What the caller wants, else what the checkpoint was tuned to, else the search's defaults."""
    defaults = LexiconBeamOptions()
    tuned = {"alpha": defaults.alpha, "beta": defaults.beta, "beam": defaults.beam_width} | checkpoint.decoding
    for name, value in tuned.items():
        if not isinstance(value, int | float):
            raise ValueError(f"the model's decoder setting {name} is {value!r}: fetch the model again")
    return LexiconBeamOptions(
        alpha=tuned["alpha"] if options.alpha is None else options.alpha,
        beta=tuned["beta"] if options.beta is None else options.beta,
        beam_width=options.beam or int(tuned["beam"]),
    )


def _character_options(options: "RecognizerOptions") -> BeamOptions:
    """What the caller wants, else the search's defaults: the checkpoint's values are those of the lexicon."""
    defaults = BeamOptions()
    return BeamOptions(
        alpha=defaults.alpha if options.alpha is None else options.alpha,
        beta=defaults.beta if options.beta is None else options.beta,
        beam_width=options.beam or defaults.beam_width,
    )


def _read_lexicon(path: Path, labels: tuple[str, ...]) -> Lexicon:
    try:
        return Lexicon.read(path, labels)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{error}: fetch the model again") from error


def _read_lm(chosen: Path | None, shipped: Path, words: tuple[str, ...]) -> NgramLM:
    try:
        return NgramLM(chosen or shipped, words)
    except (OSError, ValueError) as error:
        remedy = "fetch the model again" if chosen is None else "give another with --lm, or leave --lm out"
        raise CheckpointError(f"{error}: {remedy}") from error

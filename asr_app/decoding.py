"""Which decoder a recogniser's options ask for, with the files beside its checkpoint."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from asr_app.errors import CheckpointError, ConfigError
from asr_app.library.models import LEXICON_FILE, LM_FILE
from asr_app.options import DecoderName, RecognizerOptions, hotword_weight
from asr_app.rescoring import Rescorer, load_rescorer
from asr_app.words.vocabulary import Entry
from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.greedy import GreedyDecoder
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import LanguageModel, NgramLM
from decoder.mixed_lm import PERSONAL_WEIGHT, MixedLM
from decoder.search import SearchOptions
from decoder.types import Decoder

logger = logging.getLogger(__name__)

DELIMITER = "|"
"""The label between two words of the character head."""

_BLANK = 0

_Options = TypeVar("_Options", bound=SearchOptions)

TUNED = ("alpha", "beta", "beam", "prior_scale")
"""What is found on dev for each search."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a decoder needs to know of a checkpoint.

    heads: the labels of each, the blank first. decoding, label_priors: as in models.checkpoint.
    """

    heads: Mapping[str, tuple[str, ...]]
    frame_duration_s: float
    decoding: Mapping[str, float] = field(default_factory=dict)
    label_priors: Mapping[str, Sequence[float]] = field(default_factory=dict)


def setting(decoder: DecoderName, name: str) -> str:
    """The key of a decoder's value among a checkpoint's decoding settings: alpha, characters_alpha."""
    return name if decoder == "beam" else f"{decoder}_{name}"


def make_decoder(trained: Trained, folder: Path, options: RecognizerOptions) -> tuple[str, Decoder]:
    """The head of a checkpoint to decode and its decoder; for a model of letters alone, beam searches letters, too.

    folder: of the checkpoint, with lexicon and language model beside it.
    Raises CheckpointError or ValueError whose line says what is wrong and what to do.
    """
    heads, frame_duration_s = trained.heads, trained.frame_duration_s
    if options.decoder == "beam" and ("phonemes" in heads or "characters" not in heads):
        labels = _labels(heads, "phonemes")
        lexicon = _read_lexicon(folder / LEXICON_FILE, labels)
        lm = _read_models(options, folder / LM_FILE, lexicon.words)
        search = _search_options(LexiconBeamOptions(), trained, options)
        decoder = LexiconBeamDecoder(lexicon, labels, _BLANK, lm, frame_duration_s, search)
        return "phonemes", expecting(decoder, options.hotwords, folder) if options.hotwords else decoder
    if options.hotwords:
        raise ConfigError("words to expect are for the lexicon's search: leave them out, or take --decoder beam")
    labels = _labels(heads, "characters")
    if options.decoder == "greedy":
        _tell_of_what_greedy_ignores(options)
        return "characters", GreedyDecoder(labels, _BLANK, frame_duration_s, DELIMITER)
    words = _read_lexicon(folder / LEXICON_FILE, heads["phonemes"]).words if "phonemes" in heads else None
    path = _language_model_of(folder)
    letter_lm = _read_models(options, path, words) if path or options.lm else None
    if letter_lm is None and options.personal_lm is not None:
        logger.warning("the model has no language model to mix a personal one with: give yours as --lm")
    letters = _search_options(CharacterBeamOptions(), trained, options)
    return "characters", CharacterBeamDecoder(labels, _BLANK, letter_lm, frame_duration_s, letters, DELIMITER)


def make_rescorer(
    decoder: Decoder, tuned: Mapping[str, float], folder: Path, options: RecognizerOptions
) -> Rescorer | None:
    """The second pass over the finals of a decoder; None where the folder has none, or it does not pay."""
    if not isinstance(decoder, LexiconBeamDecoder):
        return None
    weights = decoder.options.alpha, decoder.options.beta
    return load_rescorer(folder, tuned, weights, [entry.text for entry in options.hotwords])


def expecting(decoder: LexiconBeamDecoder, entries: Sequence[Entry], folder: Path) -> LexiconBeamDecoder:
    """The decoder with entries to expect in place of those that it expects; their new words get pronunciations.

    folder: of the recogniser, which knows how new words are said. Raises ConfigError that names the entry.
    """
    default = hotword_weight(len(entries))
    weights = {entry.text: entry.weight or default for entry in entries}
    try:
        return decoder.with_vocabulary(_said(entries, decoder.lexicon, folder)).with_hotwords(weights)
    except ValueError as error:
        raise ConfigError(f"{error}: correct the entry, or leave it out") from error


def _said(entries: Sequence[Entry], lexicon: Lexicon, folder: Path) -> list[tuple[str, Sequence[str]]]:
    """The pronunciations of words that the lexicon lacks, and of those of which the user says how they sound."""
    words = [
        (word.upper() if entry.written.isupper() else word, sound)  # letters may be said one by one
        for entry in entries
        for word, sound in zip_longest(entry.text.split(), (entry.sounds_like or "").split())
        if sound or word not in lexicon.numbers
    ]
    if not words:
        return []
    from asr_app.words.pronunciation import Pronouncer

    pronouncer = Pronouncer.load(folder)
    return [
        (word.lower(), labels)
        for word, sound in words
        for labels in ([pronouncer.sounds_like(sound)] if sound else pronouncer.pronounce(word))
    ]


def _labels(heads: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """The labels of a head; ValueError where the model lacks it."""
    if name not in heads:
        raise ValueError(f"the model has no head {name!r}, only {', '.join(heads)}: choose another model")
    return heads[name]


def _search_options(defaults: _Options, trained: Trained, options: RecognizerOptions) -> _Options:
    """What the caller wants, else what the checkpoint was tuned to on dev, else the search's defaults.

    Raises ConfigError for what the caller wants, ValueError for what the checkpoint has, where it is impossible.
    """
    tuned = {name: trained.decoding.get(setting(options.decoder, name)) for name in TUNED}
    try:
        return replace(
            defaults,
            alpha=_first(options.alpha, tuned["alpha"], defaults.alpha),
            beta=_first(options.beta, tuned["beta"], defaults.beta),
            beam_width=int(_first(options.beam, tuned["beam"], defaults.beam_width)),
            prior_scale=_first(tuned["prior_scale"], defaults.prior_scale),
            label_priors=tuple(trained.label_priors.get(options.decoder, ())),
        )
    except ValueError as error:
        if (options.alpha, options.beta, options.beam) == (None, None, None):
            raise
        raise ConfigError(f"{error}: choose another, or leave it to the model") from error


def _first(*values: float | None) -> float:
    """The first value that is there."""
    return next(value for value in values if value is not None)


def _tell_of_what_greedy_ignores(options: RecognizerOptions) -> None:
    """Warn of options that only a search heeds: the settings file may have them for other runs."""
    given = {"--lm": options.lm, "--personal-lm": options.personal_lm, "--beam": options.beam}
    ignored = [name for name, value in given.items() if value is not None]
    if ignored:
        logger.warning("the decoder greedy searches nothing and ignores %s", ", ".join(ignored))


def _read_lexicon(path: Path, labels: tuple[str, ...]) -> Lexicon:
    try:
        return Lexicon.read(path, labels)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{error}: fetch the model again") from error


def _language_model_of(folder: Path) -> Path | None:
    """The language model of a recogniser's folder, or of one of transformers' (its language_model)."""
    beside = folder / "language_model"
    found = [folder / LM_FILE, *sorted(beside.glob("*.bin")), *sorted(beside.glob("*.arpa"))]
    return next((path for path in found if path.is_file()), None)


def _read_models(options: RecognizerOptions, shipped: Path | None, words: Sequence[str] | None) -> LanguageModel:
    """The language model, with the user's own mixed in where there is one."""
    lm = _read_lm(options.lm, shipped, words)
    if options.personal_lm is None:
        return lm
    try:
        return MixedLM(lm, NgramLM(options.personal_lm, words), _first(options.personal_lm_weight, PERSONAL_WEIGHT))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{error}: build it again with `asr lm build`, or leave --personal-lm out") from error


def _read_lm(chosen: Path | None, shipped: Path | None, words: Sequence[str] | None) -> NgramLM:
    path = chosen or shipped
    assert path
    try:
        return NgramLM(path, words)
    except (OSError, ValueError) as error:
        remedy = "fetch the model again" if chosen is None else "give another with --lm, or leave --lm out"
        raise CheckpointError(f"{error}: {remedy}") from error

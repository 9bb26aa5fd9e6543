"""Which decoder a recogniser's options ask for, with the files beside its checkpoint."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from asr_app.errors import CheckpointError, ConfigError
from asr_app.options import RecognizerOptions, hotword_weight
from asr_app.vocabulary import Entry
from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.greedy import GreedyDecoder
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import LanguageModel, NgramLM
from decoder.mixed_lm import MixedLM
from decoder.types import Decoder

LM_FILE, LEXICON_FILE = "lm.bin", "lexicon.txt.gz"
DELIMITER = "|"
"""The label between two words of the character head."""

Heads = Mapping[str, tuple[str, ...]]
"""The labels of each head of a model, the blank first."""

_BLANK = 0


def make_decoder(
    heads: Heads, tuned: Mapping[str, float], folder: Path, options: RecognizerOptions, frame_duration_s: float
) -> tuple[str, Decoder]:
    """The head to decode and its decoder.

    tuned: alpha, beta and beam that were found on dev for the search through the lexicon.
    Raises CheckpointError or ValueError whose line says what is wrong and what to do.
    """
    if options.decoder == "beam":
        labels = _labels(heads, "phonemes")
        lexicon = _read_lexicon(folder / LEXICON_FILE, labels)
        lm = _read_models(options, folder / LM_FILE, lexicon.words)
        search = _lexicon_options(tuned, options)
        decoder = LexiconBeamDecoder(lexicon, labels, _BLANK, lm, frame_duration_s, search)
        return "phonemes", expecting(decoder, options.hotwords, folder) if options.hotwords else decoder
    if options.hotwords:
        raise ConfigError(f"the decoder {options.decoder} takes no hotwords: leave them out, or take --decoder beam")
    labels = _labels(heads, "characters")
    if options.decoder == "greedy":
        return "characters", GreedyDecoder(labels, _BLANK, frame_duration_s, DELIMITER)
    lexicon = _read_lexicon(folder / LEXICON_FILE, _labels(heads, "phonemes"))
    lm = _read_models(options, folder / LM_FILE, lexicon.words)
    letters = _character_options(options)
    return "characters", CharacterBeamDecoder(labels, _BLANK, lm, frame_duration_s, letters, DELIMITER)


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
    from asr_app.pronunciation import Pronouncer

    pronouncer = Pronouncer.load(folder)
    return [
        (word.lower(), labels)
        for word, sound in words
        for labels in ([pronouncer.sounds_like(sound)] if sound else pronouncer.pronounce(word))
    ]


def _labels(heads: Heads, name: str) -> tuple[str, ...]:
    """The labels of a head; ValueError where the model lacks it."""
    if name not in heads:
        raise ValueError(f"the model has no head {name!r}, only {', '.join(heads)}: choose another model")
    return heads[name]


def _lexicon_options(tuned: Mapping[str, float], options: RecognizerOptions) -> LexiconBeamOptions:
    """What the caller wants, else what the checkpoint was tuned to, else the search's defaults."""
    defaults = LexiconBeamOptions()
    values = {"alpha": defaults.alpha, "beta": defaults.beta, "beam": defaults.beam_width, **tuned}
    for name, value in values.items():
        if not isinstance(value, int | float):
            raise ValueError(f"the model's decoder setting {name} is {value!r}: fetch the model again")
    return LexiconBeamOptions(
        alpha=values["alpha"] if options.alpha is None else options.alpha,
        beta=values["beta"] if options.beta is None else options.beta,
        beam_width=options.beam or int(values["beam"]),
    )


def _character_options(options: RecognizerOptions) -> CharacterBeamOptions:
    """What the caller wants, else the search's defaults: the checkpoint's values are those of the lexicon."""
    defaults = CharacterBeamOptions()
    return CharacterBeamOptions(
        alpha=defaults.alpha if options.alpha is None else options.alpha,
        beta=defaults.beta if options.beta is None else options.beta,
        beam_width=options.beam or defaults.beam_width,
    )


def _read_lexicon(path: Path, labels: tuple[str, ...]) -> Lexicon:
    try:
        return Lexicon.read(path, labels)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{error}: fetch the model again") from error


def _read_models(options: RecognizerOptions, shipped: Path, words: tuple[str, ...]) -> LanguageModel:
    """The language model, with the user's own mixed in where there is one."""
    lm = _read_lm(options.lm, shipped, words)
    if options.personal_lm is None:
        return lm
    try:
        return MixedLM(lm, NgramLM(options.personal_lm, words))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{error}: build it again with `asr lm build`, or leave --personal-lm out") from error


def _read_lm(chosen: Path | None, shipped: Path, words: tuple[str, ...]) -> NgramLM:
    try:
        return NgramLM(chosen or shipped, words)
    except (OSError, ValueError) as error:
        remedy = "fetch the model again" if chosen is None else "give another with --lm, or leave --lm out"
        raise CheckpointError(f"{error}: {remedy}") from error

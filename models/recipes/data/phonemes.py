"""Pronunciations of English words: espeak-ng's, folded to a small set of phonemes.

Used by recipes only; the product reads a lexicon file and needs no synthesiser.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence

_VOWELS = "ɪ ə ɛ æ ɚ eɪ iː oʊ ɑː aɪ ʌ uː ɜː ɔː aʊ ʊ ɔɪ"
_CONSONANTS = "n s t k ɹ d l z m p b f ŋ v ɡ w ʃ ɾ dʒ h tʃ j θ ʒ ð"
PHONEMES = (*_VOWELS.split(), *_CONSONANTS.split())
"""The labels of the phoneme head, without the blank: 17 vowels and 25 consonants of General American."""

Pronunciation = tuple[str, ...]

# Allophones and rhotic diphthongs of espeak-ng's en-us voice, as sequences of PHONEMES.
_FOLD = {
    "ᵻ": "ɪ", "ɐ": "ə", "i": "iː", "ɔ": "ɔː", "oː": "oʊ", "o": "oʊ", "ææ": "æ", "a": "æ", "u": "uː",
    "e": "eɪ", "ɑ": "ɑː", "aː": "ɑː", "ɒ": "ɑː", "ɜ": "ɜː", "eː": "eɪ", "y": "uː", "œ": "ɜː", "ø": "ɜː",
    "ɑːɹ": "ɑː ɹ", "ɔːɹ": "ɔː ɹ", "oːɹ": "ɔː ɹ", "ɛɹ": "ɛ ɹ", "ɪɹ": "ɪ ɹ", "ʊɹ": "ʊ ɹ", "iːɹ": "ɪ ɹ",
    "aɪɚ": "aɪ ɚ", "aɪə": "aɪ ə", "iə": "iː ə", "əl": "ə l", "n̩": "ə n", "l̩": "ə l", "m̩": "ə m",
    "ʔ": "t", "x": "k", "ɬ": "l", "r": "ɹ", "ɲ": "n j", "g": "ɡ", "ç": "h", "q": "k", "ts": "t s",
    "pf": "p f",
}  # fmt: skip

WEAK_FORMS: dict[str, tuple[Pronunciation, ...]] = {
    word: tuple(tuple(form.split()) for form in forms.split(", "))
    for word, forms in {
        "a": "ə, eɪ",
        "an": "ə n, æ n",
        "and": "æ n d, ə n d, ə n",
        "are": "ɑː ɹ, ɚ",
        "as": "æ z, ə z",
        "at": "æ t, ə t",
        "can": "k æ n, k ə n",
        "for": "f ɔː ɹ, f ɚ",
        "from": "f ɹ ʌ m, f ɹ ə m",
        "had": "h æ d, ə d",
        "has": "h æ z, ə z",
        "have": "h æ v, ə v",
        "he": "h iː, iː",
        "her": "h ɜː, ɚ",
        "him": "h ɪ m, ɪ m",
        "his": "h ɪ z, ɪ z",
        "of": "ʌ v, ə v, ə",
        "or": "ɔː ɹ, ɚ",
        "read": "ɹ iː d, ɹ ɛ d",
        "that": "ð æ t, ð ə t",
        "the": "ð ə, ð iː",
        "them": "ð ɛ m, ð ə m",
        "to": "t ə, t uː",
        "was": "w ʌ z, w ə z",
        "were": "w ɜː, w ɚ",
        "with": "w ɪ ð, w ɪ θ",
        "you": "j uː, j ə",
        "your": "j ɔː ɹ, j ɚ",
    }.items()
}
"""Pronunciations of words that are mostly unstressed, commonest first: espeak-ng says lone words stressed."""

_ROMAN = ("ɹ", "oʊ", "m", "ə", "n")
"""What espeak-ng says before a Roman numeral."""


def fold(ipa: str) -> Pronunciation:
    """espeak-ng's phonemes, separated by `_` or blanks, as PHONEMES; ValueError names one without a place."""
    plain = re.sub(r"\([a-z-]+\)|[ˈˌ\u0303\u0361ʲ]", "", ipa)
    folded: list[str] = []
    for sound in re.split(r"[_\s]+", plain):
        if sound:
            folded += _FOLD.get(sound, sound).split()
    for sound in folded:
        if sound not in PHONEMES:
            raise ValueError(f"the phoneme {sound!r} of {ipa!r} is not in the label set")
    return tuple(folded)


def pronounce(words: Sequence[str], voice: str = "en-us") -> dict[str, Pronunciation]:
    """espeak-ng's pronunciation of each word said alone; words it cannot say in PHONEMES are left out."""
    if not words:
        return {}
    if shutil.which("espeak-ng") is None:
        raise OSError("espeak-ng is not installed: apt-get install espeak-ng")
    command = [
        "espeak-ng",
        "-q",
        "--ipa",
        "--sep=_",
        "-v",
        voice,
        "-l",
        "100",
    ]  # -l: each line a clause of its own
    spoken = subprocess.run(command, input="\n".join(words) + "\n", capture_output=True, text=True, check=True)
    lines = [line for line in spoken.stdout.split("\n") if line.strip()]
    if len(lines) != len(words):
        return _pronounce_halves(words, voice)
    found: dict[str, Pronunciation] = {}
    for word, line in zip(words, lines, strict=True):
        try:
            pronunciation = fold(line)
        except ValueError:
            continue
        if pronunciation[: len(_ROMAN)] == _ROMAN and not word.startswith("roman"):
            pronunciation = pronunciation[len(_ROMAN) :]  # "Henry VI" is no "Henry Roman six"
        if pronunciation:
            found[word] = pronunciation
    return found


def _pronounce_halves(words: Sequence[str], voice: str) -> dict[str, Pronunciation]:
    """Isolate the words for which espeak-ng prints no line or two."""
    if len(words) == 1:
        return {}
    middle = len(words) // 2
    return pronounce(words[:middle], voice) | pronounce(words[middle:], voice)


def lexicon(words: Iterable[str], voice: str = "en-us") -> dict[str, tuple[Pronunciation, ...]]:
    """All pronunciations of each word, the one to train on first."""
    unique = list(dict.fromkeys(words))
    single = pronounce(unique, voice)
    return {word: WEAK_FORMS.get(word, (single[word],) if word in single else ()) for word in unique}

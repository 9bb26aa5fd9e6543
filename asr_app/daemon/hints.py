"""Words that a client expects in its own stream: the names of a prompt, or a list of phrases."""

import logging
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, groupby, islice
from operator import itemgetter

from asr_app.errors import AsrError, ConfigError
from asr_app.library.models import find_model
from asr_app.recognizer import Recognizer
from asr_app.words.vocabulary import Entry, merged
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.normalize import normalize

logger = logging.getLogger(__name__)

PROMPT_CHARACTERS = 2_000
"""What comes later in a prompt is not looked at."""

_SENTENCES = re.compile(r"(?<=[.!?…])\s+|\n")
_CLAUSES = re.compile(r"[,;:()\"“”]|\s[-–—]\s")
_MARKS = ".!?…'’"
_LONGEST = 60
"""Characters of an entry; a longer one is expected up to a word's end."""


@dataclass(frozen=True, slots=True)
class Hints:
    """prompt: a text that the sound goes on with, or is about. phrases: what is likely to be said; "[unk]" is none."""

    prompt: str = ""
    phrases: tuple[str, ...] = ()


def expecting(recognizer: Recognizer, model: str, hints: Hints, most: int) -> Recognizer:
    """The recogniser with what a client expects beside what it expects already, at most so many entries.

    model: the one that it was loaded from. What cannot be spelled is left out, and hints that a recogniser cannot take
    change nothing. Takes some tenths of a second where words are new.
    """
    if not isinstance(recognizer.decoder, LexiconBeamDecoder):
        return recognizer
    known = recognizer.decoder.lexicon.numbers
    written = chain(names_in(hints.prompt[:PROMPT_CHARACTERS], known), hints.phrases)
    entries = tuple(islice(_entries(written), most))
    if not entries:
        return recognizer
    try:
        return recognizer.expecting(merged(recognizer.expected, entries), find_model(model))
    except AsrError as error:
        logger.info("the recogniser takes no hints: %s", type(error).__name__)  # the error names what was expected
        return recognizer


def names_in(prompt: str, known: Container[str]) -> Iterator[str]:
    """Runs of words that are new, or in capitals as names are; known: the words that are not new.

    A capital at the start of a sentence tells nothing, but in a list, all of whose words have one and no full stop.
    """
    for sentence in _SENTENCES.split(prompt):
        clauses = [clause.split() for clause in _CLAUSES.split(sentence)]
        words = list(chain.from_iterable(clauses))
        is_list = all(map(_is_capital, words)) and not sentence.rstrip().endswith(tuple(_MARKS))
        place = count()
        for clause in clauses:
            told = [(_is_name(word, known, is_list or next(place) > 0), word) for word in clause]
            for wanted, run in groupby(told, key=itemgetter(0)):
                if wanted:
                    yield " ".join(word for _, word in run).strip(_MARKS)


def _is_name(word: str, known: Container[str], capitals_tell: bool) -> bool:
    spoken = normalize(word.strip(_MARKS)) or ""
    return (capitals_tell and _is_capital(word)) or not all(part in known for part in spoken.split())


def _is_capital(word: str) -> bool:
    return word[:1].isupper() and word.partition("'")[0] != "I"


def _entries(phrases: Iterable[str]) -> Iterator[Entry]:
    """Each once, without those that cannot be spelled."""
    told: set[str] = set()
    for phrase in phrases:
        try:
            entry = Entry(_shortened(phrase))
        except ConfigError:
            continue
        if phrase != "[unk]" and entry.text not in told:
            told.add(entry.text)
            yield entry


def _shortened(phrase: str) -> str:
    return phrase if len(phrase) <= _LONGEST else phrase[: _LONGEST + 1].rpartition(" ")[0]

"""The stages that text models and rules of the same form make: written numbers, then punctuation and case."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from asr_app.text.stages import Rewrite, Rewriter, Tagger, Token, Tokens, joined, text_of
from decoder.normalize import normalize

MARKS = frozenset(",.?!")
ENDS = frozenset(".?!")
PARAGRAPH = "\n\n"
_BREAKS = frozenset({"\n", PARAGRAPH})
_QUOTES = frozenset("\"'“‘«„")
_OPENING = _QUOTES | frozenset("([{¿¡")
_BRACKETS = ")]}"
_CLOSING = f"\"'”’»{_BRACKETS}"
_CONTEXT = 32
"""Words of an open sentence that the tagger is told of: as many as it looks back."""
_AMID = "and"
"""A word that ends no sentence: told of it, the tagger takes what follows for the middle of one."""
_VERBS = "answered asked asks cried explained replied said say says shouted whispered wrote"
_OF_SAYING = frozenset(_VERBS.split())
"""Words before a quote that is a sentence of its own."""
_ADDRESS = re.compile(r"@|://|\.\w\w")
_I = re.compile(r"i('[a-z]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Inverse text normalisation: the runs of words between locked tokens are rewritten."""

    rewriter: Rewriter
    name: str = "numbers"

    def apply(self, tokens: Tokens) -> Tokens:
        """See stages.Stage."""
        made: list[Token] = []
        place = 0
        while place < len(tokens):
            end = place
            while end < len(tokens) and not tokens[end].locked:
                end += 1
            made += self._rewritten(tokens[place:end])
            made += tokens[end : end + 1]
            place = end + 1
        return tuple(made)

    def _rewritten(self, run: Tokens) -> list[Token]:
        made: list[Token] = []
        at = 0
        for rewrite in self.rewriter.rewrites([token.text for token in run]):
            _check(rewrite, at, len(run))
            made += [*run[at : rewrite.start], joined(run, rewrite.start, rewrite.end, rewrite.text, self.name)]
            at = rewrite.end
        return [*made, *run[at:]]


def _check(rewrite: Rewrite, at: int, words: int) -> None:
    if not (at <= rewrite.start < rewrite.end <= words and rewrite.text.strip()):
        raise ValueError("a rewrite that is empty or does not follow the one before it")


@dataclass(frozen=True, slots=True)
class Punctuation:
    """Marks and capitals from a tagger; what was said ("comma") takes the place of what it would put there.

    before: the text that this one goes on from: a pause parts finals, but need not end a sentence.
    """

    tagger: Tagger
    before: str = ""
    name: str = "punctuation"

    def apply(self, tokens: Tokens) -> Tokens:
        """See stages.Stage."""
        tags = self._tags(tokens)
        made: list[Token] = []
        begins = not open_sentence(self.before)
        for place, token in enumerate(tokens):
            if place not in tags:
                begins = begins or token.text in ENDS | _BREAKS
                made += self._behind(token, made)
                continue
            cased, mark = tags[place]
            made.append(self._cased(token, in_sentence(token.text, cased, begins)))
            mark = _allowed(mark, token, tokens[place + 1 : place + 3])
            if mark == "." and place + 1 == len(tokens) and _is_bracket_open(f"{self.before} {text_of(tokens)}"):
                mark = ""
            is_speech = _is_speech(token, mark, tokens[place + 1 : place + 3])
            begins = mark in ENDS or is_speech
            mark = "," if is_speech and mark == "." else mark
            if mark and token.text[-1:] not in (mark, "?", "!"):  # p.m. ends a sentence too
                made.append(Token(mark, token.end, token.end, space_before=False, stage=self.name))
        return tuple(made)

    def _behind(self, token: Token, made: list[Token]) -> list[Token]:
        """What was said and, where it closes a bracket, the mark before it, which stands behind: (so)."""
        if token.text not in _BRACKETS or not made or made[-1].start < made[-1].end or made[-1].stage != self.name:
            return [token]
        return [token, replace(made.pop(), start=token.end, end=token.end)]

    def _tags(self, tokens: Tokens) -> dict[int, tuple[str, str]]:
        """What the tagger says of each word, by place; where the speaker said a mark or a break, its text ends."""
        tags: dict[int, tuple[str, str]] = {}
        context = open_sentence(self.before)
        begin = 0
        while begin < len(tokens):
            end = begin
            while end < len(tokens) and not (tokens[end].locked and tokens[end].text in ENDS | _BREAKS):
                end += 1
            places = [place for place in range(begin, end) if is_word(tokens[place])]
            found = self.tagger.tag([*context, *(tokens[place].text for place in places)])[len(context) :]
            if len(found) != len(places):
                raise ValueError(f"{len(found)} tags of {len(places)} words")
            tags |= zip(places, found, strict=True)
            torn = next((later for place, later in pairwise(places) if _is_torn(tokens, tags, place, later)), None)
            if torn is None:
                context, begin = [], end + 1
            else:
                before = [*context, *(tokens[place].text for place in places if place < torn)]
                context, begin = [*before[-_CONTEXT:], _AMID], torn
        return tags

    def _cased(self, token: Token, text: str) -> Token:
        if token.locked or text == token.text:
            return token
        return replace(token, text=text, stage=token.stage or self.name)


def _is_torn(tokens: Tokens, tags: dict[int, tuple[str, str]], place: int, later: int) -> bool:
    """Whether a sentence would begin behind a word although a comma or the like was said there."""
    is_said = later > place + 1 and tokens[later - 1].text not in _OPENING
    return is_said and tags[place][1] in ENDS


def _is_speech(token: Token, mark: str, after: Tokens) -> bool:
    """Whether a quote follows that begins as a sentence does: he said, “It rains.”"""
    comma = bool(after) and after[0].text == ","
    quote = after[comma].text if len(after) > comma else ""
    return token.text.casefold() in _OF_SAYING and quote in _QUOTES and (comma or mark in (",", "."))


def _is_bracket_open(text: str) -> bool:
    """Whether a bracket of a text's last line is not closed yet."""
    line = text.rpartition("\n")[2]
    return line.count("(") > line.count(")")


def _allowed(mark: str, token: Token, after: Tokens) -> str:
    """A mark, or none where it may not stand: what was said is not doubled, lines are not ended, no word is changed."""
    if mark not in MARKS or not (token.stage or is_read_alike(token.text, token.text + mark)):
        return ""
    if after and after[0].text in _CLOSING and (len(after) == 1 or after[1].text == PARAGRAPH):
        after = after[1:]
    is_free = not after or is_word(after[0]) or after[0].text in _OPENING
    return mark if is_free or (after[0].text == PARAGRAPH and mark in ENDS) else ""


def in_sentence(word: str, cased: str, begins: bool) -> str:
    """A word with the capitals that a tagger gave it, where they are all that it gave; begins: its sentence.

    Where a sentence begins, and in the word I, there is a capital whatever the tagger says; in an address never.
    """
    if _ADDRESS.search(word):
        return word
    text = cased if same_letters(word, cased) and is_read_alike(word, cased) else word
    return text[:1].title() + text[1:] if begins or _I.fullmatch(word) else text


@lru_cache(10_000)
def is_read_alike(word: str, written: str) -> bool:
    """Whether a word and its written form have the same normal form: US is not us, "co." is a company."""
    return normalize(f"so {word} A") == normalize(f"so {written} A")  # as of a word before another sentence


def open_sentence(text: str) -> list[str]:
    """The last words, without marks, of the sentence that a text leaves open; none where its last one is ended."""
    words: list[str] = []
    for word in text.rpartition("\n")[2].split()[: -_CONTEXT - 1 : -1]:
        word = word.rstrip(_CLOSING)
        if word[-1:] in ENDS:
            break
        words.append(word.strip(",;:“‘«„([{"))
    return [word for word in reversed(words) if word]


def ends_sentence(text: str) -> bool:
    """Whether the last line of a text ends with a sentence's mark, quotes and brackets behind it apart."""
    return text.rpartition("\n")[2].rstrip(f"{_CLOSING} ")[-1:] in ENDS


def is_word(token: Token) -> bool:
    """Whether a token is more than a mark or a line break."""
    return any(character.isalnum() for character in token.text)


def same_letters(text: str, cased: str) -> bool:
    """Whether two texts differ in case only."""
    return text.casefold() == cased.casefold()

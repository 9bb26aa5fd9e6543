"""The stages that text models and rules of the same form make: written numbers, then punctuation and case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from asr_app.text.stages import Rewrite, Rewriter, Tagger, Token, Tokens, joined

MARKS = frozenset(",.?!")
_ENDS = frozenset({"\n", "\n\n", ".", "?", "!"})
_OPENING = frozenset("\"'“‘«„([{¿¡")


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
    """Marks and capitals from a tagger; what was said ("comma") takes the place of what it would put there."""

    tagger: Tagger
    name: str = "punctuation"

    def apply(self, tokens: Tokens) -> Tokens:
        """See stages.Stage."""
        places = [place for place, token in enumerate(tokens) if is_word(token)]
        tags = self.tagger.tag([tokens[place].text for place in places])
        if len(tags) != len(places):
            raise ValueError(f"{len(tags)} tags of {len(places)} words")
        tagged = dict(zip(places, tags, strict=True))
        made: list[Token] = []
        for place, token in enumerate(tokens):
            cased, mark = tagged.get(place, (token.text, ""))
            made.append(self._cased(token, cased, made))
            after = tokens[place + 1] if place + 1 < len(tokens) else None
            is_said = after is not None and not is_word(after) and after.text not in _OPENING
            if mark in MARKS and not is_said and token.text[-1:] not in (mark, "?", "!"):  # p.m. ends a sentence too
                made.append(Token(mark, token.end, token.end, space_before=False, stage=self.name))
        return tuple(made)

    def _cased(self, token: Token, cased: str, before: Sequence[Token]) -> Token:
        """The token with its capitals; a sentence that a spoken mark or a line break ended makes the next begin."""
        if token.locked or not same_letters(token.text, cased):
            return token
        if before and before[-1].locked and before[-1].text in _ENDS:
            cased = cased[:1].upper() + cased[1:]
        return token if cased == token.text else replace(token, text=cased, stage=token.stage or self.name)


def is_word(token: Token) -> bool:
    """Whether a token is more than a mark or a line break."""
    return any(character.isalnum() for character in token.text)


def same_letters(text: str, cased: str) -> bool:
    """Whether two texts differ in case only."""
    return text.casefold() == cased.casefold()

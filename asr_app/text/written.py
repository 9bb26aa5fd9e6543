"""A final as written text: the pieces, what was changed and by which stage, and how to take a change back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from asr_app.events import Final, Written
from asr_app.text.rewriting import is_word
from asr_app.text.stages import Token, Tokens, tokens_of
from decoder.types import Word


@dataclass(frozen=True, slots=True)
class Change:
    """A piece that is not what was said. place: of its token in Written.tokens; spoken: the raw words it stands for."""

    place: int
    spoken: str
    written: str
    stage: str


def written(final: Final, tokens: Tokens, action: str = "", note: str = "") -> Written:
    """A final with its written form, one revision higher; note: why it is less than it was to be."""
    return Written(
        segment_id=final.segment_id,
        revision=final.revision + 1,
        words=timed(tokens, final.words),
        raw=final.words,
        tokens=tokens,
        action=action,
        note=note or final.note,
    )


def changes(text: Written) -> list[Change]:
    """What was changed, in order."""
    spoken = [" ".join(word.text for word in text.raw[token.start : token.end]) for token in text.tokens]
    return [
        Change(place, said, token.text, token.stage)
        for place, (said, token) in enumerate(zip(spoken, text.tokens, strict=True))
        if said != token.text
    ]


def without(text: Written, change: Change) -> Written:
    """The text with a change taken back, a revision higher."""
    token = text.tokens[change.place]
    said = tokens_of(word.text for word in text.raw)[token.start : token.end]
    if said and is_word(token):
        said = (replace(said[0], space_before=token.space_before), *said[1:])
    after = text.tokens[change.place + 1 :]
    if after and after[0].text[:1].isalnum():
        after = (replace(after[0], space_before=True), *after[1:])  # a line break or a quote may have taken it
    tokens = (*text.tokens[: change.place], *said, *after)
    return replace(text, revision=text.revision + 1, tokens=tokens, words=timed(tokens, text.raw))


def as_recognised(text: Written) -> Final:
    """The segment in its raw words, a revision higher, to be shown in the place of the written text."""
    return Final(text.segment_id, text.revision + 1, text.raw)


def timed(tokens: Tokens, raw: Sequence[Word]) -> tuple[Word, ...]:
    """Written words, parted at spaces, with the times and the least confidence of the raw words behind them.

    Tokens without a space between make one word. Words of one token share its time. Line breaks are left out.
    """
    return tuple(word for group in _groups(tokens) for word in _words(group, raw))


def _groups(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """Tokens that no space parts."""
    group: list[Token] = []
    for token in tokens:
        if group and (token.space_before or group[-1].text.isspace() or token.text.isspace()):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _words(group: list[Token], raw: Sequence[Word]) -> Iterator[Word]:
    texts = "".join(token.text for token in group).split()
    start, end = group[0].start, group[-1].end
    if not texts or not raw:
        return
    said = raw[start:end] or raw[max(0, start - 1) : max(1, start)]  # a mark by itself is where the word before it is
    step = (said[-1].end_s - said[0].start_s) / len(texts)
    for index, text in enumerate(texts):
        begin = said[0].start_s + index * step
        yield Word(text, begin, begin + step, min(word.confidence for word in said))

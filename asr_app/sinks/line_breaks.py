"""Where a line of subtitles may end: at a clause before anywhere else, and never behind a word that leans on the next.

What recognisers write has no commas, so words that begin a clause stand for them.
"""

from collections.abc import Sequence

from decoder.types import Word

LINE = 42
"""Characters; the common limit of a line (BBC: 37, Netflix: 42)."""

_OPENING = frozenset(
    [
        "and",
        "but",
        "or",
        "so",
        "because",
        "that",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "while",
        "if",
        "although",
        "though",
        "unless",
        "until",
        "since",
        "before",
        "after",
        "then",
        "than",
        "as",
    ]
)
_LEANING = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "with",
        "and",
        "or",
        "but",
        "my",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "this",
        "these",
        "those",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "not",
        "no",
        "very",
        "mr",
        "mrs",
        "dr",
        "i",
        "we",
        "he",
        "she",
        "they",
        "it",
        "you",
    ]
)


def break_cost(before: str, after: str) -> float:
    """What it costs to end a line between two words: 0 behind a sentence, 2 where they belong together."""
    if before.endswith((".", "?", "!", "…")):
        return 0.0
    if before.endswith((",", ";", ":", "–", "—")):
        return 0.2
    if before.casefold() in _LEANING:
        return 2.0
    return 0.4 if after.casefold() in _OPENING else 1.0


def fits(texts: Sequence[str]) -> bool:
    """Whether words fit two lines."""
    return len(" ".join(texts)) <= LINE or any(_splits(texts))


def in_lines(words: Sequence[Word]) -> tuple[tuple[Word, ...], ...]:
    """Words that fit: in one line if it is enough, else in two, at the best place that leaves them about equal."""
    texts = [word.text for word in words]
    if len(" ".join(texts)) <= LINE:
        return (tuple(words),)

    def cost(place: int) -> float:
        uneven = abs(len(" ".join(texts[:place])) - len(" ".join(texts[place:])))
        return 10 * break_cost(texts[place - 1], texts[place]) + uneven

    place = min(_splits(texts), key=cost)
    return tuple(words[:place]), tuple(words[place:])


def _splits(texts: Sequence[str]) -> list[int]:
    """The places at which a second line may begin."""
    places = range(1, len(texts))
    return [k for k in places if len(" ".join(texts[:k])) <= LINE and len(" ".join(texts[k:])) <= LINE]

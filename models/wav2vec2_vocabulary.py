"""What the outputs of a published CTC head stand for, as the labels of this program."""

from collections.abc import Collection, Mapping

BLANK, DELIMITER = "<blank>", "|"
"""The labels of no letter and of the space between two words."""

Vocabulary = tuple[tuple[str, ...], tuple[int, ...]]
"""Labels, the blank first, and which of the head's outputs each of them is."""


def vocabulary(tokens: Mapping[str, int], blank: str, delimiter: str, special: Collection[str]) -> Vocabulary:
    """The labels of a vocabulary, in the order of the head's outputs.

    special: tokens that stand for nothing that can be said. ValueError where blank or delimiter is missing.
    """
    for token, role in ((blank, "blank"), (delimiter, "word delimiter")):
        if token not in tokens:
            raise ValueError(f"the vocabulary has no {role} {token!r}")
    letters = sorted(tokens.keys() - {blank, *special}, key=lambda token: tokens[token])
    labels = (BLANK, *(DELIMITER if token == delimiter else token for token in letters))
    columns = (tokens[blank], *(tokens[token] for token in letters))
    if len(set(labels)) != len(labels) or len(set(columns)) != len(columns):
        raise ValueError("two entries of the vocabulary have the same label or the same number")
    return labels, columns


def in_small_letters(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels in small letters, as this program writes words, where they are capitals only; others as they are."""
    if any(label != label.upper() for label in labels[1:]):
        return labels
    small = (labels[0], *(label.lower() for label in labels[1:]))
    return small if len(set(small)) == len(small) else labels

"""Interpolated modified Kneser-Ney estimation of n-gram models.

Chen and Goodman, An empirical study of smoothing techniques for language modeling, TR-10-98, Harvard 1998; with the
conventions of KenLM's lmplz (Heafield et al., Scalable modified Kneser-Ney language model estimation, ACL 2013): single
words are interpolated with the uniform distribution over all but <s>, of which <unk> gets one share, and n-grams that
begin with <s> keep their plain counts.

An n-gram is known by the place of its first words among the shorter n-grams and by its last word, so that each order is
one sort of one number for each place of the text.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from decoder.arpa import BEGIN, END, UNKNOWN, BackoffModel, Ids, Ngrams

Floats = npt.NDArray[np.float64]

MAX_ORDER = 5
FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of n-grams seen once, twice and more often where the text is too little to estimate them."""
_UNKNOWN, _BEGIN, _END = range(3)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated model.

    fallback: the orders whose discounts could not be estimated; they got FALLBACK.
    """

    model: BackoffModel
    fallback: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Counts:
    """The n-grams of one order, sorted: context, last word and suffix (places), occurrences, kept or pruned."""

    contexts: Ids
    words: Ids
    suffixes: Ids
    occurrences: Ids
    begins: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.bool_]


def estimate(sentences: Iterable[str], order: int = 3, prune: Sequence[int] = ()) -> Estimate:
    """Estimate a model from sentences, words parted by spaces.

    prune: for each order, n-grams seen so often or less are left out; the last one holds for the orders after it.
    Needs about 110 bytes for each word of the text for a trigram, 180 for a 5-gram.
    Raises ValueError for a wrong order or cut-off, for text without words and for text with <s>, </s> or <unk>.
    """
    cuts = _cuts(order, prune)
    vocabulary, tokens = _numbered(sentences)
    counted = _count(tokens, len(vocabulary), cuts)
    adjusted = _adjusted(counted)
    lower: Floats = np.full(1, 1.0 / (len(vocabulary) - 1))
    fallback: list[int] = []
    orders: list[tuple[Floats, Floats]] = []
    for number, (ngrams, counts) in enumerate(zip(counted, adjusted, strict=True), 1):
        discounts = _discounts(counts)
        if discounts is None:
            fallback.append(number)
        probs, backoffs = _interpolated(ngrams, counts, discounts or FALLBACK, lower)
        if number == 1:
            probs[_BEGIN] = 1.0
        else:
            orders[-1] = (orders[-1][0], backoffs)
        orders.append((probs, np.ones(len(probs))))
        lower = probs
    return Estimate(BackoffModel(vocabulary, _kept(counted, orders)), tuple(fallback))


def _cuts(order: int, prune: Sequence[int]) -> list[int]:
    """A cut-off for each order."""
    if not 1 <= order <= MAX_ORDER:
        raise ValueError(f"the order of a language model is 1 to {MAX_ORDER}, not {order}")
    cuts = [*prune] or [0]
    if len(cuts) > order or cuts != sorted(cuts) or cuts[0] != 0:
        raise ValueError("the cut-offs are 0 for single words, then none smaller than the one before, one an order")
    return cuts + cuts[-1:] * (order - len(cuts))


def _numbered(sentences: Iterable[str]) -> tuple[tuple[str, ...], Ids]:
    """The vocabulary, and the text as numbers of words, with <s> and </s>."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    special = [numbers[word] for word in (UNKNOWN, BEGIN, END)]
    tokens = array("i")
    for sentence in sentences:
        words = [numbers[word] for word in sentence.split()]
        if words and min(words) < len(special):
            raise ValueError(f"{UNKNOWN}, {BEGIN} and {END} cannot be words of a text: leave them out")
        tokens.extend([_BEGIN, *words, _END])
    if len(numbers) == len(special):
        raise ValueError("the text has no words")
    return tuple(numbers), np.frombuffer(tokens, np.int32)


def _count(tokens: Ids, size: int, cuts: Sequence[int]) -> list[_Counts]:
    """The distinct n-grams of each order."""
    words = np.arange(size, dtype=np.int32)
    zeros = np.zeros(size, np.int32)
    seen = np.bincount(tokens, minlength=size).astype(np.int32)
    counted = [_Counts(zeros, words, zeros, seen, words == _BEGIN, np.ones(size, np.bool_))]
    at, starts = tokens, np.arange(len(tokens), dtype=np.int32)
    for order, cut in enumerate(cuts[1:], 2):
        starts = starts[tokens[starts + order - 2] != _END]
        keys, numbers, counts = np.unique(
            at[starts].astype(np.int64) * size + tokens[starts + order - 1], return_inverse=True, return_counts=True
        )
        contexts, last = (part.astype(np.int32) for part in np.divmod(keys, size))
        suffixes = np.zeros(len(keys), np.int32)
        suffixes[numbers] = at[starts + 1]
        begins = counted[-1].begins[contexts]
        counted.append(_Counts(contexts, last, suffixes, counts.astype(np.int32), begins, counts > cut))
        at = np.full(len(tokens), -1, np.int32)
        at[starts] = numbers
    return counted


def _adjusted(counted: Sequence[_Counts]) -> list[Ids]:
    """Kneser-Ney's counts: in how many n-grams one word longer an n-gram is the end.

    The longest n-grams and those that begin with <s>, before which there is nothing, keep their occurrences.
    """
    adjusted = []
    for ngrams, longer in pairwise(counted):
        before = np.bincount(longer.suffixes, minlength=len(ngrams.words)).astype(np.int32)
        adjusted.append(np.where(ngrams.begins, ngrams.occurrences, before))
    adjusted.append(counted[-1].occurrences.copy())
    adjusted[0][_BEGIN] = 0  # <s> is given, never predicted
    return adjusted


def _discounts(counts: Ids) -> tuple[float, ...] | None:
    """What n-grams counted once, twice and more often give away (equation 26 of Chen and Goodman).

    None where too few n-grams were counted one to four times.
    """
    once, twice, thrice, often = (np.bincount(np.minimum(counts, 5), minlength=6)[1:5]).tolist()
    if not (once and twice and thrice):
        return None
    y = once / (once + 2 * twice)
    discounts = (1 - 2 * y * twice / once, 2 - 3 * y * thrice / twice, 3 - 4 * y * often / thrice)
    return discounts if min(discounts) >= 0 else None


def _interpolated(ngrams: _Counts, counts: Ids, discounts: Sequence[float], lower: Floats) -> tuple[Floats, Floats]:
    """Probabilities (n,) of the n-grams and weights of their contexts (contexts,), given those of the suffixes.

    What a pruned n-gram was counted goes to its context's weight whole, as in lmplz.
    """
    off = np.array([0.0, *discounts])[np.minimum(counts, 3)]
    given = np.where(ngrams.kept, off, counts)
    size = len(lower)
    total = np.bincount(ngrams.contexts, counts, size)
    weights = np.divide(np.bincount(ngrams.contexts, given, size), total, out=np.ones(size), where=total > 0)
    own = np.maximum(total, 1.0)[ngrams.contexts]
    return (counts - off) / own + weights[ngrams.contexts] * lower[ngrams.suffixes], weights


def _kept(counted: Sequence[_Counts], orders: Sequence[tuple[Floats, Floats]]) -> tuple[Ngrams, ...]:
    """The n-grams that were not pruned, with logarithms."""
    tables, places = [], np.zeros(1, np.int32)
    for ngrams, (probs, backoffs) in zip(counted, orders, strict=True):
        kept = ngrams.kept
        log_probs = np.log10(probs[kept]).astype(np.float32)
        weights = np.log10(backoffs[kept]).astype(np.float32)
        tables.append(Ngrams(places[ngrams.contexts[kept]], ngrams.words[kept], log_probs, weights))
        places = (np.cumsum(kept) - 1).astype(np.int32)
    return tuple(tables)

"""Entropy pruning of back-off models.

Stolcke, Entropy-based pruning of backoff language models, 1998: an n-gram goes where the model without it is nearly the
same distribution; the weights of the contexts are then computed anew. The probability of a context is the product of
its words' probabilities, as in SRILM.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decoder.arpa import BEGIN, END, BackoffModel, Ids, Ngrams

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_LN10 = np.log(10.0)
_LEAST = 1e-10
"""The least mass that a context is taken to leave for words that do not follow it."""
_HEADER_BYTES = 40
"""Bytes of the lines about an order, at most."""
_NUMBER_BYTES = 11
"""Bytes of a logarithm with six decimals and the sign or tab beside it, at most."""


def prune_to_threshold(model: BackoffModel, threshold: float) -> BackoffModel:
    """The model without the n-grams that change its perplexity by less than this share (1e-7: a little) each.

    Raises ValueError for a threshold that is not positive.
    """
    if not threshold > 0:
        raise ValueError(f"the threshold {threshold:g} is not above 0: give a share of the perplexity, such as 1e-8")
    return _without(model, _kept(model, _suffixes(model), _costs(model), np.log1p(threshold)))


def prune_to_size(model: BackoffModel, size: float) -> BackoffModel:
    """The model with the n-grams that matter most, at most so many bytes of ARPA text.

    Raises ValueError where not even the single words fit.
    """
    lengths = _line_lengths(model)
    least = _HEADER_BYTES * (1 + len(model.orders)) + int(lengths[0].sum())
    if least > size:
        raise ValueError(f"the single words alone take {least / 1e6:.2g} MB: allow more")
    return _fitting(model, lengths, size - least)


def prune_to_count(model: BackoffModel, count: int) -> BackoffModel:
    """The model with the n-grams that matter most, at most so many of several words."""
    return _fitting(model, [np.ones(len(ngrams), np.int64) for ngrams in model.orders], count)


def _fitting(model: BackoffModel, sizes: Sequence[npt.NDArray[np.int64]], room: float) -> BackoffModel:
    """The n-grams that matter most, as many of several words as the room allows; sizes: of each, by order."""
    suffixes, costs = _suffixes(model), _costs(model)
    limits = np.unique(np.concatenate([np.zeros(1), *costs[1:]]))
    low, high = 0, len(limits)  # at the place `high` the model fits; all n-grams go at the last one
    while low < high:
        middle = (low + high) // 2
        kept = _kept(model, suffixes, costs, limits[middle])
        fits = sum(int(part[mask].sum()) for part, mask in zip(sizes[1:], kept[1:], strict=True)) <= room
        low, high = (low, middle) if fits else (middle + 1, high)
    return _without(model, _kept(model, suffixes, costs, limits[low] if low < len(limits) else np.inf))


def _line_lengths(model: BackoffModel) -> list[npt.NDArray[np.int64]]:
    """Bytes of each n-gram's line in ARPA text, at most, for each order."""
    words = np.array([len(word.encode()) for word in model.vocabulary], np.int64)
    texts, lines = np.zeros(1, np.int64), []
    for order, ngrams in enumerate(model.orders, 1):
        texts = texts[ngrams.contexts] + words[ngrams.words] + 1
        lines.append(texts + _NUMBER_BYTES * (1 if order == len(model.orders) else 2))
    return lines


def _costs(model: BackoffModel) -> list[Floats]:
    """For each order the (n,) nats of relative entropy that leaving an n-gram out costs.

    ValueError where an n-gram lacks its last words in the model: those are what it would be replaced by.
    """
    costs = [np.zeros(len(model.vocabulary))]
    heard = _single_log_probs(model)
    for order, ngrams in enumerate(model.orders[1:], 2):
        log_probs, lower = _log_probs(model, order)
        left, left_lower = _left(model, order)
        own, own_lower = left[ngrams.contexts], left_lower[ngrams.contexts]
        weight = np.log(own + np.exp(log_probs)) - np.log(own_lower + np.exp(lower))
        gain = np.exp(log_probs) * (lower + weight - log_probs) + own * (weight - np.log(own / own_lower))
        costs.append(np.maximum(-np.exp(heard[ngrams.contexts]) * gain, 0.0))
        heard = heard[ngrams.contexts] + log_probs
    return costs


def _single_log_probs(model: BackoffModel) -> Floats:
    """(words,) ln P of the single words; a sentence begins as often as it ends."""
    log_probs: Floats = model.orders[0].log_probs.astype(np.float64) * _LN10
    if BEGIN in model.vocabulary and END in model.vocabulary:
        log_probs[model.vocabulary.index(BEGIN)] = log_probs[model.vocabulary.index(END)]
    return log_probs


def _log_probs(model: BackoffModel, order: int) -> tuple[Floats, Floats]:
    """(n,) ln P of the last word of each n-gram after all words before it, and after all but the first."""
    suffixes = model.suffixes(order)
    if (suffixes < 0).any():
        raise ValueError(f"some {order}-grams have last words that are no n-gram: prune the model it was made from")
    tables = model.orders[order - 1].log_probs, model.orders[order - 2].log_probs[suffixes]
    return tables[0].astype(np.float64) * _LN10, tables[1].astype(np.float64) * _LN10


def _left(model: BackoffModel, order: int) -> tuple[Floats, Floats]:
    """The mass (contexts,) that a context's n-grams leave to all others, after the context and after its end."""
    contexts, size = model.orders[order - 1].contexts, len(model.orders[order - 2])
    sums = (np.bincount(contexts, np.exp(log_probs), size) for log_probs in _log_probs(model, order))
    left, left_lower = (np.maximum(1.0 - part, _LEAST) for part in sums)
    return left, left_lower


def _suffixes(model: BackoffModel) -> list[Ids]:
    """For each order the (n,) places of the n-grams without their first words."""
    return [model.suffixes(order) for order in range(1, len(model.orders) + 1)]


def _kept(model: BackoffModel, suffixes: Sequence[Ids], costs: Sequence[Floats], limit: float) -> list[Mask]:
    """Which n-grams stay: those that cost so much or more, and what longer ones that stay begin and end with."""
    masks: list[Mask] = [cost >= limit for cost in costs]
    masks[0][:] = True
    for order in range(len(masks), 1, -1):
        kept = masks[order - 1]
        masks[order - 2][model.orders[order - 1].contexts[kept]] = True
        masks[order - 2][suffixes[order - 1][kept]] = True
    return masks


def _without(model: BackoffModel, masks: Sequence[Mask]) -> BackoffModel:
    """The model of the n-grams that stay; orders without any go, and ValueError where KenLM could not load the rest."""
    if len(masks) < 2 or not masks[1].any():
        raise ValueError("nothing but single words would be left: prune less")
    orders: list[Ngrams] = []
    places = np.zeros(1, np.int32)
    for ngrams, kept in zip(model.orders, masks, strict=True):
        if not kept.any():
            break
        contexts, logs = places[ngrams.contexts[kept]], (ngrams.log_probs[kept], ngrams.backoffs[kept])
        orders.append(Ngrams(contexts, ngrams.words[kept], *logs))
        places = (np.cumsum(kept) - 1).astype(np.int32)
    return normalised(BackoffModel(model.vocabulary, tuple(orders)))


def normalised(model: BackoffModel) -> BackoffModel:
    """The model with back-off weights that make the probabilities after each context sum to one."""
    orders = []
    for order, ngrams in enumerate(model.orders, 1):
        backoffs = np.zeros(len(ngrams), np.float32)
        if order < len(model.orders):
            left, left_lower = _left(model, order + 1)
            followed = np.bincount(model.orders[order].contexts, minlength=len(ngrams)) > 0
            backoffs[followed] = np.log10(left / left_lower)[followed]
        orders.append(Ngrams(ngrams.contexts, ngrams.words, ngrams.log_probs, backoffs))
    return BackoffModel(model.vocabulary, tuple(orders))

import itertools

import numpy as np
import pytest

from decoder.alignment import align_words

VARIANTS = {"a": [[1]], "bad": [[2, 1], [2, 2]], "aa": [[1, 1], [1, 2, 1]]}


def random_log_probs(seed: int, frames: int, labels: int = 3) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, 2.0, (frames, labels))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def clear(path: list[int], labels: int = 3) -> np.ndarray:
    probs = np.full((len(path), labels), 0.01)
    probs[np.arange(len(path)), path] = 0.98
    return np.log(probs)


def best_by_trying(frames: np.ndarray, words: list[list[list[int]]]) -> float:
    """The log-probability of the best path that spells the words, by going through all."""
    spellings = {tuple(itertools.chain(*choice)) for choice in itertools.product(*words)}
    return max(
        float(frames[np.arange(len(frames)), list(path)].sum())
        for path in itertools.product(range(frames.shape[1]), repeat=len(frames))
        if tuple(label for label, _ in itertools.groupby(path) if label) in spellings
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", ["a", "bad a", "a a", "aa bad"])
def test_the_words_are_where_the_best_path_has_them(seed, text):
    words = [VARIANTS[word] for word in text.split()]
    frames = random_log_probs(seed, 7)
    times = align_words(frames, words, 0)
    assert all(start < end for start, end in times)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(times))
    # forbidding labels outside the words' times must not cost the best path anything
    outside = np.ones(len(frames), bool)
    for start, end in times:
        outside[start:end] = False
    confined = frames.copy()
    confined[np.ix_(outside, [1, 2])] = -1e3
    assert best_by_trying(confined, words) == pytest.approx(best_by_trying(frames, words))


def test_a_clear_utterance():
    frames = clear([0, 2, 2, 0, 1, 0, 0, 1, 0])
    assert align_words(frames, [VARIANTS["bad"], VARIANTS["a"]], 0) == [(1, 5), (7, 8)]


def test_the_likelier_pronunciation_is_taken():
    frames = clear([2, 0, 2, 0])
    assert align_words(frames, [VARIANTS["bad"]], 0) == [(0, 3)]


def test_words_that_do_not_fit():
    with pytest.raises(ValueError, match="fit into 2 frames"):
        align_words(clear([1, 1]), [[[1]], [[1]]], 0)
    with pytest.raises(ValueError, match="word 2 has no pronunciation"):
        align_words(clear([1, 1]), [[[1]], []], 0)


def test_no_words():
    assert align_words(clear([0, 0]), [], 0) == []

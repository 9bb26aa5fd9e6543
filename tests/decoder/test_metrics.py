import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.metrics import ErrorCounts, align, bootstrap_interval, character_errors, word_errors

TOKENS = st.lists(st.sampled_from("abc"), max_size=8)


def plain_distance(a: list[str], b: list[str]) -> int:
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i, j] = min(table[i - 1, j - 1] + (x != y), table[i - 1, j] + 1, table[i, j - 1] + 1)
    return int(table[-1, -1])


@given(TOKENS, TOKENS)
def test_counts_are_those_of_a_shortest_alignment(reference, hypothesis):
    counts = align(reference, hypothesis)
    assert counts.errors == plain_distance(reference, hypothesis)
    assert counts.hits + counts.substitutions + counts.deletions == len(reference)
    assert counts.hits + counts.substitutions + counts.insertions == len(hypothesis)
    assert min(counts.substitutions, counts.deletions, counts.insertions, counts.hits) >= 0


@given(TOKENS, TOKENS)
def test_swapping_sides_swaps_deletions_and_insertions(reference, hypothesis):
    one, other = align(reference, hypothesis), align(hypothesis, reference)
    assert (one.substitutions, one.deletions, one.insertions, one.hits) == (
        other.substitutions,
        other.insertions,
        other.deletions,
        other.hits,
    )


def test_words_and_characters():
    assert word_errors("the cat sat", "the bat sat down") == ErrorCounts(1, 0, 1, 2)
    assert word_errors("the cat sat", "").deletions == 3
    assert character_errors("the  cat", "the bat") == ErrorCounts(1, 0, 0, 6)
    assert word_errors("a b c", "a  b\tc").rate == 0.0


def test_counts_add_up_to_a_corpus_rate():
    total = sum([word_errors("a b", "a"), word_errors("c d", "c d e")], ErrorCounts())
    assert total == ErrorCounts(0, 1, 1, 3)
    assert total.rate == pytest.approx(0.5)


def test_rate_without_reference():
    assert ErrorCounts().rate == 0.0
    assert word_errors("", "um").rate == math.inf


def test_long_texts_take_little_memory():
    counts = align(["x"] * 3000, ["x"] * 2000 + ["y"] * 500)
    assert counts == ErrorCounts(500, 500, 0, 2000)


def test_interval_holds_the_rate_and_repeats_with_its_seed():
    random = np.random.default_rng(5)
    counts = [ErrorCounts(int(random.integers(4)), 1, 0, 10) for _ in range(200)]
    rate = sum(counts, ErrorCounts()).rate
    low, high = bootstrap_interval(counts, seed=1)
    assert low < rate < high < low + 0.1
    assert (low, high) == bootstrap_interval(counts, seed=1)
    narrow = bootstrap_interval(counts, level=0.5, seed=1)
    assert low < narrow[0] < narrow[1] < high


def test_interval_of_equal_utterances_is_a_point():
    assert bootstrap_interval([ErrorCounts(1, 0, 0, 3)] * 7) == (0.25, 0.25)


def test_interval_needs_reference_tokens_and_a_level():
    with pytest.raises(ValueError, match="reference token"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval([ErrorCounts(hits=1)], level=95)

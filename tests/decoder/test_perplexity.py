import math

import pytest

from decoder.lm import NgramLM
from decoder.perplexity import measure


def test_perplexity_counts_the_sentence_end_and_leaves_unknown_words_out(tiny_arpa):
    measured = measure(NgramLM(tiny_arpa), ["a bad", "a zebra"])
    # a, bad and </s>; a and </s> after an unknown word, in which KenLM backs off to <unk>'s empty context
    log10 = [-0.4, -0.2, -0.4 - 0.3 - 0.9, -0.4, -0.9]
    assert measured.perplexity == pytest.approx(10 ** (-sum(log10) / 5), rel=1e-5)
    assert (measured.sentences, measured.words, measured.unknown) == (2, 4, 1)
    assert measured.unknown_percent == 25.0


def test_nothing_known(tiny_arpa):
    measured = measure(NgramLM(tiny_arpa), ["zebra"])
    assert measured.perplexity == math.inf
    assert measure(NgramLM(tiny_arpa), []).unknown_percent == 0.0

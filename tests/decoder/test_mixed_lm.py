import math

import pytest

from decoder.arpa import write_arpa
from decoder.kneser_ney import estimate
from decoder.lm import NgramLM
from decoder.mixed_lm import MixedLM
from decoder.word_scores import WordLM, WordScores

PERSONAL = ["zebra cab", "a bad zebra", "a bad cab", "yak"]


@pytest.fixture
def default(tiny_arpa) -> NgramLM:
    return NgramLM(tiny_arpa)


@pytest.fixture
def personal(tmp_path) -> NgramLM:
    write_arpa(estimate(PERSONAL, 3).model, tmp_path / "personal.arpa")
    return NgramLM(tmp_path / "personal.arpa")


def prob(lm: NgramLM, words: list[str]) -> float:
    """P(last word | the others) by one model; 0 for a word that it does not know."""
    state = lm.bos_state()
    for word in words:
        log_prob, state = lm.score(state, word)
    return math.exp(log_prob) if lm.known(words[-1]) else 0.0


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("text", ["a", "a bad", "a bad cab", "a bad zebra", "zebra dad", "abba zebra", "yak yak a"])
def test_each_word_is_interpolated_after_both_histories(default, personal, weight, text):
    mixed, words = MixedLM(default, personal, weight), text.split()
    state = mixed.bos_state()
    for word in words:
        log_prob, state = mixed.score(state, word)
    assert math.exp(log_prob) == pytest.approx((1 - weight) * prob(default, words) + weight * prob(personal, words))
    ends = [math.exp(lm.eos(part)) for lm, part in zip((default, personal), state, strict=True)]
    assert math.exp(mixed.eos(state)) == pytest.approx((1 - weight) * ends[0] + weight * ends[1])


def test_scores_are_those_of_one_word_after_the_other(default, personal):
    mixed = MixedLM(default, personal, 0.3)
    words = ["a", "zebra", "dad", "nothing"]
    states = [mixed.bos_state(), mixed.score(mixed.bos_state(), "a")[1], mixed.bos_state(), mixed.bos_state()]
    one_by_one = [mixed.score(state, word) for state, word in zip(states, words, strict=True)]
    log_probs, after = mixed.scores(states, words)
    assert log_probs.tolist() == pytest.approx([log_prob for log_prob, _ in one_by_one])
    assert after == [state for _, state in one_by_one]


@pytest.mark.parametrize("history", ["", "a", "a bad", "zebra", "yak a", "nothing"])
def test_probabilities_sum_to_one(personal, tmp_path, history):
    write_arpa(estimate(["a bad dad", "cab a", "a dad"], 2).model, tmp_path / "default.arpa")
    mixed = MixedLM(NgramLM(tmp_path / "default.arpa"), personal, 0.3)
    state = mixed.bos_state()
    for word in history.split():
        _, state = mixed.score(state, word)
    words = ["a", "bad", "cab", "dad", "zebra", "yak", "<unk>"]
    scores = [mixed.score(state, word)[0] for word in words]
    assert sum(map(math.exp, [*scores, mixed.eos(state)])) == pytest.approx(1.0, abs=1e-4)


def test_words_of_either_are_known(default, personal):
    mixed = MixedLM(default, personal)
    assert [mixed.known(word) for word in ("abba", "zebra", "bad", "lynx")] == [True, True, True, False]
    assert mixed.known_words() is None


def test_known_words_are_those_of_both(tiny_arpa, personal):
    models = NgramLM(tiny_arpa, ["bad", "cab"]), NgramLM(personal.path, ["cab", "zebra"])
    assert MixedLM(*models).known_words() == ["bad", "cab", "zebra"]


def test_a_word_that_neither_knows_has_the_probability_of_unk(default, personal):
    mixed = MixedLM(default, personal, 0.25)
    expected = 0.75 * math.exp(default.unigrams(["lynx"])[0]) + 0.25 * math.exp(personal.unigrams(["lynx"])[0])
    assert math.exp(mixed.unigrams(["lynx"])[0]) == pytest.approx(expected)


def test_it_takes_the_place_of_one_model_in_the_search(default, personal):
    mixed = MixedLM(default, personal)
    words = ("a", "bad", "zebra", "lynx")
    scores = WordScores(WordLM(mixed, words, (0.5, 1.0, -10.0)))
    first, states = scores.answers([0, 0], [0, 2])
    state = mixed.bos_state()
    assert first == pytest.approx([0.5 * mixed.score(state, word)[0] + 1.0 for word in ("a", "zebra")])
    again, same = scores.answers([0, 0], [0, 0])
    assert same == [states[0], states[0]]
    assert again.tolist() == [first[0], first[0]]


@pytest.mark.parametrize("weight", [0.0, 1.0, -1.0, math.nan])
def test_a_weight_outside(default, personal, weight):
    with pytest.raises(ValueError, match="between 0 and 1"):
        MixedLM(default, personal, weight)

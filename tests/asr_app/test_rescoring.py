"""The second pass: what it may choose, how it weighs, and that it never costs a final."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from asr_app.rescoring import SETTING, WORDS, Rescorer, Weights, load_rescorer
from decoder.types import Hypothesis, Word
from models.lm import FILES, LmConfig, LmNetwork, NeuralLm, save_neural_lm
from models.word_pieces import learn_pieces


class Table:
    """Scores sentences by a table, and keeps what it was asked."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores
        self.asked: list[list[str]] = []

    def __call__(self, sentences: Sequence[str]) -> list[float]:
        self.asked.append(list(sentences))
        return [self.scores.get(one, -50.0) for one in sentences]


def heard(text: str, acoustic: float = -10.0, lm: float = -20.0) -> Hypothesis:
    words = tuple(Word(word, n, n + 1, 0.5) for n, word in enumerate(text.split()))
    return Hypothesis(words, len(words), acoustic, lm)


HALF = Weights(0.5, 0.9, 0.0)


def test_the_neural_model_decides_between_hypotheses_that_sound_alike() -> None:
    nbest = [heard("the cat sad"), heard("the cat sat")]
    assert Rescorer(Table({"the cat sat": -10.0}), HALF).best(nbest, []) is nbest[1]
    assert Rescorer(Table({"the cat sad": -10.0}), HALF).best(nbest, []) is nbest[0]


def test_all_three_scores_count() -> None:
    weights = Weights(0.25, 0.8, 0.5)
    total = -10.0 + 0.75 * -20.0 + 0.25 * (0.8 * -12.0 + 0.5 * 3)
    assert weights.total(heard("the cat sat"), -12.0) == pytest.approx(total)
    clear = [heard("a", acoustic=0.0), heard("b", acoustic=-100.0)]
    assert Rescorer(Table({"b": 0.0}), HALF).best(clear, []) is clear[0]
    usual = [heard("a", lm=0.0), heard("b", lm=-200.0)]
    assert Rescorer(Table({"b": 0.0}), HALF).best(usual, []) is usual[0]


def test_equal_hypotheses_stay_in_order() -> None:
    nbest = [heard("a"), heard("b")]
    assert Rescorer(Table({}), HALF).best(nbest, []) is nbest[0]


def test_stable_words_do_not_change() -> None:
    nbest = [heard("a cat sat"), heard("the cat sat"), heard("a cat sits"), heard("a")]
    lm = Table({"the cat sat": 0.0, "a cat sits": -1.0, "a": 0.0})
    assert Rescorer(lm, HALF).best(nbest, ["a", "cat"]) is nbest[2]
    assert lm.asked == [["a cat sat", "a cat sits"]]


def test_words_that_the_user_expects_are_not_taken_back() -> None:
    nbest = [heard("call avrigny now"), heard("call avenue now"), heard("cold avrigny now")]
    lm = Table({"call avenue now": 0.0, "cold avrigny now": -5.0})
    assert Rescorer(lm, HALF, ["monsieur avrigny"]).best(nbest, []) is nbest[2]
    assert Rescorer(lm, HALF).best(nbest, []) is nbest[1]
    assert Rescorer(lm, HALF).expecting(["avrigny"]).best(nbest, []) is nbest[2]


def test_one_hypothesis_is_not_scored() -> None:
    lm = Table({})
    only = heard("yes")
    assert Rescorer(lm, HALF).best([only], []) is only
    assert Rescorer(lm, HALF).best([only, heard("no")], ["yes"]) is only
    assert lm.asked == []


def test_long_finals_cost_no_more() -> None:
    nbest = [heard(" ".join(["a"] * 99 + [last])) for last in "abcdefgh"]
    lm = Table({})
    Rescorer(lm, HALF).best(nbest, [])
    (asked,) = lm.asked
    assert sum(len(one.split()) for one in asked) <= WORDS
    assert len(asked) == WORDS // 101


@pytest.fixture(scope="module")
def small() -> NeuralLm:
    config, pieces = LmConfig("lstm", dim=8, hidden=8, layers=1, heads=2), learn_pieces({"cat": 3}, 60)
    torch.manual_seed(0)
    return NeuralLm(config, pieces, LmNetwork(config, len(pieces)).eval().requires_grad_(False))


def test_what_cannot_be_scored_stays_and_is_not_told(small: NeuralLm, caplog: pytest.LogCaptureFixture) -> None:
    nbest = [heard("the café"), heard("the cat")]
    with caplog.at_level(logging.WARNING):
        assert Rescorer(small.score, Weights(1.0, 1.0, 0.0)).best(nbest, []) is nbest[0]
    assert "as the first pass left it" in caplog.text
    assert "caf" not in caplog.text


def test_loading(small: NeuralLm, tmp_path: Path) -> None:
    assert load_rescorer(tmp_path, {SETTING: 0.3}, (0.9, 0.0)) is None  # no model
    save_neural_lm(tmp_path, small)
    assert load_rescorer(tmp_path, {}, (0.9, 0.0)) is None  # does not pay
    assert load_rescorer(tmp_path, {SETTING: 0.0}, (0.9, 0.0)) is None
    rescorer = load_rescorer(tmp_path, {SETTING: 0.3}, (0.9, 0.0))
    assert rescorer is not None
    nbest = [heard("a cat"), heard("a cut")]
    assert rescorer.best(nbest, []) in nbest
    with pytest.raises(ValueError, match=r"setting rescoring is 3\.0: fetch the model again"):
        load_rescorer(tmp_path, {SETTING: 3.0}, (0.9, 0.0))
    (tmp_path / FILES.weights).write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        load_rescorer(tmp_path, {SETTING: 0.3}, (0.9, 0.0))

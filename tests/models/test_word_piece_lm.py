"""Neural language models: probabilities that sum to one, no look ahead, and files that are whole."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.lm import FILES, LmConfig, LmNetwork, NeuralLm, load_neural_lm, save_neural_lm
from models.word_pieces import BOUNDARY, learn_pieces

PIECES = learn_pieces({"the": 9, "cat": 5, "sat": 5, "on": 4, "mat": 3}, 64)
SENTENCES = ["the cat sat on the mat", "", "a dog", "the cat"]
KINDS = ("lstm", "gru", "transformer")


def made(kind: str, layers: int = 2) -> NeuralLm:
    """A network with random weights, none of them zero."""
    torch.manual_seed(3)
    config = LmConfig(kind, dim=64, hidden=96, layers=layers, heads=2)
    network = LmNetwork(config, len(PIECES)).eval().requires_grad_(False)
    for tensor in network.state_dict().values():
        tensor.add_(torch.randn_like(tensor) * 0.1)
    return NeuralLm(config, PIECES, network, {"recipe": "none"})


@pytest.fixture(scope="module", params=KINDS)
def lm(request: pytest.FixtureRequest) -> NeuralLm:
    return made(request.param)


def test_probabilities_sum_to_one(lm: NeuralLm) -> None:
    log_probs = lm.network(torch.randint(len(PIECES), (3, 7)))
    assert log_probs.shape == (3, 7, len(PIECES))
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(3, 7))


def test_what_comes_later_changes_nothing_before(lm: NeuralLm) -> None:
    tokens = torch.randint(1, len(PIECES), (1, 9))
    other = tokens.clone()
    other[0, 5:] = tokens[0, 5:] % (len(PIECES) - 1) + 1
    before, after = lm.network(tokens), lm.network(other)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_a_score_is_the_sum_over_the_pieces_and_the_end(lm: NeuralLm) -> None:
    for sentence, score in zip(SENTENCES, lm.score(SENTENCES), strict=True):
        numbers = [BOUNDARY, *PIECES.encode(sentence), BOUNDARY]
        log_probs = lm.network(torch.tensor([numbers[:-1]]))[0]
        expected = sum(float(log_probs[place, number]) for place, number in enumerate(numbers[1:]))
        assert score == pytest.approx(expected, abs=1e-3)


def test_a_sentence_scores_the_same_in_company(lm: NeuralLm) -> None:
    together = lm.word_scores(SENTENCES)
    assert [len(words) for words in together] == [7, 1, 3, 3]
    for sentence, words in zip(SENTENCES, together, strict=True):
        assert lm.word_scores([sentence])[0] == pytest.approx(words, abs=1e-4)
    assert lm.score([]) == []


def test_the_words_of_all_sentences_have_a_probability_below_one(lm: NeuralLm) -> None:
    words = {word: math.exp(lm.word_scores([word])[0][0]) for word in ("the", "cat", "a", "zoo")}
    assert 0 < sum(words.values()) < 1


def test_a_word_with_another_character(lm: NeuralLm) -> None:
    with pytest.raises(ValueError, match="'café'"):
        lm.score(["the café"])


def test_what_is_saved_is_loaded_but_for_rounding(lm: NeuralLm, tmp_path: Path) -> None:
    save_neural_lm(tmp_path, lm)
    loaded = load_neural_lm(tmp_path)
    assert (loaded.config, loaded.pieces.pieces) == (lm.config, PIECES.pieces)
    assert loaded.provenance == {"recipe": "none"}
    assert loaded.score(SENTENCES) == pytest.approx(lm.score(SENTENCES), rel=0.02)
    parameters = sum(tensor.numel() for tensor in lm.network.parameters())
    assert (tmp_path / FILES.weights).stat().st_size < 1.5 * parameters


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "not version 1"),
        ({"format": "poem"}, "not version 1"),
        ({"sha256": "0"}, "another SHA-256"),
        ({"network": {"kind": "rnn"}}, "not 'rnn'"),
        ({"network": {"dim": 65}}, "do not divide"),
        ({"network": {"width": 3}}, "unexpected keyword"),
        ({"network": {"kind": "gru"}}, "Error.s. in loading"),
        ({"pieces": "the cat"}, "lack"),
        ({"pieces": None}, "no attribute"),
    ],
)
def test_damaged_files(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    save_neural_lm(tmp_path, made("lstm", 1))
    path = tmp_path / FILES.description
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=rf"neural_lm.json is damaged \(.*{reason}.*fetch the model again") as caught:
        load_neural_lm(tmp_path)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_neural_lm(tmp_path)


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    lm = made("lstm", 1)
    save_neural_lm(tmp_path, replace(lm, config=replace(lm.config, hidden=48)))
    with pytest.raises(ValueError, match="is damaged"):
        load_neural_lm(tmp_path)

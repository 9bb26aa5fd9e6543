"""Training of a neural language model: it learns, goes on where it was, and is measured as the n-gram is."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

from decoder.lm_recipe import load_recipe
from decoder.perplexity import measure as measure_ngram
from models.lm import LmConfig, LmNetwork, NeuralLm, load_neural_lm
from models.recipes.texts import neural_lm
from models.recipes.texts.neural_lm import NeuralLmRecipe, measure, read_neural_lm_recipe, train, train_on
from models.recipes.texts.neural_lm_text import Text, TokenBatch, prepare
from models.word_pieces import learn_pieces

SHIPPED = Path(neural_lm.__file__).parents[1]
ANIMALS, VERBS = ("cat", "cow", "owl", "dog"), ("sees", "hears", "likes")
NGRAM = """
[text]
held_back_every = 5
block_lines = 10
[estimate]
vocabulary = 60
[[source]]
name = "animals"
path = "animals.txt"
"""
RECIPE = """
name = "tiny"
text = "ngram.toml"
pieces = 80
batch_tokens = 200
[network]
kind = "lstm"
dim = 16
hidden = 32
layers = 1
heads = 2
[optimisation]
steps = 60
warmup_steps = 5
learning_rate = 0.02
muon_learning_rate = 0.02
ema_decay = 0.9
save_every = 20
evaluate_every = 40
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both recipes and their text: an animal does something to another one."""
    made = tmp_path_factory.mktemp("tiny")
    draw = random.Random(1)
    lines = [f"The {draw.choice(ANIMALS)} {draw.choice(VERBS)} the {draw.choice(ANIMALS)}." for _ in range(300)]
    (made / "animals.txt").write_text("\n".join(lines))
    (made / "ngram.toml").write_text(NGRAM)
    (made / "recipe.toml").write_text(RECIPE)
    return made


@pytest.fixture(scope="module")
def text(folder: Path) -> Text:
    return prepare(load_recipe(folder / "ngram.toml"), 80, folder, folder / "text", lambda line: None)


def of_steps(folder: Path, steps: int) -> NeuralLmRecipe:
    recipe = read_neural_lm_recipe(folder / "recipe.toml")
    return replace(recipe, optimisation=replace(recipe.optimisation, steps=steps))


def test_a_run_learns_and_tells_how_well(folder: Path, tmp_path: Path) -> None:
    lm = load_neural_lm(train(folder / "recipe.toml", folder, tmp_path, lambda line: None))
    assert lm.provenance["recipe"] == "tiny"
    assert lm.provenance["steps"] == 60
    likely, unlikely = lm.score(["the cat sees the owl", "cat the owl the sees"])
    assert likely > unlikely + 10
    figures = json.loads((tmp_path / "perplexity.json").read_text())
    assert set(figures) == {"animals", "all"}
    assert figures["all"] == figures["animals"]
    # 4 x 3 x 4 sentences as likely as each other, in five words and an end: 48 ** (1 / 6) is 1.9
    assert 1.8 < figures["all"]["perplexity"] < 2.4
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[0] > losses[-1]
    assert [line["step"] for line in lines if "perplexity" in line] == [40, 60]


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(
    folder: Path, text: Text, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_on(text, of_steps(folder, 30), tmp_path / "whole")
    learn, steps = neural_lm.loss, 0

    def killed(network: LmNetwork, batch: TokenBatch) -> Tensor:
        nonlocal steps
        steps += 1
        if steps == 26:
            raise KeyboardInterrupt
        return learn(network, batch)

    monkeypatch.setattr(neural_lm, "loss", killed)
    with pytest.raises(KeyboardInterrupt):
        train_on(text, of_steps(folder, 30), tmp_path / "stopped")
    resumed = train_on(text, of_steps(folder, 30), tmp_path / "stopped")
    assert resumed.score(text.held_back["animals"]) == pytest.approx(whole.score(text.held_back["animals"]), rel=1e-4)


def test_a_run_may_be_prolonged_but_not_changed(folder: Path, text: Text, tmp_path: Path) -> None:
    train_on(text, of_steps(folder, 2), tmp_path)
    assert train_on(text, of_steps(folder, 4), tmp_path).provenance["steps"] == 4
    with pytest.raises(ValueError, match="of another recipe"):
        train_on(text, replace(of_steps(folder, 4), seed=2), tmp_path)


@pytest.mark.parametrize("kind", ["gru", "transformer"])
def test_the_other_kinds_learn_too(folder: Path, text: Text, tmp_path: Path, kind: str) -> None:
    recipe = of_steps(folder, 150)
    lm = train_on(text, replace(recipe, network=replace(recipe.network, kind=kind)), tmp_path)
    assert measure(lm, text.held_back["animals"], text.words).perplexity < 2.5


def test_a_wrong_recipe_is_named(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('name = "a"\ntext = "b"\npiece = 3')
    with pytest.raises(ValueError, match="unknown key 'piece'"):
        read_neural_lm_recipe(path)
    path.write_text('name = "a"\ntext = "b"\n[network]\nkind = "rnn"')
    with pytest.raises(ValueError, match="not 'rnn'"):
        read_neural_lm_recipe(path)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("neural_lm_*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes(path: Path) -> None:
    recipe = read_neural_lm_recipe(path)
    assert recipe.name == path.stem
    assert load_recipe(path.parent / recipe.text).text.held_back_every == 100
    network = LmNetwork(recipe.network, recipe.pieces)
    assert sum(tensor.numel() for tensor in network.parameters()) < 6_000_000


class Uniform:
    """An n-gram to which every word and end has the probability of a tenth."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known

    def bos_state(self) -> None:
        return None

    def score(self, state: None, word: str) -> tuple[float, None]:
        return -2.302585093, None

    def eos(self, state: None) -> float:
        return -2.302585093

    def known(self, word: str) -> bool:
        return word in self._known


def test_perplexity_is_counted_as_the_n_grams_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences, known = ["the cat sat", "zebra", "", "a cat"], frozenset({"the", "cat", "sat", "a"})
    pieces = learn_pieces({"cat": 1}, 60)
    config = LmConfig("lstm", dim=8, hidden=8, layers=1, heads=2)
    lm = NeuralLm(config, pieces, LmNetwork(config, len(pieces)))
    monkeypatch.setattr(
        NeuralLm, "word_scores", lambda self, some: [[-2.302585093] * (len(one.split()) + 1) for one in some]
    )
    ours, theirs = measure(lm, sentences, known), measure_ngram(Uniform(known), sentences)  # type: ignore[arg-type]
    assert (ours.sentences, ours.words, ours.unknown) == (theirs.sentences, theirs.words, theirs.unknown)
    assert ours.perplexity == pytest.approx(theirs.perplexity) == pytest.approx(10)


@pytest.mark.parametrize("pieces", [0, 40_000])
def test_a_text_has_room_for_so_many_pieces(pieces: int) -> None:
    with pytest.raises(ValueError, match="pieces must be 1 to 32767"):
        NeuralLmRecipe("large", "ngram.toml", pieces=pieces)

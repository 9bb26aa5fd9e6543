"""Whole pre-training runs, of a tiny encoder on a tiny language."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import models.recipes
from models.checkpoint import load_checkpoint
from models.conformer import EncoderConfig
from models.quantiser import QuantiserConfig
from models.recipes.data.augment import Augmentation
from models.recipes.data.batches import BatchConfig
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_log import LOG
from models.recipes.loop.run_state import STATE
from models.recipes.pretraining.objectives import Data2vecConfig, Wav2vec2Config, Wav2vecConfig
from models.recipes.pretraining.pretrain import Pretrainer
from models.recipes.pretraining.pretrain_recipes import PretrainingRecipe, read_pretraining_recipe
from models.recipes.recipe import Optimisation, Recipe, read_recipe
from models.recipes.train import Trainer

CPU = Rank(torch.device("cpu"))
SHIPPED = Path(models.recipes.__file__).parent
ENCODER = EncoderConfig(dim=32, layers=2, heads=2, feed_forward=64, kernel=5, channels=8, left_context=16)
RECIPE = PretrainingRecipe(
    name="tones",
    seed=1,
    stores=("real",),
    teacher_stores=(),
    dev_stores=(),
    noise_stores=(),
    weights={},
    encoder=ENCODER,
    batches=BatchConfig(frames=1000),
    augmentation=Augmentation(
        warp_probability=0.0,
        noise_probability=0.0,
        telephone_probability=0.0,
        frequency_masks=0,
        time_masks_per_second=0.0,
    ),
    optimisation=Optimisation(
        steps=120, warmup_steps=10, learning_rate=3e-3, muon_learning_rate=1e-2, save_every=1000, chunks=(4, 0)
    ),
    wav2vec2=Wav2vec2Config(dim=16, distractors=20),
    quantiser=QuantiserConfig(groups=2, entries=16, dim=16),
)


@pytest.fixture(scope="module")
def sentences(
    tone_words: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory, write_speech: Callable[..., None]
) -> Path:
    """A store of 60 sentences."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(tone_words, random.integers(3, 7))) for _ in range(60)]
    write_speech(folder / "real", texts, "tones", seed=1)
    return folder


def pretrainer(sentences: Path, output: Path, recipe: PretrainingRecipe = RECIPE) -> Pretrainer:
    return Pretrainer(recipe, sentences, output, CPU)


def learnt(sentences: Path, output: Path, steps: int = 120, **objective: Any) -> list[dict[str, float]]:
    """The log of a whole run."""
    optimisation = replace(RECIPE.optimisation, steps=steps)
    changes = {"wav2vec2": None, "quantiser": None, "optimisation": optimisation} | objective
    pretrainer(sentences, output, replace(RECIPE, **changes)).run()
    return [json.loads(line) for line in (output / LOG).read_text().splitlines()]


def mean(lines: list[dict[str, float]], name: str) -> float:
    return sum(line[name] for line in lines) / len(lines)


def short(steps: int = 8, **changes: Any) -> PretrainingRecipe:
    optimisation = replace(RECIPE.optimisation, steps=steps, save_every=3)
    return replace(RECIPE, batches=BatchConfig(frames=600), optimisation=optimisation, **changes)


def weights(run: Pretrainer) -> dict[str, Tensor]:
    return {name: one.clone() for name, one in run.objective.state_dict().items()}


def test_wav2vec2_learns_and_uses_its_codes(sentences: Path, tmp_path: Path) -> None:
    batches = BatchConfig(frames=2000)
    lines = learnt(sentences, tmp_path, wav2vec2=RECIPE.wav2vec2, quantiser=RECIPE.quantiser, batches=batches)
    assert mean(lines[-2:], "contrastive") < mean(lines[:2], "contrastive") - 0.15
    assert mean(lines[-2:], "accuracy") > 0.2  # 1 of 21 by chance
    assert min(line["code perplexity"] for line in lines) > 4
    assert mean(lines[-2:], "code perplexity") > 6


def test_data2vec_learns_and_does_not_collapse(sentences: Path, tmp_path: Path) -> None:
    lines = learnt(sentences, tmp_path, data2vec=Data2vecConfig(top_layers=2))
    assert mean(lines[-2:], "regression") < 0.9 * lines[0]["regression"]
    assert min(line["target deviation"] for line in lines) > 0.5 * lines[0]["target deviation"] > 0.1
    assert lines[-1]["prediction deviation"] > 0.3


def test_wav2vec_learns(sentences: Path, tmp_path: Path) -> None:
    lines = learnt(sentences, tmp_path, 60, wav2vec=Wav2vecConfig())
    assert lines[-1]["contrastive"] < 2.6  # 3.35 where all frames are alike
    assert lines[-1]["accuracy"] > 0.4  # 1 of 11 by chance


def test_vq_wav2vec_learns_and_uses_its_codes(sentences: Path, tmp_path: Path) -> None:
    quantiser = QuantiserConfig(groups=2, entries=16, dim=16, diversity_weight=1.0)
    lines = learnt(sentences, tmp_path, wav2vec=Wav2vecConfig(), quantiser=quantiser)
    assert lines[-1]["contrastive"] < 3.0
    assert min(line["code perplexity"] for line in lines) > 8


@pytest.mark.parametrize(
    "objective",
    [
        {"wav2vec2": RECIPE.wav2vec2, "quantiser": RECIPE.quantiser},
        {"wav2vec2": None, "quantiser": None, "data2vec": Data2vecConfig(top_layers=2)},
    ],
    ids=["wav2vec2", "data2vec"],
)
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    sentences: Path, tmp_path: Path, objective: dict[str, Any]
) -> None:
    recipe = short(**objective)
    whole = pretrainer(sentences, tmp_path / "whole", recipe)
    whole.run()
    killed = pretrainer(sentences, tmp_path / "killed", recipe)
    for step in range(5):
        killed._train_step(killed.batches.make(step))
        if killed.loop.step == 3:
            killed.loop.save()
    resumed = pretrainer(sentences, tmp_path / "killed", recipe)
    assert resumed.loop.step == 3
    resumed.run()
    assert resumed.loop.seconds_heard == pytest.approx(whole.loop.seconds_heard)
    for name, tensor in weights(whole).items():
        torch.testing.assert_close(weights(resumed)[name], tensor, atol=1e-5, rtol=0, msg=name)


def test_a_training_run_begins_with_what_was_pre_trained(sentences: Path, tmp_path: Path) -> None:
    run = pretrainer(sentences, tmp_path / "pretrained", short())
    run.run()
    start = load_checkpoint(tmp_path / "pretrained" / "checkpoint")
    assert (start.provenance["recipe"], start.provenance["steps"]) == ("tones", 8)
    recipe = Recipe("tones", 1, ("real",), (), (), (), {}, encoder=ENCODER, batches=RECIPE.batches)
    trainer = Trainer(recipe, sentences, tmp_path / "run", CPU, start)
    model = trainer.student.model
    for name, tensor in run.objective.encoder.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[name], tensor), name
    assert not any(one.any() for one in model.heads.parameters())


def test_a_state_of_another_objective_is_refused(sentences: Path, tmp_path: Path) -> None:
    pretrainer(sentences, tmp_path, short(steps=1)).run()
    other = short(wav2vec2=None, quantiser=None, data2vec=Data2vecConfig())
    with pytest.raises(ValueError, match=rf"{STATE} is damaged or of another recipe"):
        pretrainer(sentences, tmp_path, other)


def test_speech_without_a_transcript_is_heard(tmp_path: Path, write_speech: Callable[..., None]) -> None:
    write_speech(tmp_path / "real", [None] * 4, "unlabelled")
    run = pretrainer(tmp_path, tmp_path / "run", short(steps=1))
    run.run()
    assert run.loop.seconds_heard > 0


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the recipe tones finds nothing to train on under"):
        pretrainer(tmp_path, tmp_path / "run", short(stores=()))


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("pretrain_*.toml")), ids=lambda path: path.name)
def test_shipped_recipes_fit_english_and_name_no_test_data(path: Path) -> None:
    recipe = read_pretraining_recipe(path)
    assert isinstance(recipe, PretrainingRecipe)
    assert recipe.name == path.stem
    assert recipe.encoder == read_recipe(SHIPPED / "english-first.toml").encoder
    assert {store.split("/")[0] for store in (*recipe.stores, *recipe.noise_stores)} <= {"real", "noise"}
    assert recipe.dev_stores == recipe.teacher_stores == ()


def test_the_shipped_recipes_are_the_four_objectives() -> None:
    recipes = {path.stem: read_pretraining_recipe(path) for path in SHIPPED.glob("pretrain_*.toml")}
    kinds = {
        name: (one.wav2vec2, one.data2vec, one.wav2vec, one.quantiser)
        for name, one in recipes.items()
        if isinstance(one, PretrainingRecipe)
    }
    assert {name: tuple(section is not None for section in sections) for name, sections in kinds.items()} == {
        "pretrain_wav2vec2": (True, False, False, True),
        "pretrain_data2vec": (False, True, False, False),
        "pretrain_wav2vec": (False, False, True, False),
        "pretrain_vq_wav2vec": (False, False, True, True),
    }


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ("", "must be one of the sections"),
        ("[wav2vec]\n[data2vec]\n", "must be one of the sections"),
        ("[data2vec]\n[quantiser]\n", "data2vec has no quantiser"),
        ("[wav2vec]\nmasks = 3\n", r"\[wav2vec\]: unknown key 'masks'"),
        ("[wav2vec\n", "cannot read the recipe"),
    ],
)
def test_a_recipe_that_means_nothing_is_refused(tmp_path: Path, sections: str, message: str) -> None:
    least = 'name = "a"\nseed = 1\nstores = []\nteacher_stores = []\ndev_stores = []\nnoise_stores = []\n[weights]\n'
    path = tmp_path / "recipe.toml"
    path.write_text(least + sections, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_pretraining_recipe(path)

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.conformer import EncoderConfig
from models.recipes.loop.run_state import STATE, RunState, load_state, save_state, settings_of
from models.recipes.recipe import Optimisation, Recipe, SequenceTraining

CPU = torch.device("cpu")
RECIPE = Recipe("tiny", 1, stores=("real",), teacher_stores=(), dev_stores=(), noise_stores=(), weights={})


def kept(recipe: Recipe = RECIPE) -> dict[str, Any]:
    return settings_of(recipe.kept, {"seed": recipe.seed})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state of RECIPE."""
    state = RunState({"weight": torch.ones(2)}, {"weight": torch.zeros(2)}, {"muon/0/m": torch.ones(3)}, 7, 12.5)
    save_state(tmp_path / STATE, state, kept())
    return tmp_path / STATE


def test_a_state_comes_back(path: Path) -> None:
    state = load_state(path, kept(), CPU)
    assert state is not None
    assert (state.step, state.seconds_heard) == (7, 12.5)
    assert state.student["weight"].tolist() == [1, 1]
    assert state.average["weight"].tolist() == [0, 0]
    assert state.optimisers["muon/0/m"].tolist() == [1, 1, 1]


def test_a_run_that_has_no_state_yet(tmp_path: Path) -> None:
    assert load_state(tmp_path / STATE, kept(), CPU) is None


@pytest.mark.parametrize(
    ("recipe", "difference"),
    [
        (replace(RECIPE, seed=2), "seed was 1, now 2"),
        # of the same shapes, so nothing else would tell
        (replace(RECIPE, encoder=EncoderConfig(heads=2)), "encoder.heads was 4, now 2"),
        (
            replace(RECIPE, optimisation=Optimisation(weight_decay=0.5, clip_norm=1.0)),
            "optimisation.weight_decay was 0.01, now 0.5, optimisation.clip_norm was 5.0, now 1.0",
        ),
    ],
)
def test_a_state_of_another_recipe_is_refused(path: Path, recipe: Recipe, difference: str) -> None:
    with pytest.raises(ValueError, match=r"of another recipe .* choose another --output, or delete it") as caught:
        load_state(path, kept(recipe), CPU)
    assert f"({difference})" in str(caught.value)


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, optimisation=Optimisation(steps=1, save_every=1, evaluate_every=1)),
        replace(RECIPE, stores=("real", "synth"), weights={"synth/": 0.5}, provenance={"licence": "CC0"}),
        replace(RECIPE, sequence=SequenceTraining("lexicon.txt")),
    ],
)
def test_a_run_may_be_prolonged_and_get_more_data(path: Path, recipe: Recipe) -> None:
    assert load_state(path, kept(recipe), CPU) is not None


def test_states_of_before_settings_were_stored_are_read(path: Path) -> None:
    tensors = load_file(path)
    del tensors["settings"]
    save_file(tensors, path)
    state = load_state(path, kept(replace(RECIPE, seed=2)), CPU)
    assert state is not None
    assert state.step == 7


def test_states_of_text_models_from_before_they_had_this_form_are_read(path: Path) -> None:
    was = {"name": "tiny", "optimisation": {"learning_rate": 1.5e-3}}
    tensors = {
        "network/weight": torch.ones(2),
        "average/weight": torch.zeros(2),
        "step": torch.tensor(7),
        "settings": torch.tensor(list(json.dumps(was).encode()), dtype=torch.uint8),
    }
    save_file(tensors, path)
    state = load_state(path, settings_of({"optimisation": Optimisation()}, {"name": "tiny"}), CPU)
    assert state is not None
    assert (state.step, state.seconds_heard) == (7, 0)
    assert state.student["weight"].tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"\(optimisation.learning_rate was 0.0015, now 1.0\)"):
        load_state(path, settings_of({"optimisation": Optimisation(learning_rate=1.0)}, {}), CPU)


@pytest.mark.parametrize("damage", [b"", b"\x10\0\0\0\0\0\0\0{", None])
def test_a_damaged_state_is_refused(path: Path, damage: bytes | None) -> None:
    if damage is None:
        save_file({"settings": torch.zeros(3, dtype=torch.uint8), "progress": torch.zeros(2)}, path)
    else:
        path.write_bytes(damage)
    with pytest.raises(ValueError, match="is damaged or of another recipe") as caught:
        load_state(path, kept(), CPU)
    assert "\n" not in str(caught.value)

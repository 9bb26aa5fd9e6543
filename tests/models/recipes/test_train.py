"""A whole training run, of a tiny model on a tiny language."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from models import model_files
from models.checkpoint import load_checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel
from models.frontend import FrontendConfig
from models.recipes.data.augment import Augmentation
from models.recipes.data.batches import BatchConfig, BatchMaker
from models.recipes.data.features import Store, StoreWriter
from models.recipes.data.samples import HEADS, dev_samples
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_log import LOG
from models.recipes.loop.run_state import STATE
from models.recipes.recipe import Optimisation, Recipe
from models.recipes.student import Student
from models.recipes.train import Trainer, label_error_rates

ENCODER = EncoderConfig(dim=32, layers=1, heads=2, feed_forward=64, kernel=5, channels=8, left_context=8)
RECIPE = Recipe(
    name="tones",
    seed=1,
    stores=("real",),
    teacher_stores=("teacher",),
    dev_stores=("dev",),
    noise_stores=("noise",),
    nonspeech_stores=("noise",),
    weights={"noise/": 0.5},
    encoder=ENCODER,
    batches=BatchConfig(frames=1000, join_frames=(100, 300), gap_frames=(4, 20)),
    augmentation=Augmentation(warp_probability=0.0, frequency_masks=1, time_masks_per_second=0.1),
    optimisation=Optimisation(
        steps=14, warmup_steps=4, learning_rate=5e-3, save_every=5, evaluate_every=100, chunks=(2, 4, 0)
    ),
    provenance={"licence": "made here"},
)

ALONE = Rank(torch.device("cpu"))


def trainer(data: Path, output: Path, recipe: Recipe = RECIPE) -> Trainer:
    return Trainer(recipe, data, output, ALONE)


def shortened(**changes: Any) -> Recipe:
    return replace(RECIPE, optimisation=replace(RECIPE.optimisation, **changes))


def log(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / LOG).read_text().splitlines()]


def weights(run: Trainer) -> dict[str, Tensor]:
    return dict(run.student.state_dict()) | {f"average {name}": one for name, one in run.average.weights.items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.allclose(first[name], second[name], atol=1e-5, rtol=0) for name in first)


class KilledError(Exception):
    """Stands for a kill."""


def run_and_kill(run: Trainer, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run until a step is done, then die."""
    train_step = run._train_step

    def step_or_die(*arguments: Any) -> None:
        if run.loop.step == step:
            raise KilledError
        train_step(*arguments)

    monkeypatch.setattr(run, "_train_step", step_or_die)
    with pytest.raises(KilledError):
        run.run()


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """The folder and the weights of a run from the first step to the last."""
    run = trainer(data, tmp_path_factory.mktemp("undisturbed"))
    run.run()
    return run.output, {name: one.clone() for name, one in weights(run).items()}


def test_the_loss_falls(data: Path, tmp_path: Path) -> None:
    run = trainer(data, tmp_path, shortened(steps=200, save_every=1000, learning_rate=1e-2, chunks=(2,)))
    run.run()
    lines = [line for line in log(tmp_path) if "phonemes" in line]
    assert [line["step"] for line in lines] == list(range(20, 201, 20))
    for name in ("phonemes", "characters", "teacher"):
        assert lines[-1][name] < 0.7 * lines[0][name], name
    hours = [line["hours"] for line in lines]
    assert hours == sorted(hours)
    rates = {name: rate for line in log(tmp_path) for name, rate in line.items() if name.startswith("dev ")}
    assert rates.keys() == {"dev tones phonemes", "dev tones characters"}
    assert rates["dev tones phonemes"] < 40
    model = load_checkpoint(tmp_path / "checkpoint").build()
    shipped = label_error_rates(model, dev_samples(RECIPE, data))
    assert shipped["tones phonemes"] == pytest.approx(rates["dev tones phonemes"], abs=5)


def test_a_run_ends_with_a_checkpoint(undisturbed: tuple[Path, dict[str, Tensor]]) -> None:
    output, found = undisturbed
    checkpoint = load_checkpoint(output / "checkpoint")
    assert (checkpoint.encoder, checkpoint.frontend, checkpoint.heads) == (ENCODER, FrontendConfig(), HEADS)
    assert checkpoint.provenance["recipe"] == "tones"
    assert checkpoint.provenance["steps"] == 14
    assert checkpoint.provenance["licence"] == "made here"
    assert checkpoint.provenance["optimisation"]["learning_rate"] == 5e-3
    for name, tensor in checkpoint.build().state_dict().items():
        torch.testing.assert_close(tensor, found[f"average {name}"], atol=1e-3, rtol=1e-3)


def test_the_same_recipe_gives_the_same_weights(
    data: Path, tmp_path: Path, undisturbed: tuple[Path, dict[str, Tensor]]
) -> None:
    run = trainer(data, tmp_path)
    run.run()
    assert same(weights(run), undisturbed[1])


@pytest.mark.parametrize("step", [3, 5, 12])
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: tuple[Path, dict[str, Tensor]],
    step: int,
) -> None:
    run_and_kill(trainer(data, tmp_path), step, monkeypatch)
    resumed = trainer(data, tmp_path)
    assert resumed.loop.step == step // 5 * 5
    resumed.run()
    assert same(weights(resumed), undisturbed[1])
    assert resumed.loop.seconds_heard == pytest.approx(load_seconds(undisturbed[0]))


def test_the_log_of_a_killed_run_has_every_step_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = shortened(evaluate_every=2)
    run_and_kill(trainer(data, tmp_path, often), 9, monkeypatch)
    assert [line["step"] for line in log(tmp_path)] == [2, 4, 6, 8]
    trainer(data, tmp_path, often).run()
    assert [line["step"] for line in log(tmp_path)] == [2, 4, 6, 8, 10, 12, 14]


def test_a_run_that_began_with_other_weights_is_not_gone_on_with(
    data: Path, tmp_path: Path, undisturbed: tuple[Path, dict[str, Tensor]]
) -> None:
    with pytest.raises(ValueError, match=r"\(start was '', now '[0-9a-f]{64}'\)"):
        Trainer(RECIPE, data, undisturbed[0], ALONE, load_checkpoint(undisturbed[0] / "checkpoint"))


class Elsewhere(Rank):
    """A rank beside one whose folder has a state of a later step."""

    def total(self, value: float) -> float:
        return value + 5


def test_ranks_that_do_not_see_one_folder_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name a folder that all see"):
        Trainer(RECIPE, data, tmp_path, Elsewhere(torch.device("cpu"), 0, 2))


def test_a_band_that_is_empty_does_not_end_the_learning(
    tmp_path: Path, tone_words: tuple[str, ...], write_speech: Callable[..., None]
) -> None:
    """As in telephone speech; noise is mixed into it all the same."""
    write_speech(tmp_path / "wide", list(tone_words), "tones")
    write_speech(tmp_path / "noise", [""], "noise")
    wide, narrow = Store(tmp_path / "wide"), StoreWriter(tmp_path / "real", 80, np.uint8)
    for entry in wide.entries:
        rows = np.array(wide.rows(entry))
        rows[:, 60:] = 0
        narrow.add(entry.key, rows, entry.text, entry.speaker)
    narrow.close()
    recipe = replace(RECIPE, teacher_stores=(), dev_stores=(), nonspeech_stores=())
    run = trainer(tmp_path, tmp_path / "run", recipe)
    before = {name: one.clone() for name, one in run.student.named_parameters()}
    run._train_step(run.batches.make(0))
    assert any(not torch.equal(before[name], one) for name, one in run.student.named_parameters())


def load_seconds(output: Path) -> float:
    return float(load_file(output / STATE)["progress"][1])


def test_a_kill_while_saving_leaves_the_state_before(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_and_kill(trainer(data, tmp_path), 6, monkeypatch)
    before = (tmp_path / STATE).read_bytes()

    def killed_half_way(_: object, path: Path) -> None:
        path.write_bytes(before[: len(before) // 2])
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(model_files, "save_file", killed_half_way)
        with pytest.raises(KilledError):
            trainer(data, tmp_path).run()
    assert (tmp_path / STATE).read_bytes() == before
    assert trainer(data, tmp_path).loop.step == 5


def test_a_finished_run_has_nothing_to_do(data: Path, undisturbed: tuple[Path, dict[str, Tensor]]) -> None:
    output, found = undisturbed
    run = trainer(data, output)
    assert run.loop.step == 14
    run.run()
    assert same(weights(run), found)


def test_a_run_begins_with_the_weights_of_an_earlier_one(
    data: Path, tmp_path: Path, undisturbed: tuple[Path, dict[str, Tensor]]
) -> None:
    earlier = load_checkpoint(undisturbed[0] / "checkpoint")
    started = Trainer(RECIPE, data, tmp_path / "run", ALONE, earlier)
    for name, tensor in started.student.model.state_dict().items():
        assert torch.equal(tensor, earlier.weights[name].float()), name
    provenance = load_checkpoint(started.export()).provenance
    assert provenance["start"]["sha256"] == earlier.sha256
    assert provenance["start"]["steps"] == RECIPE.optimisation.steps


def test_what_begins_with_an_earlier_run_already_knows_the_teacher(
    data: Path, tmp_path: Path, undisturbed: tuple[Path, dict[str, Tensor]]
) -> None:
    earlier = load_checkpoint(undisturbed[0] / "checkpoint")
    started = Trainer(RECIPE, data, tmp_path / "started", ALONE, earlier)
    fresh = Trainer(RECIPE, data, tmp_path / "fresh", ALONE)
    fresh.student.model.load_state_dict(started.student.model.state_dict())
    batch = fresh.batches.make(0)
    assert started.student(batch, 4)["teacher"] < 0.9 * fresh.student(batch, 4)["teacher"]


def test_an_earlier_run_of_another_shape_is_refused(
    data: Path, tmp_path: Path, undisturbed: tuple[Path, dict[str, Tensor]]
) -> None:
    earlier = replace(load_checkpoint(undisturbed[0] / "checkpoint"), encoder=replace(ENCODER, kernel=7))
    with pytest.raises(ValueError, match="another encoder"):
        Trainer(RECIPE, data, tmp_path / "run", ALONE, earlier)


def test_features_are_normalised_by_what_is_heard(data: Path, tmp_path: Path) -> None:
    encoder = trainer(data, tmp_path).student.model.encoder
    assert encoder.mean.shape == (80,)
    assert -17 < float(encoder.mean.min()) < float(encoder.mean.max()) < 8
    assert float(encoder.deviation.min()) > 0.1


def test_nothing_to_train_on_is_said(tmp_path: Path, data: Path) -> None:
    recipe = replace(RECIPE, stores=(), teacher_stores=(), dev_stores=(), noise_stores=(), nonspeech_stores=())
    with pytest.raises(ValueError, match="the recipe tones finds nothing to train on under"):
        trainer(data, tmp_path, recipe)


def test_without_teacher_noise_and_dev(data: Path, tmp_path: Path) -> None:
    recipe = replace(shortened(steps=2), teacher_stores=(), dev_stores=(), noise_stores=(), nonspeech_stores=())
    run = trainer(data, tmp_path, recipe)
    run.run()
    assert load_checkpoint(tmp_path / "checkpoint").provenance["steps"] == 2


def test_a_step_with_an_infinite_gradient_changes_no_weight(data: Path, tmp_path: Path) -> None:
    run = trainer(data, tmp_path)
    before = {name: one.clone() for name, one in run.student.state_dict().items()}
    batch = run.batches.make(0)
    batch.features[0, 0, 0] = math.inf
    run._train_step(batch)
    assert run.loop.step == 1
    assert same(dict(run.student.state_dict()), before)
    assert all(parameter.grad is None for parameter in run.student.parameters())


def test_the_teacher_is_heard_alone_at_first(data: Path, tmp_path: Path) -> None:
    run = trainer(data, tmp_path, shortened(steps=3, teacher_steps=2))
    heads = run.student.model.heads
    for step in range(3):
        assert not any(bool(one.any()) for one in heads.parameters())
        run._train_step(run.batches.make(step))
    assert all(bool(one.any()) for one in heads.parameters())
    assert bool(run.student.projection.weight.any())


def student_and_batch(data: Path, transcribed: bool) -> tuple[Student, Any]:
    recipe = replace(RECIPE, dev_stores=(), noise_stores=(), nonspeech_stores=())
    from models.recipes.data.samples import training_samples

    samples = [one for one in training_samples(recipe, data) if (one.labels is not None) == transcribed]
    maker = BatchMaker([], recipe.batches, recipe.augmentation, [head.name for head in HEADS], 1)
    return Student(CtcModel(ENCODER, HEADS), 4), maker.make([[one] for one in samples[:2]], 0)


def test_losses_are_those_of_the_heads_and_the_teacher(data: Path) -> None:
    student, batch = student_and_batch(data, transcribed=True)
    losses = student(batch, 4)
    assert losses.keys() == {"phonemes", "characters", "teacher"}
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
    assert "teacher" not in student(replace(batch, targets=None), 4)


def test_a_batch_without_transcripts_teaches_by_its_targets(data: Path) -> None:
    student, batch = student_and_batch(data, transcribed=False)
    losses = student(batch, 4)
    assert losses["teacher"] > 0
    assert losses["phonemes"] == 0


def test_the_rate_warms_up_and_cools_down() -> None:
    config = Optimisation(steps=100, warmup_steps=10, final_rate=0.1)
    rates = [config.share(step) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == config.share(500) == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in pairwise(rates[10:]))


def test_label_error_rates_of_a_model_that_says_nothing(data: Path) -> None:
    model = CtcModel(ENCODER, HEADS).eval()
    for head in HEADS:
        bias = model.heads[head.name].bias
        assert isinstance(bias, Tensor)
        bias.data[0] = 1000.0
    rates = label_error_rates(model, dev_samples(RECIPE, data))
    assert rates == {"tones phonemes": 100.0, "tones characters": 100.0}

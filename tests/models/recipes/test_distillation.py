"""A student of a deeper model of the tiny language."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.frontend import FrontendConfig
from models.recipes.data.batches import BatchConfig
from models.recipes.data.samples import HEADS
from models.recipes.distillation import PosteriorTeacher
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_log import LOG
from models.recipes.recipe import Distillation, Optimisation, Recipe
from models.recipes.student import Encoded
from models.recipes.train import Trainer

ENCODER = EncoderConfig(dim=16, layers=1, heads=2, feed_forward=32, kernel=5, channels=8, left_context=8)
DEEPER = replace(ENCODER, layers=3)
RECIPE = Recipe(
    name="student",
    seed=1,
    stores=("real",),
    teacher_stores=(),
    dev_stores=(),
    noise_stores=(),
    weights={},
    encoder=ENCODER,
    batches=BatchConfig(frames=1000, join_frames=(100, 300), gap_frames=(4, 20)),
    optimisation=Optimisation(
        steps=40, warmup_steps=2, learning_rate=1e-2, chunks=(2,), head_weights={"phonemes": 1.0, "characters": 0.5}
    ),
    distillation=Distillation("teacher", temperature=2.0, weight=3.0),
)
CPU = torch.device("cpu")


def random_checkpoint(config: EncoderConfig, heads: tuple[Head, ...] = HEADS) -> Checkpoint:
    """An untrained model whose heads tell labels apart."""
    torch.manual_seed(5)
    model = CtcModel(config, heads)
    for head in model.heads.values():
        torch.nn.init.normal_(head.weight)  # type: ignore[arg-type]
    model.encoder.mean.fill_(-8.0)
    model.encoder.deviation.fill_(4.0)
    return Checkpoint(FrontendConfig(), config, heads, dict(model.state_dict()), provenance={"recipe": "teacher"})


@pytest.fixture(scope="module")
def taught(data: Path) -> Path:
    """The data of the tiny language with a teacher three times as deep as the student."""
    save_checkpoint(data / "teacher", random_checkpoint(DEEPER))
    return data


def trainer(data: Path, output: Path, recipe: Recipe = RECIPE, start: Checkpoint | None = None) -> Trainer:
    return Trainer(recipe, data, output, Rank(CPU), start)


def test_a_student_learns_its_teacher(taught: Path, tmp_path: Path) -> None:
    run = trainer(taught, tmp_path)
    batch = run.batches.make(0)
    before = run.student(batch, 2, run.objectives.at(0))
    run.run()
    after = run.student(batch, 2, run.objectives.at(0))
    for head in ("distilled phonemes", "distilled characters"):
        assert after[head] < 0.85 * before[head]
    assert head in json.loads((tmp_path / LOG).read_text().splitlines()[0])
    origin = load_checkpoint(tmp_path / "checkpoint").provenance["distillation"]
    assert origin["teacher"]["recipe"] == "teacher"
    assert origin["teacher"]["sha256"] == load_checkpoint(taught / "teacher").sha256
    assert origin["temperature"] == 2.0


def test_a_teacher_that_hears_the_same_way_is_matched(taught: Path, tmp_path: Path) -> None:
    run = trainer(taught, tmp_path)
    teacher = run.objectives.teacher
    assert teacher is not None
    batch = run.batches.make(0)
    before = {name: one.clone() for name, one in teacher._model.state_dict().items()}
    for chunk, matched in ((None, True), (2, False)):
        frames, lengths = teacher._model.encoder(batch.features, batch.lengths, chunk)
        said = {head.name: teacher._model.log_probs(frames, head.name) for head in HEADS}
        losses = teacher(Encoded(lengths, said), batch)
        assert losses.keys() == {"distilled phonemes", "distilled characters"}
        for loss in losses.values():
            assert (loss < 0.005) == matched, chunk  # the teacher computes in bfloat16
    assert all(torch.equal(before[name], one) for name, one in teacher._model.state_dict().items())
    assert not any(one.requires_grad for one in teacher._model.parameters())


def test_a_student_begins_with_every_third_block(taught: Path, tmp_path: Path) -> None:
    start = load_checkpoint(taught / "teacher")
    weights = trainer(taught, tmp_path, start=start).student.model.state_dict()
    blocks = [name for name in weights if ".blocks." in name]
    assert blocks
    for name in weights:
        assert torch.equal(weights[name], start.weights[name.replace("blocks.0.", "blocks.2.")]), name


def test_an_earlier_run_of_another_width_is_refused(taught: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, encoder=replace(DEEPER, dim=32))
    with pytest.raises(ValueError, match=r"another encoder .* choose another --start"):
        trainer(taught, tmp_path, recipe, load_checkpoint(taught / "teacher"))


def test_an_earlier_run_on_other_features_is_refused(taught: Path, tmp_path: Path) -> None:
    start = replace(load_checkpoint(taught / "teacher"), frontend=FrontendConfig(preemphasis=0.5))
    with pytest.raises(ValueError, match="other labels or features"):
        trainer(taught, tmp_path, start=start)


def test_a_head_that_there_is_not_cannot_be_weighed(taught: Path, tmp_path: Path) -> None:
    optimisation = replace(RECIPE.optimisation, head_weights={"phoneme": 1.0})
    with pytest.raises(ValueError, match="names 'phoneme': the heads are phonemes, characters"):
        trainer(taught, tmp_path, replace(RECIPE, optimisation=optimisation))


def test_a_teacher_of_other_labels_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "other", random_checkpoint(ENCODER, (Head("phonemes", ("<blank>", "x")),)))
    with pytest.raises(ValueError, match="has other labels or features"):
        PosteriorTeacher(Distillation("other"), tmp_path, CPU)
    with pytest.raises(ValueError, match="is not a checkpoint"):
        PosteriorTeacher(Distillation("missing"), tmp_path, CPU)

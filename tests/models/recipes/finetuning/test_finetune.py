"""Whole runs of a tiny wav2vec 2.0 network: pre-training on samples, then fine-tuning."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import models.recipes
from models.checkpoint import Checkpoint, save_checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel
from models.frontend import FrontendConfig
from models.loading import load_acoustic_model
from models.quantiser import QuantiserConfig
from models.recipes.data.batches import BatchConfig
from models.recipes.data.samples import HEADS
from models.recipes.finetuning.finetune import FineTuner
from models.recipes.finetuning.finetune_recipe import FineTuning, FrameDistillation, TriStage, read_finetuning_recipe
from models.recipes.finetuning.finetune_student import WaveformStudent, _passing_by
from models.recipes.finetuning.frame_teacher import FrameTeacher
from models.recipes.finetuning.waveform_encoder import WaveformEncoder, new_network
from models.recipes.finetuning.waveforms import LABELS, Recordings, waveform_batches
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_log import LOG
from models.recipes.loop.run_state import STATE
from models.recipes.pretraining.masks import Spans
from models.recipes.pretraining.mel_guidance import MelGuidance
from models.recipes.pretraining.objectives import Data2vecConfig, Wav2vec2Config
from models.recipes.pretraining.pretrain import Pretrainer
from models.recipes.pretraining.pretrain_recipes import WaveformPretraining, read_pretraining_recipe
from models.recipes.recipe import Optimisation
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, load_wav2vec2, save_wav2vec2
from models.wav2vec2_config import Wav2Vec2Config

CPU = Rank(torch.device("cpu"))
SHIPPED = Path(models.recipes.__file__).parent
NETWORK = Wav2Vec2Config(
    outputs=len(LABELS),
    dim=32,
    layers=2,
    heads=2,
    feed_forward=64,
    convolutions=((16, 10, 5), (16, 8, 4), (16, 4, 2), (16, 4, 2), (16, 4, 2), (16, 2, 2)),
    norm_first=True,
    position_kernel=8,
    position_groups=2,
)
RECORDINGS = Recordings(("tones/manifest.jsonl",), ("tones/manifest.jsonl",))
PRETRAINING = WaveformPretraining(
    name="tones",
    seed=1,
    recordings=RECORDINGS,
    network=NETWORK,
    wav2vec2=Wav2vec2Config(dim=16, distractors=10, mask_probability=0.1, mask_frames=4),
    quantiser=QuantiserConfig(groups=2, entries=16, dim=16),
    batches=BatchConfig(frames=800),
    optimisation=Optimisation(
        steps=40, warmup_steps=4, learning_rate=3e-3, muon_learning_rate=1e-2, save_every=1000, chunks=(0,)
    ),
)
FINETUNING = FineTuning(
    name="tones",
    seed=1,
    recordings=RECORDINGS,
    time_masks=Spans(0.02, 3),
    channel_masks=Spans(0.01, 4),
    batches=BatchConfig(frames=800),
    optimisation=TriStage(
        steps=6, learning_rate=3e-3, muon_learning_rate=1e-2, ema_decay=0.9, save_every=1000, evaluate_every=1000
    ),
)


@pytest.fixture(scope="module")
def speech(
    tone_words: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory, write_recordings: Callable[..., None]
) -> Path:
    """Recordings of 40 sentences, 4 of them dev."""
    folder, random = tmp_path_factory.mktemp("speech"), np.random.default_rng(0)
    said = [" ".join(random.choice(tone_words, random.integers(1, 4))) for _ in range(40)]
    write_recordings(folder / "tones", [(text, "dev" if at >= 36 else "train") for at, text in enumerate(said)])
    return folder


@pytest.fixture(scope="module")
def start() -> Wav2Vec2Checkpoint:
    """A network that has learnt nothing."""
    torch.manual_seed(1)
    return Wav2Vec2Checkpoint(NETWORK, LABELS, tuple(range(len(LABELS))), new_network(NETWORK).state_dict())


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A streaming model with random letters."""
    torch.manual_seed(2)
    encoder = EncoderConfig(dim=16, layers=1, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
    model = CtcModel(encoder, HEADS)
    torch.nn.init.normal_(model.heads["characters"].weight)
    folder = tmp_path_factory.mktemp("teacher")
    save_checkpoint(folder, Checkpoint(FrontendConfig(), encoder, HEADS, model.state_dict()))
    return folder


def shortened(recipe: FineTuning = FINETUNING, **changes: Any) -> FineTuning:
    return replace(recipe, optimisation=replace(recipe.optimisation, **changes))


def log(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / LOG).read_text().splitlines()]


def changed(before: dict[str, Tensor], run: FineTuner) -> set[str]:
    """The parts of the network whose weights are no longer the checkpoint's."""
    now = run.student.network.state_dict()
    names = {name for name in now if not torch.equal(now[name], before[name])}
    return {"features" if name.startswith("feature_extractor") else name.split(".")[0] for name in names}


def test_pre_training_on_samples_then_fine_tuning(speech: Path, tmp_path: Path) -> None:
    pretraining = replace(PRETRAINING, log_mel=MelGuidance())
    Pretrainer(pretraining, speech, tmp_path / "pretrained", CPU).run()
    first, last = log(tmp_path / "pretrained")
    assert last["energies"] < first["energies"]
    pretrained = load_wav2vec2(tmp_path / "pretrained" / "checkpoint")
    assert (pretrained.labels, pretrained.provenance["steps"]) == (LABELS, 40)
    assert not pretrained.weights["aux.weight"].any()
    recipe = shortened(steps=120, freeze_features=False)
    FineTuner(recipe, speech, tmp_path / "run", CPU, pretrained).run()
    lines = log(tmp_path / "run")
    assert lines[5]["characters"] < 0.6 * lines[0]["characters"]
    assert lines[-1].keys() == {"step", "hours", "dev tones"}
    checkpoint = load_acoustic_model(tmp_path / "run" / "checkpoint")
    assert isinstance(checkpoint, Wav2Vec2Checkpoint)
    assert checkpoint.provenance["start"]["sha256"] == pretrained.sha256
    assert checkpoint.build()(torch.zeros(1, 4000)).shape[2] == len(LABELS)


def test_data2vec_on_samples(speech: Path, tmp_path: Path) -> None:
    recipe = replace(PRETRAINING, wav2vec2=None, data2vec=Data2vecConfig(top_layers=2))
    run = Pretrainer(recipe, speech, tmp_path, CPU)
    run._train_step(run.batches.make(0))
    assert (tmp_path / LOG).exists() is False
    assert run.loop.step == 1


def test_the_feature_encoder_is_frozen_and_the_head_learns_first(
    speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path
) -> None:
    run = FineTuner(shortened(head_steps=2), speech, tmp_path, CPU, start)
    found = []
    for step in range(3):
        run._train_step(run.batches.make(step))
        found.append(changed(start.weights, run))
    assert found == [{"aux"}, {"aux"}, {"aux", "encoder"}]


def test_a_feature_encoder_that_learns_on(speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path) -> None:
    run = FineTuner(shortened(freeze_features=False), speech, tmp_path, CPU, start)
    for step in range(2):  # in the first, the head's zeros let no gradient through
        run._train_step(run.batches.make(step))
    assert changed(start.weights, run) == {"aux", "encoder", "features"}


def test_a_killed_run_goes_on_as_if_nothing_had_been(speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path) -> None:
    recipe = shortened(save_every=3, layer_drop=0.3)
    whole = FineTuner(recipe, speech, tmp_path / "whole", CPU, start)
    whole.run()
    killed = FineTuner(recipe, speech, tmp_path / "killed", CPU, start)
    for step in range(5):
        killed._train_step(killed.batches.make(step))
        if killed.loop.step == 3:
            killed.loop.save()
    resumed = FineTuner(recipe, speech, tmp_path / "killed", CPU, start)
    assert resumed.loop.step == 3
    resumed.run()
    assert resumed.loop.seconds_heard == pytest.approx(whole.loop.seconds_heard)
    for name, tensor in whole.average.weights.items():
        torch.testing.assert_close(resumed.average.weights[name], tensor, atol=1e-5, rtol=0, msg=name)


def test_a_state_of_another_recipe_is_refused(speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path) -> None:
    FineTuner(shortened(steps=1), speech, tmp_path, CPU, start).run()
    with pytest.raises(ValueError, match=rf"{STATE} is damaged or of another recipe.*learning_rate"):
        FineTuner(shortened(learning_rate=1.0), speech, tmp_path, CPU, start)


def test_another_vocabulary_gets_a_new_head(speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path) -> None:
    labels, columns = ("<blank>", "|", *"abc"), (0, 4, 7, 6, 5)
    network = FineTuner(
        FINETUNING, speech, tmp_path, CPU, replace(start, labels=labels, columns=columns)
    ).student.network
    assert network.config.outputs == len(LABELS)
    assert not network.aux.weight.any()


def test_another_sample_rate_is_refused(speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path) -> None:
    other = replace(start, config=replace(NETWORK, sample_rate=8000))
    with pytest.raises(ValueError, match="hears 8000 Hz, not 16000"):
        FineTuner(FINETUNING, speech, tmp_path, CPU, other)


def test_a_teacher_of_every_frame(speech: Path, start: Wav2Vec2Checkpoint, teacher: Path, tmp_path: Path) -> None:
    distillation = FrameDistillation(str(teacher), ctc_weight=0.0, frames_weight=1.0, frames_alone=2)
    recipe = replace(shortened(steps=60, freeze_features=False), distillation=distillation)
    run = FineTuner(recipe, speech, tmp_path, CPU, start)
    assert run._loss_weights(1) == {"characters": 0.0, "distilled characters": 0.0, "teacher": 1.0}
    run.run()
    first, _, last = (line for line in log(tmp_path) if "teacher" in line)
    assert last["teacher"] < first["teacher"]
    assert last["distilled characters"] < first["distilled characters"]
    provenance = load_wav2vec2(tmp_path / "checkpoint").provenance
    assert provenance["distillation"]["teacher"] == load_acoustic_model(teacher).sha256


def test_the_teacher_speaks_in_the_frames_of_the_student(speech: Path, teacher: Path) -> None:
    listening = FrameTeacher(teacher, CPU.device)
    batch = waveform_batches(RECORDINGS.train(speech), BatchConfig(frames=800), 1, CPU).make(0)
    frames = NETWORK.frames_in(batch.samples.shape[1])
    taught = listening(batch, frames, NETWORK)
    assert taught.log_probs.shape == (len(batch.samples), frames, len(LABELS))
    even = frames - frames % 2  # the teacher's frames are twice as long
    assert torch.equal(taught.frames[:, :even:2], taught.frames[:, 1:even:2])
    assert not torch.equal(taught.frames[:, 0], taught.frames[:, 2])
    as_long = replace(NETWORK, convolutions=(*NETWORK.convolutions, (16, 2, 2)))
    assert torch.equal(listening(batch, even // 2, as_long).frames, taught.frames[:, :even:2])


def test_masks_hide_time_and_channels(start: Wav2Vec2Checkpoint) -> None:
    recipe = replace(FINETUNING, time_masks=Spans(0.05, 4), channel_masks=Spans(0.05, 8))
    student = WaveformStudent(new_network(NETWORK), recipe, 0)
    torch.nn.init.constant_(student.mask, 5.0)
    frames = student._masked(torch.ones(2, 50, 32), torch.tensor([50, 30]), torch.Generator().manual_seed(1))
    assert {*frames.unique().tolist()} == {0.0, 1.0, 5.0}
    channels = (frames == 0).all(1)  # (B, D)
    assert ((frames == 0) == channels[:, None]).all()
    assert not torch.equal(channels[0], channels[1])
    times = (frames == 5).any(2)
    assert not times[1, 30:].any()
    plain = WaveformStudent(new_network(NETWORK), replace(recipe, time_masks=None, channel_masks=None), 0)
    assert plain._masked(torch.ones(1, 9, 32), torch.tensor([9]), torch.Generator()).all()


def test_layers_that_are_passed_by() -> None:
    network, frames = new_network(NETWORK), torch.randn(1, 20, 32, generator=torch.Generator().manual_seed(1))
    transformer = network.encoder.transformer
    with _passing_by(network, 1.0, torch.Generator()):
        bare = network.transform(frames)
    torch.testing.assert_close(bare, transformer.layer_norm(frames + transformer.pos_conv_embed(frames)))
    with _passing_by(network, 0.0, torch.Generator()):
        whole = network.transform(frames)
    assert torch.equal(network.transform(frames), whole)
    assert not torch.allclose(whole, bare)


def test_outputs_of_the_layers_end_with_what_the_head_hears(start: Wav2Vec2Checkpoint) -> None:
    torch.manual_seed(4)
    encoder = WaveformEncoder(new_network(NETWORK))
    samples, lengths = torch.randn(2, 8000), torch.tensor([8000, 5000])
    frames, counts = encoder.subsample(samples, lengths)
    outputs = encoder.block_outputs(frames, counts, None)
    assert len(outputs) == NETWORK.layers
    expected = encoder.network.log_probs(outputs[-1])
    torch.testing.assert_close(encoder.network(samples, lengths), expected)
    with pytest.raises(ValueError, match="full context only"):
        encoder.block_outputs(frames, counts, 4)


def test_two_ranks_hold_the_same_weights(speech: Path, start: Wav2Vec2Checkpoint, tmp_path: Path) -> None:
    save_wav2vec2(tmp_path / "start", start)
    script = Path(__file__).with_name("two_fine_tuners.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [*command, str(speech), str(tmp_path / "start"), str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(script.parents[4]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / "run" / f"rank-{number}.json").read_text()) for number in (0, 1))
    assert first["weights"] == second["weights"]
    assert first["heard"] != second["heard"]
    assert first["seconds"] == second["seconds"] == pytest.approx(sum(first["heard"]) + sum(second["heard"]))


def test_the_three_stages_of_the_rate() -> None:
    config = TriStage(steps=100, warmup=0.1, hold=0.4, final_rate=0.05)
    rates = [config.share(step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert rates[10:50] == [1.0] * 40
    assert rates[74] == pytest.approx(0.05**0.5)
    assert rates[99] == config.share(500) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be 1 or more"),
        ({"warmup": 0.7, "hold": 0.4}, "must be shares of the run"),
        ({"final_rate": 0.0}, "final_rate must be above 0"),
        ({"layer_drop": 1.0}, "layer_drop must be a chance"),
    ],
)
def test_stages_that_mean_nothing(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TriStage(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wav2vec2": None}, "must be one of the sections"),
        ({"network": replace(NETWORK, outputs=3)}, "must have 29 outputs"),
        ({"optimisation": Optimisation()}, "full context only"),
        ({"wav2vec2": None, "data2vec": Data2vecConfig(), "log_mel": MelGuidance()}, r"\[log_mel\] is for wav2vec 2.0"),
    ],
)
def test_pre_training_that_means_nothing(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PRETRAINING, **changes)


def test_shipped_recipes() -> None:
    pretraining = read_pretraining_recipe(SHIPPED / "wav2vec2_small_pretrain.toml")
    assert isinstance(pretraining, WaveformPretraining)
    assert pretraining.network.frame_duration_s == 0.02
    assert read_finetuning_recipe(SHIPPED / "wav2vec2_small.toml").distillation is not None
    finetuning = read_finetuning_recipe(SHIPPED / "wav2vec2_finetune.toml")
    assert finetuning.optimisation.freeze_features
    assert (finetuning.optimisation.layer_drop, finetuning.time_masks) == (0.0, Spans(0.065, 10))

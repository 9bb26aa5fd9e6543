"""Minimum word error training on the tiny language."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.checkpoint import DESCRIPTION, FILES, load_checkpoint
from models.conformer import EncoderConfig
from models.recipes.data.augment import Augmentation
from models.recipes.data.batches import Batch, BatchConfig
from models.recipes.data.phonemes import PHONEMES
from models.recipes.data.samples import HEADS
from models.recipes.loop.optimisers import Optimisers
from models.recipes.loop.rank import Rank
from models.recipes.objectives import loss_weights
from models.recipes.recipe import Distillation, Optimisation, Recipe, SequenceTraining
from models.recipes.student import Encoded
from models.recipes.train import Trainer
from models.recipes.word_errors import ExpectedWordErrors, references

LEXICON = "ha\th ɑː\nbee\tb iː\nzoo\tz uː\nmy\tm aɪ\nha\th ə\n"
SEQUENCE = SequenceTraining("lexicon.txt", nbest=4, beam_width=20, beta=0.0)
RECIPE = Recipe(
    name="words",
    seed=1,
    stores=("real",),
    teacher_stores=(),
    dev_stores=(),
    noise_stores=(),
    nonspeech_stores=("noise",),
    weights={"noise/": 0.5},
    encoder=EncoderConfig(dim=32, layers=1, heads=2, feed_forward=64, kernel=5, channels=8, left_context=8),
    batches=BatchConfig(frames=700, join_frames=(100, 300), gap_frames=(4, 20)),
    augmentation=Augmentation(warp_probability=0.0, frequency_masks=1, time_masks_per_second=0.1),
    optimisation=Optimisation(steps=1000, warmup_steps=4, learning_rate=1e-2, save_every=1000, chunks=(2,)),
)


@pytest.fixture(scope="module")
def data(data: Path) -> Path:
    """The data of the tiny language, with a lexicon."""
    (data / "lexicon.txt").write_text(LEXICON, encoding="utf-8")
    return data


def trainer(data: Path, output: Path, recipe: Recipe) -> Trainer:
    return Trainer(recipe, data, output, Rank(torch.device("cpu")))


def test_expected_word_errors_fall(data: Path, tmp_path: Path) -> None:
    """CTC until words are heard, then expected word errors alone, at a quarter of the rate."""
    run = trainer(data, tmp_path, replace(RECIPE, teacher_stores=("teacher",)))
    batch = run.batches.make(0)
    optimisers = Optimisers(run.student, RECIPE.optimisation)
    objective = ExpectedWordErrors(SEQUENCE, data)

    def learn(names: list[str], step: int) -> float:
        losses = run.student(batch, 2, [objective] if "word errors" in names else [])
        optimisers.descend(torch.stack([losses[name] for name in names]).sum(), step)
        return losses[names[0]].item()

    for _ in range(150):
        if learn(["phonemes", "teacher"], 10) < 1.0:
            break
    expected = [learn(["word errors"], 700) for _ in range(10)]
    assert expected[0] > 0.02
    assert expected[-1] < 0.8 * expected[0], expected


def test_a_run_ends_with_the_stage(data: Path, tmp_path: Path) -> None:
    optimisation = replace(RECIPE.optimisation, steps=2)
    run = trainer(data, tmp_path, replace(RECIPE, optimisation=optimisation, sequence=replace(SEQUENCE, start_step=1)))
    assert run.objectives.at(0) == []
    assert [type(objective) for objective in run.objectives.at(1)] == [ExpectedWordErrors]
    run.run()
    provenance = load_checkpoint(tmp_path / "checkpoint").provenance
    assert (provenance["steps"], provenance["sequence"]["nbest"]) == (2, 4)


def said(words: list[str], doubt: float) -> torch.Tensor:
    """Log-probabilities (T, V) of words, a blank after each label; doubt that the first sound is z instead."""
    label = {name: index for index, name in enumerate(HEADS[0].labels)}
    spelling = {line.split("\t")[0]: line.split("\t")[1].split() for line in LEXICON.splitlines()[:4]}
    frames = [frame for word in words for sound in spelling[word] for frame in (label[sound], 0)]
    probs = torch.full((len(frames), 1 + len(PHONEMES)), 1e-9)
    probs[torch.arange(len(frames)), frames] = 1.0
    probs[0, frames[0]], probs[0, label["z"]] = 1 - doubt, doubt
    probs[2, label["uː"]] = probs[2, frames[2]] = 0.5
    return probs.log()


def batch_of(text: str, transcribed: bool = True) -> Batch:
    letters = {letter: index for index, letter in enumerate(HEADS[1].labels)}
    labels = torch.tensor([letters[letter] for letter in text.replace(" ", "|")])
    return Batch(
        features=torch.zeros(1, 0, 80),
        lengths=torch.zeros(1),
        targets=None,
        target_mask=torch.zeros(1, 0),
        labels={"characters": labels},
        label_lengths={"characters": torch.tensor([len(labels)])},
        transcribed=torch.tensor([transcribed]),
    )


def test_what_is_expected_of_two_hypotheses(data: Path) -> None:
    """Of `bee` and `zoo`, spelled b iː and z uː, with the first vowel in doubt: 0.7 against 0.3."""
    log_probs = said(["bee", "my"], doubt=0.3)[None].requires_grad_()
    batch = batch_of("zoo my")
    losses = ExpectedWordErrors(SEQUENCE, data)(Encoded(torch.tensor([8]), {"phonemes": log_probs}), batch)
    assert losses["word errors"].item() == pytest.approx(0.7 * 1 / 2, abs=1e-3)
    losses["word errors"].backward()
    assert log_probs.grad is not None
    label = HEADS[0].labels.index
    # p (W - mean): bee is 0.7 likely and has 1 error where 0.7 are expected; over two words
    assert log_probs.grad[0, 0, label("b")].item() == pytest.approx(0.7 * 0.3 / 2, abs=1e-3)
    assert log_probs.grad[0, 0, label("z")].item() == pytest.approx(-0.3 * 0.7 / 2, abs=1e-3)


def test_priors_are_taken_off_as_in_the_search(data: Path) -> None:
    """Of `bee` (0.7) and `zoo` (0.3), /b/ is twice as common as /z/: odds of 0.35 to 0.3."""
    priors = [0.02] * len(HEADS[0].labels)
    priors[HEADS[0].labels.index("b")] = 0.04
    description = {"format": FILES.format, "version": FILES.version, "label_priors": {"beam": priors}}
    (data / "tuned").mkdir()
    (data / "tuned" / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    objective = ExpectedWordErrors(replace(SEQUENCE, prior_scale=1.0, priors="tuned"), data)
    encoded = Encoded(torch.tensor([8]), {"phonemes": said(["bee", "my"], doubt=0.3)[None]})
    losses = objective(encoded, batch_of("zoo my"))
    assert losses["word errors"].item() == pytest.approx(0.35 / 0.65 / 2, abs=5e-3)


def test_a_checkpoint_without_priors_is_refused(data: Path) -> None:
    (data / "untuned").mkdir()
    (data / "untuned" / DESCRIPTION).write_text(json.dumps({"format": FILES.format, "version": FILES.version}))
    with pytest.raises(ValueError, match="no priors of the 43 phonemes"):
        ExpectedWordErrors(replace(SEQUENCE, prior_scale=0.4, priors="untuned"), data)


def test_without_transcripts_nothing_is_expected(data: Path) -> None:
    encoded = Encoded(torch.tensor([8]), {"phonemes": said(["bee", "my"], 0.3)[None]})
    assert ExpectedWordErrors(SEQUENCE, data)(encoded, batch_of("", transcribed=False)) == {}


def test_references_are_the_words_of_joined_utterances(data: Path, tmp_path: Path) -> None:
    run = trainer(data, tmp_path, RECIPE)
    groups = [group for group in run.batches.plan.batch(0) if group[0].labels is not None]
    assert max(map(len, groups)) > 1
    texts = [" ".join(sample.entry.text for sample in group if sample.entry.text) for group in groups]
    assert references(run.batches.make(0)) == texts


def test_the_stage_begins_at_its_step() -> None:
    recipe = replace(
        RECIPE,
        optimisation=replace(RECIPE.optimisation, teacher_steps=2, teacher_weight=5.0),
        distillation=Distillation("teacher", weight=2.0),
        sequence=replace(SEQUENCE, start_step=10, weight=0.7, interpolation=0.1),
    )
    distilled = {"distilled phonemes": 2.0, "distilled characters": 0.6}
    assert loss_weights(recipe, 0) == pytest.approx({"phonemes": 0, "characters": 0, "teacher": 5, **distilled})
    before = {"phonemes": 1.0, "characters": 0.3, "teacher": 5.0, **distilled}
    assert loss_weights(recipe, 9) == pytest.approx(before)
    after = {name: 0.1 * weight for name, weight in before.items()}
    assert loss_weights(recipe, 10) == pytest.approx({**after, "word errors": 0.7})

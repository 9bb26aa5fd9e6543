import threading
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from models.recipes.data.augment import Augmentation
from models.recipes.data.batches import Batch, BatchConfig, BatchMaker, BatchPlan, Sample, prefetch
from models.recipes.data.features import LOG_MEL_HIGH, LOG_MEL_LOW, Entry, Store, StoreWriter

BANDS = 20
HEADS = ("phonemes", "characters")
UNCHANGED = Augmentation(
    level_db=(0.0, 0.0),
    equaliser_db=0.0,
    warp_probability=0.0,
    noise_probability=0.0,
    telephone_probability=0.0,
    frequency_masks=0,
    time_masks_per_second=0.0,
)
CONFIG = BatchConfig(frames=1600, join_probability=0.7, join_frames=(200, 600), gap_frames=(10, 40), longest=500)
LOWEST = 20  # levels below it are quiet


def encoded(frames: int) -> int:
    return -(-frames // 4)


def say(frames: int, utterance: int) -> npt.NDArray[np.uint8]:
    """Features whose first band is the encoder frame and whose second is the utterance."""
    rows = np.full((frames, BANDS), 200, np.uint8)
    rows[:, 0] = LOWEST + np.arange(frames) // 4
    rows[:, 1] = LOWEST + utterance
    return rows


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """120 utterances: two of three have targets, five of six a transcript."""
    folder = tmp_path_factory.mktemp("stores")
    features = StoreWriter(folder / "features", BANDS, np.uint8)
    targets = StoreWriter(folder / "teacher", 2, np.float16)
    lengths = np.random.default_rng(0).integers(20, 400, 120)
    for number, frames in enumerate(lengths):
        features.add(f"speech/{number}", say(frames, number), None, "")
        rows = np.stack([np.arange(encoded(frames)), np.full(encoded(frames), number)], 1)
        targets.add(f"speech/{number}", rows.astype(np.float16), None, "")
    features.close()
    targets.close()
    heard, taught = Store(folder / "features"), Store(folder / "teacher")
    found = []
    for number, (entry, target) in enumerate(zip(heard.entries, taught.entries, strict=True)):
        labels = {head: np.array([number, step]) for step, head in enumerate(HEADS)}
        transcribed = None if number % 6 == 0 else labels
        found.append(Sample(entry, heard, (taught, target) if number % 3 != 1 else None, transcribed, 1.0))
    return found


def maker(augmentation: Augmentation = UNCHANGED, config: BatchConfig = CONFIG, seed: int = 1) -> BatchMaker:
    noise = np.random.default_rng(1).uniform(-9, 0, (50, BANDS)).astype(np.float32)
    return BatchMaker([noise], config, augmentation, HEADS, seed)


def keys(batch: list[list[Sample]]) -> list[list[str]]:
    return [[sample.entry.key for sample in group] for group in batch]


def epoch(samples: list[Sample], config: BatchConfig = CONFIG, seed: int = 1) -> list[list[list[Sample]]]:
    """The batches of the first epoch: those before its utterances come again."""
    plan, found, wanted = BatchPlan(samples, config, seed), list[list[list[Sample]]](), len(samples)
    while sum(len(group) for batch in found for group in batch) < wanted:
        found.append(plan.batch(len(found)))
    return found


def same(first: Batch, second: Batch) -> bool:
    pairs = [
        (first.features, second.features),
        (first.lengths, second.lengths),
        (first.target_mask, second.target_mask),
        (first.transcribed, second.transcribed),
        *((first.labels[head], second.labels[head]) for head in HEADS),
        *((first.label_lengths[head], second.label_lengths[head]) for head in HEADS),
    ]
    if first.targets is not None and second.targets is not None:
        pairs.append((first.targets, second.targets))
    return all(torch.equal(one, other) for one, other in pairs)


def test_the_plan_is_the_same_in_every_run(samples: list[Sample]) -> None:
    plan, again = BatchPlan(samples, CONFIG, 1), BatchPlan(samples, CONFIG, 1)
    steps = [keys(plan.batch(step)) for step in range(60)]
    assert steps == [keys(again.batch(step)) for step in range(60)]
    other = BatchPlan(samples, CONFIG, 2)
    assert steps != [keys(other.batch(step)) for step in range(60)]


@pytest.mark.parametrize("start", [1, 17, 55])
def test_a_plan_goes_on_at_any_step(samples: list[Sample], start: int) -> None:
    plan, resumed = BatchPlan(samples, CONFIG, 1), BatchPlan(samples, CONFIG, 1)
    steps = [keys(plan.batch(step)) for step in range(60)]
    assert [keys(resumed.batch(step)) for step in range(start, 60)] == steps[start:]


def test_an_epoch_hears_everything_once(samples: list[Sample]) -> None:
    heard = Counter(key for batch in epoch(samples) for group in keys(batch) for key in group)
    assert heard == Counter(sample.entry.key for sample in samples)


def test_epochs_differ(samples: list[Sample]) -> None:
    batches = len(epoch(samples))
    plan = BatchPlan(samples, CONFIG, 1)
    steps = [keys(plan.batch(step)) for step in range(2 * batches)]
    assert steps[:batches] != steps[batches:]


@pytest.mark.parametrize("changes", [{"weight": 0.0}, {"entry": Entry("a", 0, 10, None, "")}])
def test_a_plan_without_utterances_is_refused(samples: list[Sample], changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no utterance is long and short enough"):
        BatchPlan([replace(sample, **changes) for sample in samples], CONFIG, 1)


def test_weights_are_how_often_an_utterance_is_heard(samples: list[Sample]) -> None:
    weights = (0.0, 0.5, 2.0, 2.5)
    weighted = [replace(sample, weight=weights[at % 4]) for at, sample in enumerate(samples)]
    heard: Counter[float] = Counter()
    for seed in range(20):
        repeats = Counter(
            key
            for batch in BatchPlan(weighted, CONFIG, seed)._plan(np.random.default_rng(seed))
            for group in keys(batch)
            for key in group
        )
        for at, sample in enumerate(weighted):
            assert int(sample.weight) <= repeats[sample.entry.key] <= int(sample.weight + 0.5)
            heard[weights[at % 4]] += repeats[sample.entry.key]
    for weight in weights:
        assert heard[weight] / (20 * 30) == pytest.approx(weight, abs=0.1)


def test_utterances_too_short_or_too_long_are_left_out(samples: list[Sample]) -> None:
    config = replace(CONFIG, longest=200)
    lengths = [sample.entry.frames for batch in _plan_of(samples, config) for group in batch for sample in group]
    assert 0 < max(lengths) <= 200
    assert min(lengths) >= 20


def _plan_of(samples: list[Sample], config: BatchConfig) -> list[list[list[Sample]]]:
    return BatchPlan(samples, config, 1)._plan(np.random.default_rng(1))


def test_what_is_transcribed_and_what_is_not_are_never_joined(samples: list[Sample]) -> None:
    config = replace(CONFIG, join_probability=1.0, join_frames=(600, 900))
    groups = [group for batch in epoch(samples, config) for group in batch]
    assert any(len(group) > 2 for group in groups)
    for group in groups:
        if len(group) > 1:
            assert all(sample.labels is not None for sample in group)


def test_nothing_is_joined_where_it_should_not_be(samples: list[Sample]) -> None:
    assert all(len(group) == 1 for batch in epoch(samples, replace(CONFIG, join_probability=0.0)) for group in batch)


def test_batches_stay_within_the_limit(samples: list[Sample]) -> None:
    sizes = []
    for step, groups in enumerate(epoch(samples)):
        batch = maker().make(groups, step)
        assert batch.features.shape[0] * batch.features.shape[1] <= CONFIG.frames
        assert batch.features.shape[1] == 4 * encoded(int(batch.lengths.max()))
        sizes.append(float(batch.lengths.sum()))
    assert np.mean(sizes) > 0.6 * CONFIG.frames  # and are well filled
    assert batch.seconds == pytest.approx(sizes[-1] / 100)


def test_an_utterance_longer_than_a_batch_is_a_batch(samples: list[Sample]) -> None:
    for batch in epoch(samples, replace(CONFIG, frames=100, join_probability=0.0)):
        assert len(batch) == 1


def test_targets_stay_beside_their_features(samples: list[Sample]) -> None:
    """Joined, padded and with gaps: each target frame names the four feature frames that it belongs to."""
    for step, groups in enumerate(epoch(samples)):
        batch = maker().make(groups, step)
        unit = (batch.features - LOG_MEL_LOW) / (LOG_MEL_HIGH - LOG_MEL_LOW)
        levels = (unit * 255).round()  # (B, T, F)
        taught = [[sample for sample in group if sample.targets is not None] for group in groups]
        if batch.targets is None:
            assert not any(taught)
            continue
        assert batch.targets.shape == (len(groups), levels.shape[1] // 4, 2)
        for row, group in enumerate(taught):
            mask = batch.target_mask[row]
            assert int(mask.sum()) == sum(encoded(sample.entry.frames) for sample in group)
            firsts, utterances = batch.targets[row][mask].unbind(1)
            heard = levels[row].view(-1, 4, BANDS)[mask]
            assert torch.equal(heard[:, 0, 0], LOWEST + firsts)
            assert torch.equal(heard[:, 0, 1], LOWEST + utterances)
            speech = heard[..., 2] == 200  # the last encoder frame of an utterance may be part silence
            assert torch.equal(heard[..., 0][speech], (LOWEST + firsts[:, None]).expand(-1, 4)[speech])
            assert int(speech.sum()) == sum(sample.entry.frames for sample in group)


def test_labels_follow_the_joined_utterances(samples: list[Sample]) -> None:
    for step, groups in enumerate(epoch(samples)):
        batch = maker().make(groups, step)
        spoken = [group for group in groups if group[0].labels is not None]
        assert batch.transcribed.tolist() == [group[0].labels is not None for group in groups]
        for head in HEADS:
            assert batch.label_lengths[head].tolist() == [2 * len(group) for group in spoken]
            wanted = [label for group in spoken for sample in group for label in (sample.labels or {})[head].tolist()]
            assert batch.labels[head].tolist() == wanted
            assert batch.labels[head].dtype == torch.int64


def test_lengths_are_those_of_what_is_heard(samples: list[Sample]) -> None:
    for step, groups in enumerate(epoch(samples)[:10]):
        batch = maker().make(groups, step)
        for row, length in enumerate(batch.lengths.tolist()):
            assert batch.features[row, :length].abs().amin() > 0
            assert not batch.features[row, length:].any()


def test_the_step_decides_what_a_batch_sounds_like(samples: list[Sample]) -> None:
    groups = epoch(samples)[0]
    batch = maker(Augmentation()).make(groups, 7)
    assert same(batch, maker(Augmentation()).make(groups, 7))
    assert not same(batch, maker(Augmentation()).make(groups, 8))
    assert not same(batch, maker(Augmentation(), seed=2).make(groups, 7))
    used = maker(Augmentation())
    used.make(groups, 6)
    assert same(batch, used.make(groups, 7))


def test_utterances_without_targets_make_a_batch_without(samples: list[Sample]) -> None:
    untaught = [[sample] for sample in samples if sample.targets is None][:3]
    batch = maker().make(untaught, 0)
    assert batch.targets is None
    assert not batch.target_mask.any()


def test_a_delimiter_stands_between_the_words_of_joined_utterances(samples: list[Sample]) -> None:
    said = [sample for sample in samples if sample.labels is not None][:3]
    nothing = replace(said[1], labels={head: np.zeros(0, np.int64) for head in HEADS})
    delimiting = BatchMaker([], CONFIG, UNCHANGED, HEADS, 1, {"characters": 99})
    for group in (said, [nothing, said[0], nothing, said[1], said[2]]):
        batch = delimiting.make([group], 0)
        for head, between in (("phonemes", []), ("characters", [99])):
            first, second, third = ((sample.labels or {})[head].tolist() for sample in said)
            assert batch.labels[head].tolist() == [*first, *between, *second, *between, *third]
            assert batch.label_lengths[head].tolist() == [len(batch.labels[head])]


def test_recordings_without_words_have_no_labels(samples: list[Sample]) -> None:
    nothing = {head: np.zeros(0, np.int64) for head in HEADS}
    batch = maker().make([[replace(samples[0], labels=nothing, targets=None)]], 0)
    assert batch.transcribed.tolist() == [True]
    assert batch.label_lengths["phonemes"].tolist() == [0]
    assert batch.labels["phonemes"].shape == (0,)


def numbered(step: int) -> Batch:
    return Batch(torch.full((1, 4, 1), float(step)), torch.tensor([4]), None, torch.zeros(1, 1), {}, {}, torch.ones(1))


def batch_threads() -> int:
    return sum(thread.name == "batches" for thread in threading.enumerate())


def wait_for_the_threads() -> None:
    deadline = time.monotonic() + 10
    while batch_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert batch_threads() == 0


def test_prefetch_keeps_the_order() -> None:
    found = [int(batch.features[0, 0, 0]) for batch in prefetch(numbered, range(3, 20))]
    assert found == list(range(3, 20))
    wait_for_the_threads()


def test_an_error_in_the_thread_is_raised_where_the_batch_is_wanted() -> None:
    def broken(step: int) -> Batch:
        if step == 2:
            raise OSError("the disk is gone")
        return numbered(step)

    found: list[Batch] = []
    with pytest.raises(OSError, match="the disk is gone"):
        found.extend(prefetch(broken, range(5)))
    assert len(found) == 2
    wait_for_the_threads()


@pytest.mark.parametrize("depth", [1, 4])
def test_prefetch_ends_when_nobody_wants_more(depth: int) -> None:
    batches = prefetch(numbered, range(10_000), depth)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    wait_for_the_threads()


def test_the_same_run_from_its_middle(samples: list[Sample]) -> None:
    """What a resumed run hears at a step is what an undisturbed one heard."""
    plan, resumed = BatchPlan(samples, CONFIG, 1), BatchPlan(samples, CONFIG, 1)
    whole = [maker(Augmentation()).make(plan.batch(step), step) for step in range(12)]
    for step in range(9, 12):
        assert same(maker(Augmentation()).make(resumed.batch(step), step), whole[step])

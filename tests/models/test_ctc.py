import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from models.conformer import EncoderConfig
from models.ctc import BLANK, CtcModel, Head, ctc_loss, greedy_labels

Noise = Callable[..., Tensor]
LABELS = 3


def collapse(path: tuple[int, ...]) -> list[int]:
    """Repeats merged, blanks removed, the slow way."""
    merged = [label for label, _ in itertools.groupby(path)]
    return [label for label in merged if label != BLANK]


def brute_force(log_probs: Tensor, target: list[int]) -> float:
    """Negative log of the probability of all alignments of a target; infinity where there is none."""
    rows = log_probs.double().exp().tolist()
    paths = itertools.product(range(LABELS), repeat=len(rows))
    chances = [
        math.prod(row[label] for row, label in zip(rows, path, strict=True))
        for path in paths
        if collapse(path) == target
    ]
    return -math.log(sum(chances)) if chances else math.inf


def random_log_probs(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


def loss_of(log_probs: Tensor, lengths: list[int], targets: list[list[int]]) -> Tensor:
    labels = torch.tensor([label for target in targets for label in target], dtype=torch.long)
    return ctc_loss(log_probs, torch.tensor(lengths), labels, torch.tensor([len(one) for one in targets]))


@settings(max_examples=40)
@given(
    frames=st.integers(1, 5),
    target=st.lists(st.integers(1, 2), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_loss_is_the_sum_over_all_alignments(frames: int, target: list[int], seed: int) -> None:
    log_probs = random_log_probs(1, frames, LABELS, seed=seed)
    expected = brute_force(log_probs[0], target)
    expected = expected if math.isfinite(expected) else 0.0
    assert loss_of(log_probs, [frames], [target]).item() == pytest.approx(expected / len(target), abs=1e-4)


def test_loss_of_a_batch_is_a_mean_over_its_labels() -> None:
    log_probs = random_log_probs(3, 5, LABELS)
    lengths, targets = [5, 3, 4], [[1, 2, 1], [2], [1, 1]]
    total = sum(
        brute_force(row[:length], target) for row, length, target in zip(log_probs, lengths, targets, strict=True)
    )
    assert loss_of(log_probs, lengths, targets).item() == pytest.approx(total / 6, abs=1e-4)


@pytest.mark.parametrize("target", [[1, 2, 1], [1, 1]])  # the repeat needs a blank between
def test_an_utterance_that_is_too_short_counts_as_zero(target: list[int]) -> None:
    log_probs = random_log_probs(1, 2, LABELS).requires_grad_()
    loss = loss_of(log_probs, [2], [target])
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert log_probs.grad is not None
    assert log_probs.grad.abs().max() == 0


def test_a_bad_transcript_does_no_harm_to_the_others() -> None:
    log_probs = random_log_probs(2, 3, LABELS)
    expected = brute_force(log_probs[0], [1, 2]) / 6
    assert loss_of(log_probs, [3, 3], [[1, 2], [1, 1, 1, 1]]).item() == pytest.approx(expected, abs=1e-4)


def test_silence_is_learnt_from_empty_transcripts() -> None:
    log_probs = random_log_probs(1, 4, LABELS)
    assert loss_of(log_probs, [4], [[]]).item() == pytest.approx(-log_probs[0, :, BLANK].sum().item(), abs=1e-4)


@given(path=st.lists(st.integers(0, LABELS - 1), min_size=1, max_size=12))
def test_greedy_labels_collapse_the_best_path(path: list[int]) -> None:
    log_probs = torch.full((len(path), LABELS), -5.0)
    log_probs[torch.arange(len(path)), torch.tensor(path)] = -0.1
    assert greedy_labels(log_probs) == collapse(tuple(path))


def test_greedy_labels_of_nothing() -> None:
    assert greedy_labels(torch.zeros(0, LABELS)) == []


def test_heads_share_the_encoder(small_config: EncoderConfig, noise: Noise) -> None:
    heads = (Head("one", ("", "a")), Head("two", ("", "b", "c", "d")))
    model = CtcModel(small_config, heads)
    frames = noise(2, 5, small_config.dim)
    for head in heads:
        log_probs = model.log_probs(frames, head.name)
        assert log_probs.shape == (2, 5, len(head.labels))
        assert_close(log_probs.exp().sum(-1), torch.ones(2, 5))
    assert model.log_probs(frames.bfloat16().float(), "one").dtype == torch.float32

"""Losses against values worked out by hand."""

import math

import pytest
import torch

from models.recipes.losses import distillation_loss, expected_errors, frames_needed, log_likelihoods


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1.0, 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)),
        # the square roots of 0.8 and 0.2 are as 2 to 1
        (2.0, 4 * (2 / 3 * math.log(4 / 3) + 1 / 3 * math.log(2 / 3))),
    ],
)
def test_distillation_is_the_divergence_of_softened_posteriors(temperature: float, expected: float) -> None:
    teacher = torch.tensor([[[0.8, 0.2], [0.8, 0.2], [0.1, 0.9]]]).log()
    student = torch.tensor([[[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]]).log()
    found = distillation_loss(student, teacher, torch.tensor([2]), temperature)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_a_student_that_says_the_same_has_nothing_to_learn() -> None:
    teacher = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    student = teacher.clone().requires_grad_()
    loss = distillation_loss(student, teacher, torch.tensor([5, 3]), 3.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert student.grad is not None
    assert student.grad.abs().max() < 1e-6


def test_distillation_hears_all_frames_of_a_batch_equally() -> None:
    random = torch.Generator().manual_seed(1)
    student, teacher = (torch.randn(2, 6, 3, generator=random).log_softmax(-1) for _ in range(2))
    whole = distillation_loss(student, teacher, torch.tensor([6, 2]), 2.0)
    rows = [
        distillation_loss(student[i : i + 1], teacher[i : i + 1], torch.tensor([n]), 2.0) for i, n in ((0, 6), (1, 2))
    ]
    assert whole.item() == pytest.approx((6 * rows[0] + 2 * rows[1]).item() / 8, abs=1e-6)


def test_likelihoods_sum_over_all_paths() -> None:
    log_probs = torch.tensor([[0.4, 0.6], [0.7, 0.3], [0.01, 0.99]]).log().expand(2, 3, 2)
    labels = [torch.tensor([1]), torch.tensor([], dtype=torch.long)]
    found = log_likelihoods(log_probs, torch.tensor([2, 2]), labels)
    assert found.exp().tolist() == pytest.approx([0.6 * 0.3 + 0.4 * 0.3 + 0.6 * 0.7, 0.4 * 0.7], abs=1e-6)


@pytest.mark.parametrize(("labels", "frames"), [([], 0), ([3], 1), ([1, 2], 2), ([1, 1, 2, 2], 6)])
def test_frames_that_labels_need(labels: list[int], frames: int) -> None:
    assert frames_needed(torch.tensor(labels)) == frames


def test_expected_errors_and_their_policy_gradient() -> None:
    probabilities, errors = [0.5, 0.3, 0.2], [0.0, 1.0, 3.0]
    scores = torch.tensor([[*map(math.log, probabilities)]]) - 7.0
    scores.requires_grad_()
    found = expected_errors(scores, torch.tensor([errors]))
    found.sum().backward()
    mean = 0.3 * 1 + 0.2 * 3
    assert found.tolist() == pytest.approx([mean])
    gradient = [p * (w - mean) for p, w in zip(probabilities, errors, strict=True)]
    assert scores.grad is not None
    assert scores.grad[0].tolist() == pytest.approx(gradient, abs=1e-6)


def test_a_shorter_list_has_no_other_hypotheses() -> None:
    scores = torch.tensor([[-5.0, -math.inf, -math.inf], [0.0, 0.0, -math.inf]], requires_grad=True)
    found = expected_errors(scores, torch.tensor([[2.0, 0.0, 0.0], [1.0, 2.0, 0.0]]))
    assert found.tolist() == pytest.approx([2.0, 1.5])
    found.sum().backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [[0.0, 0.0, 0.0], pytest.approx([-0.25, 0.25, 0.0])]

"""Losses beside CTC, as functions of log-probabilities."""

import torch
from torch import Tensor
from torch.nn import functional

from models.ctc import BLANK


def distillation_loss(student: Tensor, teacher: Tensor, lengths: Tensor, temperature: float) -> Tensor:
    """T^2 KL(teacher || student) a frame, both softened by the temperature T.

    Hinton et al., Distilling the Knowledge in a Neural Network (2015), section 2; T^2 keeps the gradient's size.
    student, teacher: log-probabilities (B, T, V), which serve as logits, for the softmax cancels what they differ
    by. lengths (B,): valid frames.

    A CTC model is free in where it puts a label, and frame by frame the student learns the teacher's places, too
    (Takashima et al., An investigation of a knowledge distillation method for CTC acoustic models, 2018). A teacher
    with full context may name a sound before a streaming student has heard it.
    """
    softened = functional.log_softmax(student / temperature, -1)
    wanted = functional.log_softmax(teacher / temperature, -1)
    divergence = functional.kl_div(softened, wanted, reduction="none", log_target=True).sum(-1)  # (B, T)
    valid = torch.arange(divergence.shape[1], device=lengths.device) < lengths[:, None]
    return temperature**2 * divergence[valid].mean()


def log_likelihoods(log_probs: Tensor, lengths: Tensor, labels: list[Tensor]) -> Tensor:
    """ln P(labels | utterance), summed over all CTC paths: (N,) of N utterances and as many label sequences.

    log_probs (N, T, V), lengths (N,), labels: N of (L,), each with enough frames for its labels.
    """
    sizes = torch.tensor([len(one) for one in labels], device=lengths.device)
    losses = functional.ctc_loss(
        log_probs.transpose(0, 1), torch.cat(labels), lengths, sizes, blank=BLANK, reduction="none"
    )
    return -losses


def frames_needed(labels: Tensor) -> int:
    """The fewest frames that CTC can say labels (L,) in: one a label, and a blank between equal ones."""
    return len(labels) + int((labels[1:] == labels[:-1]).sum())


def expected_errors(scores: Tensor, errors: Tensor) -> Tensor:
    """Expected errors of n-best lists: sum_i p_i W_i with p = softmax(scores), (B,).

    scores (B, N): log-likelihoods, -inf where a list has less than N hypotheses. errors (B, N): W.
    Prabhavalkar et al., Minimum word error rate training for attention-based sequence-to-sequence models (2018),
    section 3; the same gradient as Shannon's policy gradient, Optimizing expected word error rate via sampling
    (2017): d/d score_i = p_i (W_i - sum_j p_j W_j). The mean that both subtract from W as a baseline changes the
    value by a constant and the gradient not at all, since p sums to one; without it the value is one to read.
    """
    return (scores.softmax(-1) * errors).sum(-1)

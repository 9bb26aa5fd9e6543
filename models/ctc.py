"""CTC heads on a streaming encoder (Graves et al., Connectionist Temporal Classification, 2006)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.conformer import ConformerEncoder, EncoderConfig

BLANK = 0


@dataclass(frozen=True, slots=True)
class Head:
    """One output layer: its name and its labels, the blank first."""

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for labels that are no text."""
        if not all(isinstance(label, str) for label in self.labels):
            raise ValueError(f"the labels of the head {self.name!r} are not all text")


class CtcModel(nn.Module):
    """An encoder and one CTC head for each set of labels.

    Heads start at zero: random ones make it cheapest for the encoder to say the same in every frame, and
    training then sits on the all-blank plateau for a long time.
    """

    def __init__(self, config: EncoderConfig, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.encoder = ConformerEncoder(config)
        self.heads = nn.ModuleDict({head.name: zero_linear(config.dim, len(head.labels)) for head in heads})

    def log_probs(self, frames: Tensor, head: str) -> Tensor:
        """Encoder frames (B, T, D) -> natural-log probabilities (B, T, V) of one head's labels."""
        return functional.log_softmax(self.heads[head](frames).float(), -1)


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer whose weights start at zero."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def ctc_loss(log_probs: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """Mean negative log-likelihood a label, over the batch's labels together.

    log_probs (B, T, V), lengths (B,), targets (sum of target_lengths,). Utterances with more labels than
    frames count as zero, so that one bad transcript does no harm.
    """
    losses = functional.ctc_loss(
        log_probs.transpose(0, 1),
        targets,
        lengths,
        target_lengths,
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    return losses.sum() / target_lengths.sum().clamp_min(1)


def greedy_labels(log_probs: Tensor) -> list[int]:
    """Best path of one utterance (T, V): repeats merged, blanks removed."""
    merged = torch.unique_consecutive(log_probs.argmax(-1))
    return [label for label in merged.tolist() if label != BLANK]

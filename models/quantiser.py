"""A product quantiser: vectors become one learnt code out of several code books each, by Gumbel softmax.

Jang et al., Categorical Reparameterization with Gumbel-Softmax (2017); Baevski et al., wav2vec 2.0 (2020),
section 2.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class QuantiserConfig:
    """groups: code books; entries: codes in each; dim: of the codes of all groups together.

    temperature: of the Gumbel softmax at the start and at the end of a training run.
    diversity_weight: factor of the diversity loss beside the objective's own.
    """

    groups: int = 2
    entries: int = 320
    dim: int = 128
    temperature: tuple[float, float] = (2.0, 0.5)
    diversity_weight: float = 0.1


@dataclass(frozen=True, slots=True)
class Quantised:
    """vectors (N, D); codes (N, G), the chosen entries; probabilities (G, V), their means before the choice."""

    vectors: Tensor
    codes: Tensor
    probabilities: Tensor

    def diversity_loss(self) -> Tensor:
        """Share of the code books that the mean probabilities leave unused: 0 where all codes are alike often.

        (G V - sum of the perplexities) / (G V), the form of wav2vec 2.0 (equation 4) that is bounded by 0 and 1.
        """
        return 1 - perplexity(self.probabilities).mean() / self.probabilities.shape[1]

    def code_perplexity(self) -> Tensor:
        """How many codes of a group are in use, the mean over the groups: 1 is a collapse, V the most."""
        chosen = functional.one_hot(self.codes, self.probabilities.shape[1])
        return perplexity(chosen.float().mean(0)).mean()


class ProductQuantiser(nn.Module):
    """Chooses a code of each group for a vector; the codes, joined and projected, are its quantised form."""

    def __init__(self, inputs: int, outputs: int, config: QuantiserConfig) -> None:
        super().__init__()
        self.config = config
        self.choice = nn.Linear(inputs, config.groups * config.entries)
        # So far apart at the start that different frames take different codes: small ones would all be alike.
        nn.init.normal_(self.choice.weight)
        nn.init.zeros_(self.choice.bias)
        self.codes = nn.Parameter(torch.rand(config.groups, config.entries, config.dim // config.groups))
        self.output = nn.Linear(config.groups * (config.dim // config.groups), outputs)

    def temperature(self, progress: float) -> float:
        """Of the Gumbel softmax after a share of the run: from the first to the last value, geometrically."""
        first, last = self.config.temperature
        return first * math.exp(progress * math.log(last / first))

    def forward(self, vectors: Tensor, temperature: float, generator: torch.Generator) -> Quantised:
        """vectors (N, D_in) -> their quantised form; gradients pass as if the choice had been soft."""
        logits = self.choice(vectors).view(len(vectors), self.config.groups, self.config.entries)
        noise = -torch.empty_like(logits).exponential_(generator=generator).log()
        soft = ((logits + noise) / temperature).softmax(-1)
        codes = soft.argmax(-1)  # (N, G)
        hard = functional.one_hot(codes, self.config.entries) - soft.detach() + soft
        joined = torch.einsum("ngv,gvd->ngd", hard, self.codes).flatten(1)
        return Quantised(self.output(joined), codes, logits.softmax(-1).mean(0))


def perplexity(probabilities: Tensor) -> Tensor:
    """exp of the entropy of distributions (..., V) -> (...): how many outcomes they are spread over."""
    entropy: Tensor = torch.special.entr(probabilities).sum(-1)
    return entropy.exp()

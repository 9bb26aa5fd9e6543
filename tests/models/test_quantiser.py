from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from models.quantiser import ProductQuantiser, Quantised, QuantiserConfig, perplexity

CONFIG = QuantiserConfig(groups=2, entries=8, dim=6)


def quantised(quantiser: ProductQuantiser, vectors: Tensor, temperature: float = 1.0, seed: int = 0) -> Quantised:
    found: Quantised = quantiser(vectors, temperature, torch.Generator().manual_seed(seed))
    return found


def test_a_vector_becomes_the_codes_it_chooses() -> None:
    quantiser = ProductQuantiser(5, 3, CONFIG)
    found = quantised(quantiser, torch.randn(40, 5))
    assert (found.vectors.shape, found.codes.shape, found.probabilities.shape) == ((40, 3), (40, 2), (2, 8))
    joined = torch.cat([quantiser.codes[group, found.codes[:, group]] for group in range(2)], 1)
    assert_close(found.vectors, quantiser.output(joined), atol=1e-5, rtol=0)
    assert_close(found.probabilities.sum(1), torch.ones(2))


def test_the_same_seed_chooses_the_same() -> None:
    quantiser, vectors = ProductQuantiser(5, 3, CONFIG), torch.randn(40, 5)
    assert torch.equal(quantised(quantiser, vectors).codes, quantised(quantiser, vectors).codes)
    assert not torch.equal(quantised(quantiser, vectors).codes, quantised(quantiser, vectors, seed=1).codes)


def test_choices_follow_the_probabilities() -> None:
    """The Gumbel-max trick: an entry is drawn as often as its softmax says, whatever the temperature."""
    quantiser = ProductQuantiser(5, 3, replace(CONFIG, groups=1))
    vector = torch.randn(1, 5)
    found = quantised(quantiser, vector.expand(20000, -1), temperature=0.3)
    drawn = torch.bincount(found.codes[:, 0], minlength=8) / 20000
    assert_close(drawn, found.probabilities[0], atol=0.02, rtol=0)


def test_gradients_reach_the_choice_and_the_chosen_codes() -> None:
    quantiser = ProductQuantiser(5, 3, CONFIG)
    found = quantised(quantiser, torch.randn(4, 5))
    found.vectors.square().sum().backward()
    assert quantiser.choice.weight.grad is not None
    assert quantiser.choice.weight.grad.any()
    assert quantiser.codes.grad is not None
    chosen = torch.zeros(2, 8, dtype=torch.bool)
    for group in range(2):
        chosen[group, found.codes[:, group]] = True
    assert torch.equal(quantiser.codes.grad.any(-1), chosen)


def test_temperature_falls_from_the_first_to_the_last() -> None:
    quantiser = ProductQuantiser(5, 3, CONFIG)
    assert [quantiser.temperature(progress) for progress in (0, 0.5, 1)] == pytest.approx([2.0, 1.0, 0.5])


@pytest.mark.parametrize(("used", "expected"), [(1, 1.0), (4, 4.0), (8, 8.0)])
def test_perplexity_counts_what_is_used(used: int, expected: float) -> None:
    probabilities = torch.zeros(8)
    probabilities[:used] = 1 / used
    assert perplexity(probabilities).item() == pytest.approx(expected)
    codes = torch.arange(used)[:, None].expand(-1, 2)
    found = Quantised(torch.zeros(used, 3), codes, probabilities.expand(2, -1))
    assert found.code_perplexity().item() == pytest.approx(expected)
    assert found.diversity_loss().item() == pytest.approx(1 - expected / 8, abs=1e-5)


def test_the_diversity_loss_alone_spreads_the_choices() -> None:
    quantiser, vectors = ProductQuantiser(5, 3, CONFIG), torch.randn(200, 5) * 0.2
    with torch.no_grad():
        quantiser.choice.bias[:1] = 8.0  # the first entry of a group is nearly always taken
    optimiser = torch.optim.Adam(quantiser.parameters(), 0.1)
    before = quantised(quantiser, vectors)
    for step in range(100):
        loss = quantised(quantiser, vectors, seed=step).diversity_loss()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    after = quantised(quantiser, vectors)
    assert before.code_perplexity() < 5
    assert after.code_perplexity() > 7

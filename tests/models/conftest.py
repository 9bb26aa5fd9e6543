"""A small encoder and repeatable tensors for the tests of the acoustic models."""

from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from models.conformer import ConformerEncoder, EncoderConfig

settings.register_profile("models", deadline=None)  # a busy machine is no failure
settings.load_profile("models")

SMALL = EncoderConfig(num_mels=20, dim=16, layers=3, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def small_config() -> EncoderConfig:
    """Sizes of an encoder that takes a millisecond a chunk."""
    return SMALL


@pytest.fixture(scope="session")
def small_encoder() -> ConformerEncoder:
    """An encoder with random weights and a normalisation that is not the identity."""
    torch.manual_seed(1)
    encoder = ConformerEncoder(SMALL)
    encoder.mean.copy_(torch.randn(SMALL.num_mels))
    encoder.deviation.copy_(torch.rand(SMALL.num_mels) + 0.5)
    return encoder.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def noise() -> Callable[..., Tensor]:
    """Normal noise of a shape, the same for the same seed."""

    def make(*shape: int, seed: int = 0) -> Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    return make

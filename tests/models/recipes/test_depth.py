from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.recipes.depth import at_depth

CONFIG = EncoderConfig(num_mels=20, dim=16, layers=4, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
HEADS = (Head("letters", ("<blank>", "a", "b")),)


def model(layers: int, seed: int) -> CtcModel:
    """Of random weights, its norms like those of a trained one."""
    torch.manual_seed(seed)
    made = CtcModel(replace(CONFIG, layers=layers), HEADS)
    for name, parameter in made.named_parameters():
        if name.endswith("norm.weight"):
            torch.nn.init.uniform_(parameter, 0.6, 1.4)
        elif name.endswith("norm.bias"):
            torch.nn.init.normal_(parameter, 0.0, 0.3)
    return made.eval()


def grown(source: CtcModel, layers: int) -> CtcModel:
    target = model(layers, seed=2)
    target.load_state_dict(at_depth(source.state_dict(), layers, target.state_dict()))
    return target


def heard(model: CtcModel) -> Tensor:
    features = torch.randn(2, 80, 20, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        return model.encoder(features, torch.tensor([80, 60]))[0]


def test_the_same_depth_is_the_same() -> None:
    source = model(4, seed=1)
    assert_close(heard(grown(source, 4)), heard(source))


@pytest.mark.parametrize("layers", [5, 6, 8])
def test_a_deeper_one_begins_as_what_it_came_from(layers: int) -> None:
    source = model(4, seed=1)
    before, after, other = heard(source), heard(grown(source, layers)), heard(model(layers, seed=2))
    assert (after - before).square().mean() < 0.02 * before.square().mean()
    assert (other - before).square().mean() > 0.5 * before.square().mean()


def test_every_block_of_the_shallower_stays_in_order() -> None:
    source = model(4, seed=1)
    blocks = grown(source, 6).encoder.blocks
    places = [place for place in range(6) if bool(blocks[place].first.output.weight.any())]  # type: ignore[union-attr]
    assert places == [1, 2, 4, 5]
    for place, number in zip(places, range(4), strict=True):
        assert_close(blocks[place].state_dict(), source.encoder.blocks[number].state_dict())


def test_new_blocks_can_learn() -> None:
    target = grown(model(4, seed=1), 6).train()
    frames, _ = target.encoder(torch.randn(1, 40, 20), torch.tensor([40]))
    frames.square().sum().backward()
    new = target.encoder.blocks[0]
    for output in (new.first.output, new.attention.output, new.convolution.output, new.second.output):  # type: ignore[union-attr]
        assert bool(output.weight.grad.any())  # type: ignore[union-attr]


@pytest.mark.parametrize(("layers", "kept"), [(2, [1, 3]), (1, [3]), (3, [0, 1, 3])])
def test_of_a_deeper_one_the_last_of_every_few_stay(layers: int, kept: list[int]) -> None:
    source = model(4, seed=1)
    blocks = grown(source, layers).encoder.blocks
    for place, number in enumerate(kept):
        assert_close(blocks[place].state_dict(), source.encoder.blocks[number].state_dict())

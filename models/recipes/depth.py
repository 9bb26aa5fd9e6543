"""The weights of an encoder for one with more blocks, or fewer."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_BLOCK = re.compile(r"encoder\.blocks\.(\d+)\.(.+)")
_OUTPUTS = ("first.output", "attention.output", "convolution.output", "second.output")


def at_depth(weights: Mapping[str, Tensor], layers: int, new: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What of a CTC model's weights a model with another number of blocks has.

    new: the weights of a new model with `layers` blocks. Of more blocks than these the last of every few stay: the
    heads were trained on the output of the last one. Of fewer, each keeps its place in proportion, and the blocks
    between are new ones that begin by passing on what they hear (Chen et al., Net2Net, 2016, section 2.3).
    """
    numbers = {int(found[1]) for name in weights if (found := _BLOCK.fullmatch(name))}
    places = {number: -(-(number + 1) * layers // len(numbers)) - 1 for number in sorted(numbers)}
    placed: dict[str, Tensor] = {}
    for name, tensor in sorted(weights.items(), key=lambda one: _number(one[0])):
        found = _BLOCK.fullmatch(name)
        placed[_name(places[int(found[1])], found[2]) if found else name] = tensor
    for place in range(layers):
        if place not in places.values():
            placed |= _passing(place, placed, new)
    return placed


def _number(name: str) -> int:
    found = _BLOCK.fullmatch(name)
    return int(found[1]) if found else -1


def _name(place: int, rest: str) -> str:
    return f"encoder.blocks.{place}.{rest}"


def _passing(place: int, placed: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A new block that adds nothing to what it hears, and whose last norm undoes itself.

    What it hears comes out of a norm: scale * z + shift, where z has mean 0 and variance 1 over the channels. With z
    and the scale taken as independent, its mean is that of the shift, its variance mean(scale^2) + var(shift).
    """
    block = {name: new[name] for name in new if name.startswith(_name(place, ""))}
    for output in _OUTPUTS:
        for name in (_name(place, f"{output}.weight"), _name(place, f"{output}.bias")):
            block[name] = torch.zeros_like(new[name])
    before = "encoder.subsampling.norm" if place == 0 else _name(place - 1, "norm")
    scale, shift = placed[f"{before}.weight"].float(), placed[f"{before}.bias"].float()
    deviation = (scale.square().mean() + shift.var(correction=0)).sqrt()
    block[_name(place, "norm.weight")] = deviation.expand_as(scale)
    block[_name(place, "norm.bias")] = shift.mean().expand_as(shift)
    return block

"""A trained tagger with more layers, as the beginning of another run."""

import re
from dataclasses import replace

import torch

from models.tagger import TaggerConfig, TaggerNetwork, WordTagger

_OUTPUTS = re.compile(r"(attention\.output|feed_forward\.contract)\.(weight|bias)")


def deepened(tagger: WordTagger, config: TaggerConfig) -> TaggerNetwork:
    """A new network of config that says what the tagger says.

    Each layer keeps its place in proportion, the first its own, since it alone looks ahead; those between are new and
    begin by adding nothing to what they hear (Chen et al., Net2Net, 2016, section 2.3). ValueError where the two
    differ in more than layers, or layers are shared or fewer.
    """
    old = tagger.config
    if old != replace(config, layers=old.layers) or old.layers > config.layers or (old != config and old.shared):
        raise ValueError(f"the run begins with another network than its recipe has: {old}")
    network = TaggerNetwork(config, tagger.vocabulary.size)
    for block in network.encoder.blocks:
        for name, parameter in block.named_parameters():
            if _OUTPUTS.fullmatch(name):
                torch.nn.init.zeros_(parameter)
    blocks = list(network.encoder.blocks)
    network.load_state_dict(
        {name: value for name, value in tagger.network.state_dict().items() if ".blocks." not in name}, strict=False
    )
    for place, block in enumerate(tagger.network.encoder.blocks):
        blocks[place * config.layers // old.layers].load_state_dict(block.state_dict())
    return network

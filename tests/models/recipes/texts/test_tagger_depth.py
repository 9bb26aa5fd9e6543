from dataclasses import replace

import pytest
import torch

from models.recipes.texts.tagger_depth import deepened
from models.tagger import TaggerConfig, TaggerNetwork, Vocabulary, WordTagger

CONFIG = TaggerConfig(affixes=16, embedding=4, dim=8, hidden=8, layers=2, heads=2)
WORDS = Vocabulary(("so", "what", "now"), CONFIG.affixes)


def tagger_of(config: TaggerConfig) -> WordTagger:
    torch.manual_seed(1)
    return WordTagger(config, WORDS, TaggerNetwork(config, WORDS.size).eval())


@pytest.mark.parametrize("layers", [2, 3, 5])
@pytest.mark.parametrize("look_ahead", [None, 1])
def test_new_layers_change_nothing_at_first(layers: int, look_ahead: int | None) -> None:
    tagger = tagger_of(CONFIG)
    deeper = deepened(tagger, replace(CONFIG, layers=layers)).eval()
    words = torch.randint(1, WORDS.size, (2, 7, 4))
    torch.testing.assert_close(deeper(words, look_ahead), tagger.network(words, look_ahead))


def test_new_layers_learn() -> None:
    deeper = deepened(tagger_of(CONFIG), replace(CONFIG, layers=3))
    sum(logits.square().sum() for logits in deeper(torch.ones(1, 3, 4, dtype=torch.long)).values()).backward()  # type: ignore[union-attr]
    assert all(block.feed_forward.contract.weight.grad.any() for block in deeper.encoder.blocks)  # type: ignore[union-attr]


@pytest.mark.parametrize("other", [replace(CONFIG, layers=1), replace(CONFIG, dim=16), replace(CONFIG, shared=True)])
def test_other_networks_are_refused(other: TaggerConfig) -> None:
    with pytest.raises(ValueError, match="another network"):
        deepened(tagger_of(CONFIG), other)

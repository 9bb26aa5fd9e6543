import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.recipes.recipe import Optimisation
from models.recipes.texts.label_scores import count_labels, macro_f1
from models.recipes.texts.text_training import TextRun
from models.transformer import TransformerEncoder


def run(folder: Path, steps: int, seed: int = 1, stop_at: int = -1) -> TextRun:
    torch.manual_seed(0)
    encoder = TransformerEncoder(8, 1, 2, 16, 0.0)
    network = nn.ModuleDict({"encoder": encoder})
    config = Optimisation(steps=steps, save_every=2, evaluate_every=3, warmup_steps=2)
    made = TextRun(network, config, {"seed": seed}, folder)

    def losses(step: int) -> dict[str, Tensor]:
        if step == stop_at:
            raise KeyboardInterrupt
        inputs = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(step))
        return {"error": nn.functional.mse_loss(encoder(inputs, torch.ones(2, 3, dtype=torch.bool)), inputs)}

    made.run(losses, lambda: {"looked": 1.0})
    return made


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 6)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", 6, stop_at=5)
    parts = run(tmp_path / "parts", 6)
    assert parts.step == whole.step == 6
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(parts.network.state_dict()[name], tensor)
        torch.testing.assert_close(parts.average[name], whole.average[name])
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6]
    assert run(tmp_path / "whole", 6).step == 6


def test_another_recipes_state_is_refused(tmp_path: Path) -> None:
    run(tmp_path, 2)
    with pytest.raises(ValueError, match="another recipe"):
        run(tmp_path, 2, seed=2)


def test_f1_of_labels() -> None:
    counts = count_labels([",", "", ".", ","], [",", ",", "", ","])
    assert counts[","].f1 == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert counts["."].f1 == 0
    assert macro_f1(counts, (",", ".")) == pytest.approx(0.4)

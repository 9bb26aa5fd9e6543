"""Training on two ranks, with gloo."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from models.recipes.loop.rank import Rank, joined

SCRIPT = Path(__file__).with_name("two_ranks.py")
ROOT = Path(__file__).parents[4]


@pytest.fixture
def untold(tmp_path: Path, write_speech: Callable[..., None], write_targets: Callable[..., None]) -> Path:
    """Tones without a transcript, with targets, and noise."""
    write_speech(tmp_path / "real", [None] * 12, "tones", seed=1)
    write_speech(tmp_path / "noise", [""] * 12, "noise", seed=2)
    write_targets(tmp_path / "teacher", tmp_path / "real")
    return tmp_path


def test_two_ranks_hold_the_same_weights(untold: Path) -> None:
    output = untold / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(SCRIPT), str(untold), str(output)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((output / f"rank-{number}.json").read_text()) for number in (0, 1))
    assert first["ranks"] == 2
    assert first["weights"] == second["weights"]
    assert (first["resumed at"], second["resumed at"]) == (3, 3)
    assert first["heard"] != second["heard"]
    assert first["seconds"] == second["seconds"] == pytest.approx(sum(first["heard"]) + sum(second["heard"]))
    assert (output / "checkpoint" / "model.safetensors").is_file()


def test_a_process_that_no_launcher_started_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    module = nn.Linear(2, 2)
    with joined(torch.device("cpu")) as rank:
        assert rank == Rank(torch.device("cpu"), 0, 1)
        assert rank.leads
        assert rank.share(module) is module
        assert rank.total(3.5) == 3.5

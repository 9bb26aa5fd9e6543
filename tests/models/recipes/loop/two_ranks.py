"""What torchrun runs in test_rank.py: some steps, as many after a resume, and each rank's report in a file."""

import json
import sys
from pathlib import Path

import torch
from torch import distributed

from models.conformer import EncoderConfig
from models.recipes.data.batches import BatchConfig
from models.recipes.loop.rank import joined
from models.recipes.recipe import Optimisation, Recipe
from models.recipes.train import Trainer


def recipe(steps: int) -> Recipe:
    """Tones without words: half of the batches have targets only."""
    return Recipe(
        name="tones",
        seed=1,
        stores=("real",),
        teacher_stores=("teacher",),
        dev_stores=(),
        noise_stores=(),
        nonspeech_stores=("noise",),
        weights={},
        encoder=EncoderConfig(dim=16, layers=1, heads=2, feed_forward=32, kernel=5, channels=8, left_context=8),
        batches=BatchConfig(frames=300, join_probability=0.0),
        optimisation=Optimisation(steps=steps, warmup_steps=2),
    )


def main(data: Path, output: Path) -> None:
    """Train in two starts; write what this rank heard and holds."""
    with joined(torch.device("cpu")) as rank:
        plan = Trainer(recipe(5), data, output, rank)
        heard = [plan.batches.make(step).seconds for step in range(5)]
        first = Trainer(recipe(3), data, output, rank)
        first.run()
        distributed.barrier()  # the first rank has written the state
        second = Trainer(recipe(5), data, output, rank)
        resumed_at = second.loop.step
        second.run()
        (output / f"rank-{rank.number}.json").write_text(json.dumps(report(second, heard, resumed_at)))


def report(run: Trainer, heard: list[float], resumed_at: int) -> dict[str, object]:
    """The state of a run in JSON's types."""
    kept = {**run.student.state_dict(), **{f"average {name}": one for name, one in run.average.weights.items()}}
    return {
        "ranks": run.rank.count,
        "resumed at": resumed_at,
        "weights": {name: tensor.tolist() for name, tensor in kept.items()},
        "heard": heard,
        "seconds": run.loop.seconds_heard,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

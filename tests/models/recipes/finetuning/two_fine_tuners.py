"""What torchrun runs in test_finetune.py: some steps, the first of the head alone; each rank tells what it holds."""

import json
import sys
from pathlib import Path

import torch

from models.recipes.data.batches import BatchConfig
from models.recipes.finetuning.finetune import FineTuner, load_start
from models.recipes.finetuning.finetune_recipe import FineTuning, TriStage
from models.recipes.finetuning.waveforms import Recordings
from models.recipes.loop.rank import joined


def main(data: Path, start: Path, output: Path) -> None:
    """Fine-tune; the weights, and what this rank heard."""
    recipe = FineTuning(
        name="tones",
        seed=1,
        recordings=Recordings(("tones/manifest.jsonl",)),
        batches=BatchConfig(frames=400),
        optimisation=TriStage(steps=3, learning_rate=3e-3, head_steps=1),
    )
    with joined(torch.device("cpu")) as rank:
        plan = FineTuner(recipe, data, output, rank, load_start(start)).batches
        heard = [plan.make(step).seconds for step in range(3)]
        run = FineTuner(recipe, data, output, rank, load_start(start))
        run.run()
        weights = {name: tensor.tolist() for name, tensor in run.average.weights.items()}
        told = {"weights": weights, "heard": heard, "seconds": run.loop.seconds_heard}
        (output / f"rank-{rank.number}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""`asr train`: run a training recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.cli.options import DeviceOption, ThreadsOption, set_threads
from asr_app.errors import ConfigError

if TYPE_CHECKING:
    from models.recipes.finetuning.finetune import FineTuner
    from models.recipes.loop.rank import Rank
    from models.recipes.train import Trainer


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, TOML.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", help="Folder of the prepared stores, or of a recipe's manifests.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run; a stopped run goes on.")],
    start: Annotated[
        Path | None, typer.Option("--start", help="A checkpoint folder whose weights the run begins with.")
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Train an acoustic model; kill it whenever you like, the same command goes on.

    A recipe with a section [recordings] fine-tunes a wav2vec 2.0 network, that of --start.
    Started by torchrun, one process a GPU trains: torchrun --nproc-per-node 2 --no-python asr train ...
    """
    check_output(output)

    from asr_app.config import load_settings
    from asr_app.device import choose_device
    from models.recipes.loop.rank import joined

    settings = load_settings(device=device, threads=threads)
    set_threads(settings.threads)
    with joined(choose_device(settings.device)) as rank:
        try:
            _trainer(recipe, data, output, rank, start).run()
        except (OSError, ValueError) as error:
            raise ConfigError(explained(error)) from error
        if rank.leads:
            typer.echo(f"the checkpoint is in {output / 'checkpoint'}")


def _trainer(recipe: Path, data: Path, output: Path, rank: "Rank", start: Path | None) -> "Trainer | FineTuner":
    """The run of a recipe of either kind; ValueError for a checkpoint of the other kind."""
    from models.loading import load_acoustic_model
    from models.recipes.finetuning.finetune import FineTuner, load_start
    from models.recipes.finetuning.finetune_recipe import read_finetuning_recipe
    from models.recipes.recipe import read_recipe, read_table
    from models.recipes.train import Trainer
    from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint

    if "recordings" in read_table(recipe):
        if start is None:
            raise ValueError("this recipe fine-tunes a wav2vec 2.0 network: name its folder with --start")
        return FineTuner(read_finetuning_recipe(recipe), data, output, rank, load_start(start))
    checkpoint = load_acoustic_model(start) if start else None
    if isinstance(checkpoint, Wav2Vec2Checkpoint):
        raise ValueError(f"{start} is a wav2vec 2.0 network: fine-tune it with a recipe that has [recordings]")
    return Trainer(read_recipe(recipe), data, output, rank, checkpoint)

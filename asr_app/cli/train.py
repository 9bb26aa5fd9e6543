"""`asr train`: run a training recipe."""

from pathlib import Path
from typing import Annotated

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.cli.options import DeviceOption, ThreadsOption, set_threads
from asr_app.errors import ConfigError


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, TOML.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", help="Folder of the prepared stores.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run; a stopped run goes on.")],
    start: Annotated[
        Path | None, typer.Option("--start", help="A checkpoint folder whose weights the run begins with.")
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Train an acoustic model; kill it whenever you like, the same command goes on.

    Started by torchrun, one process a GPU trains: torchrun --nproc-per-node 2 --no-python asr train ...
    """
    check_output(output)

    from asr_app.config import load_settings
    from asr_app.recognizer import choose_device
    from models.checkpoint import load_checkpoint
    from models.recipes.rank import joined
    from models.recipes.recipe import read_recipe
    from models.recipes.train import Trainer

    settings = load_settings(device=device, threads=threads)
    set_threads(settings.threads)
    with joined(choose_device(settings.device)) as rank:
        try:
            checkpoint = load_checkpoint(start) if start else None
            trainer = Trainer(read_recipe(recipe), data, output, rank, checkpoint)
        except (OSError, ValueError) as error:
            raise ConfigError(explained(error)) from error
        trainer.run()
        if rank.leads:
            typer.echo(f"the checkpoint is in {output / 'checkpoint'}")

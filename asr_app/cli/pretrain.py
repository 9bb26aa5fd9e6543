"""`asr pretrain`: teach an encoder from speech alone, before `asr train --start`."""

from pathlib import Path
from typing import Annotated

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.cli.options import DeviceOption, ThreadsOption, set_threads
from asr_app.errors import ConfigError


def pretrain(
    recipe: Annotated[Path, typer.Argument(help="A pre-training recipe, TOML.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", help="Folder of the prepared stores, or of a recipe's manifests.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run; a stopped run goes on.")],
    device: DeviceOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Pre-train an encoder on speech without transcripts; kill it whenever you like, the same command goes on.

    Started by torchrun, one process a GPU trains: torchrun --nproc-per-node 2 --no-python asr pretrain ...
    """
    check_output(output)

    from asr_app.config import load_settings
    from asr_app.device import choose_device
    from models.recipes.loop.rank import joined
    from models.recipes.pretraining.pretrain import Pretrainer
    from models.recipes.pretraining.pretrain_recipes import read_pretraining_recipe

    settings = load_settings(device=device, threads=threads)
    set_threads(settings.threads)
    with joined(choose_device(settings.device)) as rank:
        try:
            Pretrainer(read_pretraining_recipe(recipe), data, output, rank).run()
        except (OSError, ValueError) as error:
            raise ConfigError(explained(error)) from error
        if rank.leads:
            typer.echo(f"the checkpoint for `asr train --start` is in {output / 'checkpoint'}")

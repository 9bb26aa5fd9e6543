"""How far a download is: a bar in a terminal, a line for every tenth elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from asr_app.library.download import Progress


@contextmanager
def download_progress() -> Iterator[Progress]:
    """Something to tell the bytes of each file that have come; all goes to standard error."""
    if sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=Console(stderr=True)) as bars:

        def show(name: str, here: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=here, total=total)

        yield show


def _lines() -> Progress:
    told: dict[str, int] = {}

    def tell(name: str, here: int, total: int | None) -> None:
        step = 10 * here // total if total else here // 100_000_000
        if step > told.get(name, 0):
            told[name] = step
            typer.echo(f"{name}: {here / 1e6:.1f} MB" + (f" of {total / 1e6:.1f} MB" if total else ""), err=True)

    return tell

"""`asr distill`: a slow exact recogniser teaches the live one on recordings of one's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.cli.options import DeviceOption, ThreadsOption, set_threads
from asr_app.errors import ConfigError
from asr_app.library.models import DEFAULT_MODEL, find_model


def distill(  # noqa: PLR0913  # one for each option
    teacher: Annotated[str, typer.Option("--teacher", help="The recogniser that knows: a name or a folder.")],
    audio: Annotated[Path, typer.Option("--audio", help="A folder of recordings; no transcripts are needed.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run; a stopped run goes on.")],
    student: Annotated[str, typer.Option("--student", help="The live recogniser that learns.")] = DEFAULT_MODEL,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Updates, each of 48 s of speech.")] = 1000,
    confidence: Annotated[
        float, typer.Option("--confidence", min=0.0, max=1.0, help="How sure the teacher must be of a segment's words.")
    ] = 0.7,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Teach the live recogniser what a slower one hears in your own recordings.

    Kill it whenever you like, the same command goes on.
    """
    check_output(output)

    from asr_app.config import load_settings
    from asr_app.device import choose_device
    from asr_app.distilling import completed, hear, learner, paired, recordings_of
    from asr_app.options import RecognizerOptions
    from asr_app.recognizer import Recognizer
    from models.recipes.loop.rank import Rank

    settings = load_settings(device=device, threads=threads)
    set_threads(settings.threads)
    found = recordings_of(audio)
    try:
        pair = paired(find_model(teacher), find_model(student))
        recognizer = Recognizer.load(pair.teacher, RecognizerOptions(chunk_ms=None, device=settings.device))
        heard = hear(recognizer, found, output, confidence)
        with typer.progressbar(heard, len(found), label="the teacher hears", file=sys.stderr) as bar:
            for _ in bar:
                pass
        run = learner(pair, output, steps, Rank(choose_device(settings.device)))
        run.run()
    except (OSError, ValueError) as error:
        raise ConfigError(explained(error)) from error
    folder = completed(pair, run)
    typer.echo(f"the recogniser is in {folder}: asr transcribe --model {folder} RECORDING")

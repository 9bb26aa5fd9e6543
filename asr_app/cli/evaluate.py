"""`asr eval` and `asr tune`: accuracy and speed on transcribed recordings, and the decoder's weights from dev."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asr_app.cli.options import (
    BeamOption,
    ChunkOption,
    Device,
    DeviceOption,
    LmOption,
    ModelOption,
    ThreadsOption,
    recognizer_options,
    set_threads,
)
from asr_app.errors import ConfigError

if TYPE_CHECKING:
    from models.recipes.manifest import Utterance

Manifests = Annotated[list[Path], typer.Argument(help="Manifests, JSON lines.", show_default=False)]


def evaluate(
    manifests: Manifests,
    split: Annotated[str, typer.Option("--split", help="Which utterances.")] = "test",
    decoder: Annotated[str, typer.Option("--decoder", help="greedy or beam.")] = "beam",
    model: ModelOption = "english",
    lm: LmOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = "640",
    device: DeviceOption = Device.AUTO,
    threads: ThreadsOption = None,
    hypotheses: Annotated[Path | None, typer.Option("--hypotheses", help="Write what was heard, JSON lines.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Word error rate, its 95 % interval, and speed on a simulated live clock."""
    from rich.progress import track

    from asr_app.evaluation import hear, report
    from asr_app.library import find_model
    from asr_app.recognizer import Recognizer

    if decoder not in ("greedy", "beam"):
        raise ConfigError(f"--decoder {decoder}: choose greedy or beam")
    set_threads(threads)
    utterances = _transcribed(manifests, split)
    options = recognizer_options(chunk_ms, 0 if decoder == "greedy" else beam, lm, device)
    recognizer = Recognizer.load(find_model(model), options)
    bar = track(utterances, "hearing", disable=not sys.stderr.isatty())
    heard = [hear(recognizer, utterance) for utterance in bar]
    if hypotheses:
        rows = [{"audio": str(one.utterance.audio), "reference": one.reference, "text": one.text} for one in heard]
        hypotheses.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    figures = report(heard)
    if not as_json:
        for name, value in figures.items():
            typer.echo(f"{name:20} {value}")
    else:
        settings = {"split": split, "chunk_ms": chunk_ms, "decoder": decoder, "model": recognizer.checkpoint.sha256}
        typer.echo(json.dumps({**settings, **figures}))


def tune(
    manifests: Manifests,
    model: ModelOption = "english",
    lm: LmOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = "640",
    threads: ThreadsOption = None,
    alphas: Annotated[str, typer.Option("--alphas", help="Language-model weights to try.")] = "0.3,0.5,0.7,0.9,1.1",
    betas: Annotated[str, typer.Option("--betas", help="Word bonuses to try.")] = "0,1,2,3",
    save: Annotated[bool, typer.Option("--save", help="Keep the best in the model's folder.")] = False,
) -> None:
    """Find language-model weight and word bonus on the dev split."""
    from asr_app.library import find_model
    from asr_app.recognizer import Recognizer
    from asr_app.tuning import tune as search
    from models.checkpoint import keep_decoding

    set_threads(threads)
    folder = find_model(model)
    recognizer = Recognizer.load(folder, recognizer_options(chunk_ms, beam, lm, Device.AUTO))
    trials = []
    for trial in search(recognizer, _transcribed(manifests, "dev"), _numbers(alphas), _numbers(betas)):
        trials.append(trial)
        corpora = "  ".join(f"{name} {rate:.1f}" for name, rate in trial.corpora.items())
        typer.echo(f"alpha {trial.alpha:g}  beta {trial.beta:g}  wer {trial.wer:.2f}  {corpora}")
    best = min(trials, key=lambda trial: trial.wer)
    typer.echo(f"best: alpha {best.alpha:g}, beta {best.beta:g}, wer {best.wer:.2f}")
    if save:
        kept: dict[str, Any] = {"alpha": best.alpha, "beta": best.beta}
        keep_decoding(folder, kept | ({"beam": beam} if beam else {}))


def _transcribed(manifests: list[Path], split: str) -> "list[Utterance]":
    from models.recipes.manifest import read_manifests

    try:
        utterances = [one for one in read_manifests(manifests, split) if one.text]
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read a manifest: {error}") from error
    if not utterances:
        raise ConfigError(f"no transcribed utterance of the split {split!r} in {', '.join(map(str, manifests))}")
    return utterances


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{text!r} is not a list of numbers, such as 0.5,1.0") from None

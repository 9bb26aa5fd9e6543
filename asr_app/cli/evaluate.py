"""`asr eval` and `asr tune`: accuracy and speed on transcribed recordings, the decoder's weights from dev."""

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asr_app.cli.messages import check_output, check_output_file, complain, explained
from asr_app.cli.options import (
    BeamOption,
    ChunkOption,
    DecoderOption,
    DeviceOption,
    HotwordOption,
    HotwordsOption,
    LanguageOption,
    LmOption,
    ModelOption,
    PersonalLmOption,
    ThreadsOption,
    expected,
    load_recognizer,
)
from asr_app.errors import AudioFormatError, ConfigError
from asr_app.library.models import find_model
from asr_app.options import DecoderName

if TYPE_CHECKING:
    from asr_app.evaluation import Heard
    from asr_app.recognizer import Recognizer
    from asr_app.tuning import Heard as Tuning
    from asr_app.tuning import Search, Weights
    from models.recipes.data.manifest import Utterance


Manifests = Annotated[list[Path], typer.Argument(help="Manifests, JSON lines.", show_default=False)]


def evaluate(  # noqa: PLR0913  # one for each option
    manifests: Manifests,
    split: Annotated[str, typer.Option("--split", help="Which utterances.")] = "test",
    decoder: DecoderOption = None,
    model: ModelOption = None,
    language: LanguageOption = None,
    lm: LmOption = None,
    personal_lm: PersonalLmOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    hotword: HotwordOption = None,
    hotwords: HotwordsOption = None,
    hypotheses: Annotated[Path | None, typer.Option("--hypotheses", help="Write what was heard, JSON lines.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Word error rate, its 95 % interval, and speed on a simulated live clock."""
    from asr_app.config import load_settings

    if hypotheses:
        check_output_file(hypotheses)
    utterances = _transcribed(manifests, split)
    settings = load_settings(
        model=model,
        language=language,
        lm=lm,
        personal_lm=personal_lm,
        decoder=decoder,
        beam=beam,
        chunk_ms=chunk_ms,
        device=device,
        threads=threads,
        hotwords=hotwords,
    )
    recognizer = load_recognizer(settings, expected(settings, hotword))

    from asr_app.evaluation import report

    heard, failure = _hear_all(recognizer, utterances)
    if hypotheses:
        _write_hypotheses(hypotheses, heard)
    figures = report(heard)
    if not as_json:
        for name, value in figures.items():
            typer.echo(f"{name:20} {value}")
    else:
        sha256 = recognizer.sha256
        how = {"split": split, "chunk_ms": settings.chunk_ms, "decoder": settings.decoder, "model": sha256}
        typer.echo(json.dumps({**how, **figures}))
    if failure:
        raise typer.Exit(failure.exit_code)


def tune(  # noqa: PLR0913  # one for each option
    manifests: Manifests,
    decoder: DecoderOption = None,
    model: ModelOption = None,
    lm: LmOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = None,
    threads: ThreadsOption = None,
    alphas: Annotated[str, typer.Option("--alphas", help="Language-model weights to try.")] = "0.3,0.5,0.7,0.9,1.1",
    betas: Annotated[str, typer.Option("--betas", help="Word bonuses to try.")] = "0,1,2,3",
    priors: Annotated[str, typer.Option("--priors", help="Shares of the labels' priors to take off.")] = "0,0.3",
    save: Annotated[bool, typer.Option("--save", help="Keep the best in the model's folder.")] = False,
) -> None:
    """Find language-model weight, word bonus and the share of the labels' priors on the dev split."""
    from itertools import product

    from asr_app.config import load_settings

    settings = load_settings(model=model, lm=lm, decoder=decoder, beam=beam, chunk_ms=chunk_ms, threads=threads)
    folder, utterances = find_model(settings.model), _transcribed(manifests, "dev")
    numbers = _numbers("--alphas", alphas), _numbers("--betas", betas), _numbers("--priors", priors)
    if save and (settings.lm or settings.personal_lm):
        raise ConfigError(
            "--save keeps weights for the model's own language model: leave out --save, or --lm and personal_lm"
        )
    if save:
        check_output(folder)
    recognizer = load_recognizer(settings)

    from asr_app.tuning import Weights, hear, weighted
    from asr_app.tuning import tune as search

    trials = []
    searched, heard = hear(recognizer, utterances)
    for trial in search(searched, heard, [Weights(*row) for row in product(*numbers)]):
        trials.append(trial)
        corpora = "  ".join(f"{name} {rate:.1f}" for name, rate in trial.corpora.items())
        typer.echo(f"{_said(trial.weights)}  wer {trial.wer:.2f}  {corpora}")
    best = min(trials, key=lambda trial: trial.wer)
    typer.echo(f"best: {_said(best.weights)}  wer {best.wer:.2f}")
    if save:
        kept = asdict(best.weights) | ({"beam": beam} if beam else {})
        _keep(folder, settings.decoder, kept, weighted(searched, best.weights), heard)


def _said(weights: "Weights") -> str:
    return f"alpha {weights.alpha:g}  beta {weights.beta:g}  priors {weights.prior_scale:g}"


def _keep(folder: Path, name: DecoderName, kept: dict[str, Any], decoder: "Search", heard: "Tuning") -> None:
    """Store the best weights, and how far the confidences that they give can be trusted."""
    from asr_app.decoding import setting
    from asr_app.tuning import calibrate
    from models.checkpoint import save_decoding

    try:
        calibration = calibrate(decoder, heard)
    except ValueError as error:
        typer.echo(f"confidences stay as they are: {error}")
    else:
        kept |= {"confidence_slope": round(calibration.slope, 4), "confidence_offset": round(calibration.offset, 4)}
    values = {setting(name, key): value for key, value in kept.items()}
    save_decoding(folder, values, {name: decoder.options.label_priors})


def _hear_all(recognizer: "Recognizer", utterances: "list[Utterance]") -> "tuple[list[Heard], AudioFormatError | None]":
    """What was heard of all recordings that can be read; the first error of the others, already told."""
    from rich.console import Console
    from rich.progress import track

    from asr_app.evaluation import hear

    heard, failures = [], []
    for utterance in track(utterances, "hearing", console=Console(stderr=True), disable=not sys.stderr.isatty()):
        try:
            heard.append(hear(recognizer, utterance))
        except AudioFormatError as error:
            complain(error)
            failures.append(error)
    if not heard:
        raise AudioFormatError("no recording of the manifest can be read: correct its paths")
    return heard, failures[0] if failures else None


def _write_hypotheses(path: Path, heard: "list[Heard]") -> None:
    rows = [{"audio": str(one.utterance.audio), "reference": one.reference, "text": one.text} for one in heard]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _transcribed(manifests: list[Path], split: str) -> "list[Utterance]":
    """The utterances of a split whose transcript has words in it."""
    from decoder.normalize import normalize
    from models.recipes.data.manifest import read_manifests

    try:
        utterances = read_manifests(manifests, split)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read a manifest: {explained(error)}") from error
    transcribed = [one for one in utterances if one.text and normalize(one.text)]
    if not transcribed:
        names = ", ".join(map(str, manifests))
        raise ConfigError(f"no transcribed utterance of the split {split!r} in {names}: choose another split")
    return transcribed


def _numbers(option: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise ConfigError(f"{option} {text}: give numbers, such as 0.5,1.0")
    return numbers

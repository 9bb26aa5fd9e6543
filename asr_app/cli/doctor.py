"""`asr doctor`: what works on this machine, and what to do about what does not."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asr_app.doctor import Result
    from asr_app.recognizer import Recognizer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each check.")] = False,
) -> None:
    """Check the settings, packages, microphone, typing tools, daemon, GPU and recogniser; exits with 1 on a fail."""
    from asr_app.doctor import examination

    failed = False
    for result in examination(_load).run():
        typer.echo(_json(result) if as_json else _line(result))
        failed = failed or result.finding.state == "fail"
    if failed:
        raise typer.Exit(1)


def _load() -> "Recognizer":
    from asr_app.cli.options import load_recognizer
    from asr_app.config import load_settings

    return load_recognizer(load_settings())


def _line(result: "Result") -> str:
    finding = result.finding
    advice = f": {finding.advice}" if finding.advice else ""
    return " ".join(f"{finding.state:<5}{result.name:<14} {finding.text}{advice}".split("\n"))


def _json(result: "Result") -> str:
    finding = result.finding
    return json.dumps(
        {
            "check": result.name,
            "state": finding.state,
            "text": finding.text,
            "advice": finding.advice,
            "took_s": round(result.took_s, 3),
        },
        ensure_ascii=False,
    )

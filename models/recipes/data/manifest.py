"""Corpora as JSON-lines manifests: one utterance a line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording.

    corpus: name of the manifest's folder. audio: path of the file. text: lower-case transcript, None where
    nobody wrote one. duration: seconds.
    """

    corpus: str
    audio: Path
    text: str | None
    speaker: str
    duration: float
    split: str


def read_manifest(path: Path) -> Iterator[Utterance]:
    """The utterances of a manifest, audio paths resolved against its folder.

    Raises ValueError that names the line where one is not an utterance.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                fields = json.loads(line)
                yield Utterance(
                    corpus=path.resolve().parent.name,
                    audio=path.parent / fields["audio"],
                    text=_text(fields.get("text")),
                    speaker=str(fields.get("speaker", "")),
                    duration=float(fields["duration"]),
                    split=fields.get("split", "unlabelled"),
                )
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}, line {number}: not UTF-8 text: give a manifest, JSON lines") from error
            except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: not an utterance ({error!r})") from error


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"the text is {value!r}")
    return value


def read_manifests(paths: Iterable[Path], split: str | None = None) -> list[Utterance]:
    """All utterances of some manifests, or those of one split."""
    found = [utterance for path in paths for utterance in read_manifest(path)]
    return [utterance for utterance in found if split is None or utterance.split == split]

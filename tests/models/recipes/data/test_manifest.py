import json
from pathlib import Path

import pytest

from models.recipes.data.manifest import read_manifest, read_manifests

GOOD = {"audio": "a/one.flac", "text": "one", "speaker": "ann", "duration": 1.5, "split": "dev"}


def write(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "manifest.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_an_utterance(tmp_path: Path) -> None:
    (found,) = read_manifest(write(tmp_path / "corpus", json.dumps(GOOD)))
    assert found.audio == tmp_path / "corpus" / "a" / "one.flac"
    assert (found.text, found.speaker, found.duration, found.split) == ("one", "ann", 1.5, "dev")
    assert found.corpus == "corpus"


def test_what_nobody_wrote_down_is_none(tmp_path: Path) -> None:
    (found,) = read_manifest(write(tmp_path / "corpus", '{"audio": "hum.wav", "duration": 5}'))
    assert (found.text, found.speaker, found.split) == (None, "", "unlabelled")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "3",
        '"audio"',
        '{"audio": "a.wav"}',
        '{"duration": 1}',
        '{"audio": 1, "duration": 1}',
        '{"audio": "a.wav", "duration": "long"}',
        '{"audio": "a.wav", "duration": null}',
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "corpus", json.dumps(GOOD), line)
    with pytest.raises(ValueError, match=r"manifest\.jsonl, line 2: not an utterance") as caught:
        list(read_manifest(path))
    assert "\n" not in str(caught.value)


def test_splits_of_several_manifests(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a", json.dumps(GOOD), json.dumps(GOOD | {"split": "train"})),
        write(tmp_path / "b", json.dumps(GOOD | {"text": "two"})),
    ]
    assert len(read_manifests(paths)) == 3
    assert [one.text for one in read_manifests(paths, "dev")] == ["one", "two"]
    assert read_manifests(paths, "test") == []

"""Transcripts of one's own that the next run learns from: the sure ones, by the keys of the stores."""

import json
from pathlib import Path

import pytest

from models.recipes.data.samples import read_transcripts
from models.recipes.data.self_labels import main


def said(file: Path, text: str, confidence: float) -> str:
    words = [{"text": word, "start": 0.0, "end": 0.1, "confidence": confidence} for word in text.split()]
    return json.dumps({"file": str(file), "text": text, "start": 0.0, "end": 1.0, "words": words}) + "\n"


def label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confidence: float) -> dict[str, str]:
    command = [str(tmp_path / "heard"), "--speech", str(tmp_path), "--confidence", str(confidence)]
    monkeypatch.setattr("sys.argv", ["self_labels", *command, "--output", str(tmp_path / "own.jsonl")])
    main()
    return read_transcripts([tmp_path / "own.jsonl"])


def test_what_is_sure_is_told_by_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = tmp_path / "unlabelled"
    (tmp_path / "heard").mkdir()
    (tmp_path / "heard" / "one.jsonl").write_text(
        said(recordings / "one.opus", "put the kettle on", 0.9) + said(recordings / "one.opus", "now", 0.7)
    )
    (tmp_path / "heard" / "two.jsonl").write_text(said(recordings / "two.opus", "open the window", 0.5))
    (tmp_path / "heard" / "silence.jsonl").touch()
    assert label(tmp_path, monkeypatch, 0.8) == {"unlabelled/one.opus": "put the kettle on now"}


def test_nothing_sure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "heard").mkdir()
    (tmp_path / "heard" / "one.jsonl").write_text(said(tmp_path / "one.opus", "perhaps", 0.5))
    with pytest.raises(SystemExit):
        label(tmp_path, monkeypatch, 0.8)
    assert "lower --confidence" in capsys.readouterr().err


@pytest.mark.parametrize("line", ['{"key": "a", "text": "b"}', "[1]", '{"file": "a.opus", "words": [{}]}'])
def test_another_kind_of_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    (tmp_path / "heard").mkdir()
    (tmp_path / "heard" / "other.jsonl").write_text(f"{line}\n")
    with pytest.raises(SystemExit):
        label(tmp_path, monkeypatch, 0.8)
    assert "other.jsonl is damaged or of another kind" in capsys.readouterr().err

"""Manifests of published corpora."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.recipes.data.corpora import an4, librispeech, write_manifest
from models.recipes.data.manifest import read_manifest


def record(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(16000 * seconds)), 16000)


def test_librispeech(tmp_path: Path) -> None:
    chapter = tmp_path / "LibriSpeech" / "train-clean-5" / "19" / "198"
    record(chapter / "19-198-0000.flac", 1.5)
    record(chapter / "19-198-0001.flac", 2.0)
    (chapter / "19-198.trans.txt").write_text("19-198-0000 NORTHANGER ABBEY\n19-198-0001 IT'S HERS\n")
    folder = tmp_path / "LibriSpeech" / "train-clean-5"
    assert write_manifest(folder, librispeech(folder)) == 2
    first, second = read_manifest(folder / "manifest.jsonl")
    assert (first.text, first.speaker, first.duration, first.split) == ("northanger abbey", "ls19", 1.5, "train")
    assert (first.corpus, first.audio) == ("train-clean-5", chapter / "19-198-0000.flac")
    assert second.text == "it's hers"


@pytest.mark.parametrize("part", ["dev-clean", "test-other"])
def test_what_is_for_evaluation_is_refused(tmp_path: Path, part: str) -> None:
    chapter = tmp_path / "LibriSpeech" / part / "19" / "198"
    record(chapter / "19-198-0000.flac", 1.5)
    (chapter / "19-198.trans.txt").write_text("19-198-0000 NORTHANGER ABBEY\n")
    for folder in (tmp_path / "LibriSpeech", tmp_path / "LibriSpeech" / part):
        with pytest.raises(ValueError, match=f"{part} is for evaluation only"):
            write_manifest(folder, librispeech(folder))


def test_an4(tmp_path: Path) -> None:
    record(tmp_path / "wav" / "an4_clstk" / "fash" / "an251-fash-b.wav", 1.0)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "an4_train.fileids").write_text("an4_clstk/fash/an251-fash-b\n")
    (tmp_path / "etc" / "an4_train.transcription").write_text("<s> YES PLEASE </s> (an251-fash-b)\n")
    assert write_manifest(tmp_path, an4(tmp_path)) == 1
    (row,) = read_manifest(tmp_path / "manifest.jsonl")
    assert (row.text, row.speaker) == ("yes please", "an4_fash")


def test_a_folder_without_transcripts_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no transcripts"):
        write_manifest(tmp_path, librispeech(tmp_path))

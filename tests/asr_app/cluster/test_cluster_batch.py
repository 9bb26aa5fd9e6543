"""A batch on a cluster: the same transcripts as on one machine, from any place to any place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import pytest

from asr_app.cluster.batch import Outcome, Share
from asr_app.cluster.places import there
from asr_app.cluster.transcriber import Task, Transcriber, Work
from asr_app.errors import CheckpointError, ConfigError
from asr_app.files.inputs import Recording
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

Run = Callable[..., Any]
TRANSCRIPTS = ["a.json", "a.srt", "b.json", "b.srt", "deep/c.json", "deep/c.srt"]


def test_the_transcripts_are_those_of_one_machine(
    run: Run, here: Share, speech: Path, expected: dict[str, bytes], files_of: Any, tmp_path: Path
) -> None:
    tally, told = run(speech, tmp_path / "cluster", here)
    assert (tally.finished, tally.skipped, len(tally.failures)) == (3, 0, 1)
    assert "broken.wav" in told[0]
    assert sorted(expected) == TRANSCRIPTS
    assert files_of(tmp_path / "cluster") == expected


def test_recordings_and_transcripts_of_any_place(
    run: Run, here: Share, speech: Path, remote: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    fsspec.filesystem("memory").put(f"{speech}/", "/bucket/speech/", recursive=True)
    _, (failure,) = run(f"{remote}/speech", f"{remote}/text", here)
    assert "bucket/speech/broken.wav" in failure
    assert str(tmp_path.parent) not in failure
    assert there(f"{remote}/text") == set(TRANSCRIPTS)
    assert fsspec.filesystem("memory").cat("/bucket/text/b.srt") == expected["b.srt"]


def test_what_is_there_is_kept(run: Run, here: Share, speech: Path, files_of: Any, tmp_path: Path) -> None:
    folder = tmp_path / "text"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.json", "a.srt", "deep/c.srt"):
        (folder / name).write_text("mine")
    refused, _ = run(speech, folder, here)
    assert (refused.finished, len(refused.failures)) == (1, 3)
    assert {name for name, text in files_of(folder).items() if text == b"mine"} == {"a.json", "a.srt", "deep/c.srt"}
    resumed, _ = run(speech, folder, here, resume=True)
    assert (resumed.finished, resumed.skipped) == (1, 2)
    assert (folder / "a.json").read_text() == "mine"
    assert (folder / "deep" / "c.srt").read_text() != "mine"
    again, _ = run(speech, folder, here, overwrite=True)
    assert again.finished == 3
    assert (folder / "a.json").read_text() != "mine"


def test_a_recording_that_ends_all_its_workers_is_told(run: Run, here: Share, speech: Path, tmp_path: Path) -> None:
    def share(tasks: Sequence[Task]) -> Iterator[Outcome]:
        return (outcome for outcome in here(tasks) if outcome.task.recording.place.name != "a.wav")

    tally, told = run(speech, tmp_path / "text", share)
    assert (tally.finished, len(tally.failures)) == (2, 2)
    assert "a.wav: no worker came to its end with it" in told[-1]


def test_a_model_that_cannot_be_loaded_is_told_for_each_recording(work: Work, tmp_path: Path) -> None:
    actor = Transcriber(replace(work, load=partial(Recognizer.load, tmp_path / "none", RecognizerOptions())))
    for name in ("a.wav", "b.wav"):
        error = actor({"task": Task(Recording(name, Path(name)), name, name)})["error"]
        assert isinstance(error, CheckpointError)


def test_standard_input_stays_here(run: Run, here: Share, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="standard input"):
        run("-", tmp_path, here)

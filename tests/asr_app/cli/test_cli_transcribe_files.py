"""`asr transcribe` over many recordings: folders, files of transcripts, going on after an interruption, workers."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr_app.audio.types import Samples
from asr_app.cli.transcribing import INTERRUPTED, PARTLY
from asr_app.errors import AudioFormatError, ConfigError, OutputError
from asr_app.files import hearing
from asr_app.files.segments import Speech
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance
from asr_app.text.beside import TextModels

Asr = Callable[..., Any]
Store = Callable[..., Path]
Whistle = Callable[..., Samples]

LONG = "_tan_sat_______nas________ant______tas_tan________sat__"


@pytest.fixture
def transcribe(
    asr: Asr, model_folder: Path, load: Callable[..., Recognizer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Asr:
    """A function (argument, ..., stdin=bytes) that runs `asr transcribe` with the whistle recogniser, loaded once."""
    monkeypatch.setattr("asr_app.cli.transcribing.load_recognizer", lambda *_: load())
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_: tmp_path / "state")

    def run(*arguments: object, stdin: bytes = b"") -> Any:
        return asr("transcribe", "--model", model_folder, "--vad", "sound", *arguments, stdin=stdin)

    return run


@pytest.fixture
def tree(store: Store, whistle: Whistle, tmp_path: Path) -> Path:
    """A folder in/ with recordings at several depths, and other files."""
    folder = tmp_path / "in"
    (folder / "radio" / "1961").mkdir(parents=True)
    store("in/talk.wav", whistle("_tan_"))
    store("in/radio/news.flac", whistle("_sat_"))
    store("in/radio/1961/LATE.WAV", whistle("_nas_"))
    (folder / "radio" / "notes.txt").write_text("no sound")
    (folder / ".hidden.wav").write_text("no sound")
    (folder / "radio" / "round").symlink_to(folder)
    return folder


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_tree_of_transcripts(transcribe: Asr, tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = transcribe(tree, "-o", out, "-f", "text", "-f", "srt")
    assert (done.code, done.out) == (0, "")
    text = {name: data.decode() for name, data in written(out).items() if name.endswith(".txt")}
    assert text == {"radio/1961/LATE.txt": "nas\n", "radio/news.txt": "sat\n", "talk.txt": "tan\n"}
    assert len(written(out)) == 6
    assert done.err.splitlines()[-1].startswith("3 transcribed (0:03 min, ")


def test_beside_the_recordings_and_by_pattern(transcribe: Asr, tree: Path) -> None:
    assert transcribe(tree, "--beside", "--pattern", "*.flac", "-f", "json").code == 0
    assert json.loads((tree / "radio" / "news.json").read_text())["text"] == "sat"
    assert not list(tree.rglob("talk.json"))


def test_recordings_of_one_name(transcribe: Asr, store: Store, whistle: Whistle, tmp_path: Path) -> None:
    store("talk.wav", whistle("_tan_"))
    store("talk.flac", whistle("_sat_"))
    out = tmp_path / "out"
    assert transcribe(tmp_path / "talk.wav", tmp_path / "talk.flac", "-o", out).code == 0
    assert written(out) == {"talk.flac.txt": b"sat\n", "talk.wav.txt": b"tan\n"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "talk.wav").symlink_to(tmp_path / "talk.wav")
    done = transcribe(tmp_path / "talk.wav", tmp_path / "other" / "talk.wav", "-o", out)
    assert done.code == ConfigError.exit_code
    assert "two recordings" in done.complaint


@pytest.mark.parametrize("between", ["\n", "\0"])
def test_a_list(transcribe: Asr, tree: Path, between: str) -> None:
    listed = between.join([str(tree / "talk.wav"), str(tree / "radio" / "news.flac")])
    done = transcribe("--list", "-", stdin=listed.encode())
    assert done.out.splitlines()[1::2] == ["tan", "sat"]


def test_nothing_is_overwritten_unasked(transcribe: Asr, tree: Path) -> None:
    (tree / "talk.txt").write_text("mine")
    done = transcribe(tree, "--beside")
    assert done.code == PARTLY
    assert (tree / "talk.txt").read_text() == "mine"
    assert "talk.txt is there already: take --resume" in done.err
    assert (tree / "radio" / "news.txt").read_text() == "sat\n"
    assert transcribe(tree / "talk.wav", "--beside").code == OutputError.exit_code
    kept = transcribe(tree, "--beside", "--resume")
    assert kept.err.splitlines()[-1].endswith("3 there already, 0 failed")
    assert transcribe(tree, "--beside", "--overwrite").code == 0
    assert (tree / "talk.txt").read_text() == "tan\n"


def test_other_forms_of_what_is_there(transcribe: Asr, tree: Path) -> None:
    assert transcribe(tree, "--beside").code == 0
    (tree / "talk.txt").write_text("mended by hand")
    assert transcribe(tree, "--beside", "--resume", "-f", "text", "-f", "srt").code == 0
    assert (tree / "talk.txt").read_text() == "mended by hand"
    assert "tan" in (tree / "talk.srt").read_text()


def test_each_channel_is_a_speaker(transcribe: Asr, store: Store, whistle: Whistle) -> None:
    left, right = whistle("_tan_______sat_"), whistle("______nas______")
    call = store("call.wav", np.stack([left, right], axis=1))
    assert transcribe("--channels", "split", call).out == "1: tan\n2: nas\n1: sat\n"
    assert transcribe("--channels", "2", call).out == "nas\n"
    done = transcribe("--channels", "3", call)
    assert done.code == AudioFormatError.exit_code
    assert "no channel 3" in done.complaint
    ctm = transcribe("--channels", "split", "-f", "ctm", call).out.splitlines()
    assert [line.split()[1::3] for line in ctm] == [["1", "tan"], ["2", "nas"], ["1", "sat"]]


def test_each_speaker_goes_on_in_a_sentence_of_their_own(
    transcribe: Asr, store: Store, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EndsWithTan:
        def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
            return [(word, "." if word == "tan" else "") for word in words]

    monkeypatch.setattr("asr_app.text.writing.load_text_models", lambda _: TextModels(EndsWithTan()))
    left, right = whistle("_tan________sat________nas_"), whistle("________________ant________")
    call = store("call.wav", np.stack([left, right], axis=1))
    assert sorted(transcribe("--written", "--channels", "split", call).out.splitlines()) == [
        "1: Sat",
        "1: Tan.",
        "1: nas",
        "2: Ant",
    ]


def test_a_part_of_a_recording(transcribe: Asr, store: Store, whistle: Whistle) -> None:
    for name in ("talk.wav", "talk.mp3"):
        talk = store(name, whistle(LONG))
        rows = json.loads(transcribe("--from", "0:02.2", "--to", "6", "-f", "json", talk).out)["segments"]
        assert [row["text"] for row in rows] == ["nas", "ant"]
        assert [row["start"] for row in rows] == pytest.approx([3.2, 5.4], abs=0.5)
    late = transcribe("--from", "1:00:00", talk)
    assert late.code == AudioFormatError.exit_code
    assert "nothing behind 3600 s" in late.complaint


@pytest.mark.parametrize(
    "options",
    [
        ["--from", "5", "--to", "4"],
        ["--from", "a:b"],
        ["--to", "-3"],
        ["--to", "nan"],
        ["--channels", "left"],
        ["--channels", "0"],
        ["-f", "text", "-f", "json"],
        ["--resume"],
        ["--overwrite"],
        ["--beside", "-o", "there"],
        ["--watch", "."],
        ["--list", "no-such-list"],
        ["--overwrite", "--resume", "-o", "there"],
        ["-o", __file__],
        ["--pcm", "s16le"],
        ["--pcm-rate", "8000"],
        ["--nbest", "3"],
    ],
)
def test_what_cannot_be_meant(transcribe: Asr, store: Store, options: list[str]) -> None:
    done = transcribe(*options, store("silence.wav", np.zeros(8000)))
    assert done.code == ConfigError.exit_code
    assert done.complaint


def test_nothing_to_do(transcribe: Asr, tmp_path: Path) -> None:
    assert "nothing to transcribe" in transcribe().complaint
    assert "without recordings" in transcribe(tmp_path).complaint
    assert transcribe("-", "--beside").code == ConfigError.exit_code


def test_events_for_programs(transcribe: Asr, tree: Path, tmp_path: Path) -> None:
    bad = tree / "zz.wav"
    bad.write_text("no sound at all")
    done = transcribe(tree, "-o", tmp_path / "out", "--progress", "json")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert done.code == PARTLY
    assert [one["event"] for one in events if one["event"] != "progress"] == [
        "planned",
        *["started", "finished"],
        "failed",
        *["started", "finished"] * 2,
        "summary",
    ]
    assert events[0]["files"] == 4
    (failed,) = (one for one in events if one["event"] == "failed")
    assert (failed["file"], failed["code"]) == (str(bad), AudioFormatError.exit_code)
    assert (events[-1]["finished"], events[-1]["failed"], events[-1]["stopped"]) == (3, 1, False)
    positions = [one["position_s"] for one in events if one["event"] == "progress"]
    assert max(positions) == pytest.approx(1.0, abs=0.6)


@pytest.mark.parametrize("progress", ["bars", "lines", "none"])
def test_what_is_told_on_the_way(transcribe: Asr, tree: Path, tmp_path: Path, progress: str) -> None:
    (tree / "[bold]zz.wav").write_text("no sound at all")
    done = transcribe(tree, "-o", tmp_path / "out", "--progress", progress)
    assert done.code == PARTLY
    assert "[bold]zz.wav is not a recording" in done.err.replace("\n", "")
    assert ("3 transcribed (0:03 min, " in done.err) == (progress != "none")
    assert ("talk.wav: 0:01 min" in done.err.replace("\n", "")) == (progress != "none")


def test_other_readings(transcribe: Asr, tree: Path) -> None:
    (row,) = json.loads(transcribe("-f", "json", "--nbest", "3", tree / "talk.wav").out)["segments"]
    readings = row["alternatives"]
    assert readings[0]["text"] == row["text"] == "tan"
    assert [one["score"] for one in readings] == sorted((one["score"] for one in readings), reverse=True)
    assert len(readings) <= 3


def test_after_ctrl_c_it_goes_on_inside_a_recording(
    transcribe: Asr, store: Store, whistle: Whistle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, out = store("talk.wav", whistle(LONG)), tmp_path / "out"
    arguments = [talk, "-o", out, "-f", "json", "--nbest", "2"]
    assert transcribe(*arguments).code == 0
    undisturbed = written(out)
    (out / "talk.json").unlink()

    heard: list[Speech] = []
    real = hearing.hear

    def interrupted(recognizer: Recognizer, speech: Speech, alternatives: int = 0) -> Utterance:
        heard.append(speech)
        if len(heard) == 3:
            raise KeyboardInterrupt
        return real(recognizer, speech, alternatives)

    monkeypatch.setattr(hearing, "hear", interrupted)
    stopped = transcribe(*arguments)
    assert stopped.code == INTERRUPTED
    assert stopped.err.splitlines()[-1].startswith("stopped, --resume goes on: 0 transcribed")
    (journal,) = written(out)
    path = out / journal
    path.write_bytes(path.read_bytes() + b'{"place": [0, 4')  # as a crash leaves it
    assert transcribe(*arguments, "--resume").code == 0
    assert written(out) == undisturbed
    assert len(heard) == 3 + 3  # of five runs two were known


def test_a_journal_of_other_settings_is_of_no_use(
    transcribe: Asr, store: Store, whistle: Whistle, tmp_path: Path
) -> None:
    talk, out = store("talk.wav", whistle(LONG)), tmp_path / "out"
    out.mkdir()
    (out / ".talk.asr-journal").write_text('{"settings": "others"}\n{"place": [0, 0, 9], "words": []}\n')
    assert transcribe(talk, "-o", out, "--resume").code == 0
    assert written(out) == {"talk.txt": b"tan sat\nnas\nant\ntas tan\nsat\n"}


def test_a_disk_that_is_full_fails_one_recording(
    transcribe: Asr, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "news.txt":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", full)
    done = transcribe(tree, "-o", tmp_path / "out")
    assert done.code == PARTLY
    assert "No space left on device: make room" in done.err
    kept = ["radio/.news.asr-journal", "radio/1961/LATE.txt", "talk.txt"]
    assert sorted(written(tmp_path / "out")) == kept


def test_kill_9_at_random_moments_loses_nothing(
    transcribe: Asr, store: Store, whistle: Whistle, tmp_path: Path
) -> None:
    """200 recordings; each life is a forked process that is killed, until one comes to the end."""
    (tmp_path / "in").mkdir()
    chance, words = random.Random(9), ["tan", "ant", "sat", "nas", "tas"]
    recordings = {text: whistle(text) for one in words for two in words for text in [f"_{one}_______{two}_"]}
    for number in range(200):
        store(f"in/{number:03}.wav", recordings[chance.choice(list(recordings))])
    fork = multiprocessing.get_context("fork")

    def live(folder: Path, *more: str) -> None:
        done = transcribe(tmp_path / "in", "-o", folder, "-f", "json", "--jobs", 1, *more)
        (tmp_path / "said").write_text(done.err)
        os._exit(done.code)  # without pytest's own end

    whole = fork.Process(target=live, args=(tmp_path / "whole",))
    began = time.monotonic()
    whole.start()
    whole.join()
    took = time.monotonic() - began
    assert whole.exitcode == 0, (tmp_path / "said").read_text()

    killed = 0
    for _ in range(50):
        process = fork.Process(target=live, args=(tmp_path / "pieces", "--resume"))
        process.start()
        process.join(took * chance.uniform(0.05, 0.6))
        if process.exitcode is None:
            process.kill()
            process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
    assert killed > 0
    leftovers = [name for name in written(tmp_path / "pieces") if name.endswith(".tmp")]
    assert len(leftovers) <= killed
    pieces = {name: data for name, data in written(tmp_path / "pieces").items() if name not in leftovers}
    assert pieces == written(tmp_path / "whole")
    assert len(pieces) == 200


def test_worker_processes_write_the_same(
    asr: Asr, model_folder: Path, tree: Path, store: Store, whistle: Whistle, tmp_path: Path
) -> None:
    store("in/long.wav", whistle(LONG))
    options = ["--model", model_folder, "--vad", "sound", "-f", "json"]
    assert asr("transcribe", *options, tree, "-o", tmp_path / "one", "--jobs", 1).code == 0
    assert asr("transcribe", *options, tree, "-o", tmp_path / "two", "--jobs", 2).code == 0
    assert written(tmp_path / "one") == written(tmp_path / "two")


def test_watching_a_folder(
    transcribe: Asr, tree: Path, tmp_path: Path, store: Store, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in tree.rglob("*.*"):
        if not path.is_symlink():
            os.utime(path, (1e9, 1e9))
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 1:
            os.utime(store("in/radio/more.wav", whistle("_tas_")), (1e9, 1e9))
            os.utime(store("in/talk.flac", whistle("_sat_")), (1e9, 1e9))  # while talk.txt is of talk.wav
            store("in/growing.wav", whistle("_tan_"))
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("asr_app.files.watch.time.sleep", sleep)
    done = transcribe("--watch", tree, "-o", tmp_path / "out")
    assert done.code == INTERRUPTED
    assert done.err.splitlines()[0] == f"watching {tree}: Ctrl-C ends it"
    radio = ["radio/1961/LATE.txt", "radio/more.txt", "radio/news.txt"]
    assert sorted(written(tmp_path / "out")) == [*radio, "talk.flac.txt", "talk.txt"]
    looks.clear()
    again = transcribe("--watch", tree, "-o", tmp_path / "out")
    assert again.err.splitlines()[-1].startswith("stopped: 0 transcribed")


def test_what_a_watch_could_not_write_the_next_one_does(
    transcribe: Asr, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in tree.rglob("*.*"):
        if not path.is_symlink():
            os.utime(path, (1e9, 1e9))

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("asr_app.files.watch.time.sleep", stop)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "radio").write_text("no folder, as if the disk were away")
    first = transcribe("--watch", tree, "-o", tmp_path / "out")
    assert first.code == OutputError.exit_code
    assert first.err.splitlines()[-1].endswith("2 failed")
    assert sorted(written(tmp_path / "out")) == ["radio", "talk.txt"]
    (tmp_path / "out" / "radio").unlink()
    again = transcribe("--watch", tree, "-o", tmp_path / "out")
    assert again.code == INTERRUPTED
    assert sorted(written(tmp_path / "out")) == ["radio/1961/LATE.txt", "radio/news.txt", "talk.txt"]
    assert "2 transcribed" in again.err

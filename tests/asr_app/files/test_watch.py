"""What arrives in a folder is taken when it is complete, and once."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from asr_app.files import watch as module
from asr_app.files.watch import SETTLED_S, Seen, Watch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(folder: Path, tmp_path: Path, clock: Clock) -> Watch:
    return Watch(folder, ["*.wav"], Seen(tmp_path / "seen"), clock)


def names(watch: Watch) -> list[str]:
    return [path.name for path, _ in watch.look()]


def test_a_file_that_was_renamed_into_place_is_taken_at_once(watch: Watch, folder: Path, tmp_path: Path) -> None:
    done = tmp_path / "made.wav"
    done.write_bytes(b"RIFF")
    os.utime(done, (time.time() - 60,) * 2)
    done.rename(folder / "talk.wav")
    assert names(watch) == ["talk.wav"]


def test_a_file_that_grows_is_waited_for(watch: Watch, folder: Path, clock: Clock) -> None:
    for size in (1, 2, 3):
        (folder / "talk.wav").write_bytes(b"x" * size)
        assert names(watch) == []
        clock.now += SETTLED_S * 0.9
    clock.now += SETTLED_S * 0.2
    assert names(watch) == ["talk.wav"]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who writes a file")
def test_a_file_that_is_open_for_writing_is_waited_for(watch: Watch, folder: Path) -> None:
    with (folder / "talk.wav").open("wb") as file:
        file.write(b"x")
        file.flush()
        os.utime(file.fileno(), (time.time() - 60,) * 2)
        assert names(watch) == []
    assert names(watch) == ["talk.wav"]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who writes a file")
def test_a_writer_who_comes_while_that_is_asked_ends_nothing(
    watch: Watch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, leases, signals = folder / "talk.wav", list[int](), list[int]()
    talk.write_bytes(b"x")
    os.utime(talk, (1e9, 1e9))
    ask = module.fcntl.fcntl

    def fcntl(file: Any, command: int, argument: int) -> int:
        answer = int(ask(file, command, argument))
        if command == module.fcntl.F_SETLEASE and argument == module.fcntl.F_RDLCK:
            leases.append(argument)
            with pytest.raises(BlockingIOError):
                os.open(talk, os.O_WRONLY | os.O_NONBLOCK)
        return answer

    monkeypatch.setattr(module.fcntl, "fcntl", fcntl)
    before = signal.signal(signal.SIGIO, lambda number, _: signals.append(number))  # it would end the process
    try:
        assert names(watch) == ["talk.wav"]
    finally:
        signal.signal(signal.SIGIO, before)
    assert leases
    assert not signals


def test_a_version_is_taken_once_even_by_the_next_run(watch: Watch, folder: Path, tmp_path: Path, clock: Clock) -> None:
    talk = folder / "talk.wav"
    talk.write_bytes(b"x")
    os.utime(talk, (1e9, 1e9))
    seen = Seen(tmp_path / "seen")
    ((_, version),) = watch.look()
    seen.add(version)
    again = Watch(folder, ["*.wav"], Seen(tmp_path / "seen"), clock)
    assert names(again) == []
    talk.write_bytes(b"another")
    os.utime(talk, (1e9, 1e9))
    assert names(again) == ["talk.wav"]


def test_what_vanishes_is_forgotten(watch: Watch, folder: Path) -> None:
    (folder / "talk.wav").write_bytes(b"x")
    assert names(watch) == []
    (folder / "talk.wav").unlink()
    assert names(watch) == []
    shutil.rmtree(folder)
    assert names(watch) == []


def test_others_are_left_alone(watch: Watch, folder: Path) -> None:
    for name in ("notes.txt", ".hidden.wav", "empty.wav"):
        (folder / name).write_bytes(b"" if name == "empty.wav" else b"x")
        os.utime(folder / name, (1e9, 1e9))
    assert names(watch) == []


def test_a_damaged_state_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text('["/a.wav", 3, 4]\n["/b.wa')
    seen = Seen(tmp_path / "seen")
    assert ("/a.wav", 3, 4) in seen
    assert ("/b.wav", 3, 4) not in seen

"""Recordings and transcripts of any place that fsspec knows."""

from pathlib import Path
from typing import Any

import fsspec
import pytest

from asr_app.cluster.places import fetched, find, join, there, whole, write
from asr_app.errors import AudioFormatError, ConfigError, OutputError
from asr_app.files.inputs import Recording

memory = fsspec.filesystem("memory")


def test_whole_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert whole("s3://bucket/a.wav") == "s3://bucket/a.wav"
    assert whole("a.wav") == whole(f"file://{tmp_path}/a.wav") == str(tmp_path / "a.wav")
    assert join("gs://bucket/", Path("deep/a")) == "gs://bucket/deep/a"
    assert join(whole("."), Path("deep/a")) == str(tmp_path / "deep" / "a")


def test_recordings_below_an_address(remote: str) -> None:
    for name in ("b.wav", "a.MP3", "deep/c.flac", "notes.txt", ".hidden.wav", "deep/.git/d.wav"):
        memory.pipe_file(f"/bucket/{name}", b"sound")
    found = [one for one in find([remote]) if isinstance(one, Recording)]
    assert [one.path for one in found] == [f"{remote}/a.MP3", f"{remote}/b.wav", f"{remote}/deep/c.flac"]
    assert [str(one.place) for one in found] == ["a.MP3", "b.wav", "deep/c.flac"]
    assert list(find([f"{remote}/notes.txt"])) == [Recording(f"{remote}/notes.txt", Path("notes.txt"))]
    ((_, error),) = find([f"{remote}/deep"], ["*.ogg"])
    assert "has no recordings" in str(error)
    with fetched(f"{remote}/b.wav") as path:
        assert Path(path).read_bytes() == b"sound"


def test_places_that_are_none() -> None:
    with pytest.raises(ConfigError, match="cannot be reached"):
        list(find(["nowhere://bucket/talk.wav"]))
    with pytest.raises(AudioFormatError, match="memory://bucket/none"), fetched("memory://bucket/none.wav"):
        pass


def test_a_server_that_is_busy_is_asked_again(monkeypatch: pytest.MonkeyPatch, remote: str) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    pipe, refusals = type(memory).pipe_file, iter([OSError("busy"), OSError("busy"), None])

    def refuse(self: Any, *arguments: Any) -> Any:
        if error := next(refusals):
            raise error
        return pipe(self, *arguments)

    monkeypatch.setattr(type(memory), "pipe_file", refuse)
    write(f"{remote}/a.txt", "hello")
    assert waited == [1.0, 2.0]
    assert there(remote) == {"a.txt"}


def test_a_store_that_wants_a_key_is_one_line(monkeypatch: pytest.MonkeyPatch, remote: str) -> None:
    """Its errors are its own: botocore's NoCredentialsError is no OSError."""

    def refuse(self: Any, *arguments: Any, **options: Any) -> Any:
        raise LookupError("Unable to\nlocate credentials")

    said = "Unable to locate credentials: check"
    with monkeypatch.context() as patched:
        for name in ("find", "isdir", "get_file", "pipe_file"):
            patched.setattr(type(memory), name, refuse)
        ((_, error),) = find([remote])
        assert said in str(error)
        with pytest.raises(AudioFormatError, match=said), fetched(f"{remote}/a.wav"):
            pass
        with pytest.raises(OutputError, match=said):
            write(f"{remote}/a.txt", "hello")
        with pytest.raises(OutputError, match=said):
            there(remote)

"""A file comes whole and right, or one line says why not; against a server that does all that servers do."""

import hashlib
import random
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import model_server
import pytest
from model_server import ETAG, ModelServer

import asr_app.library.download
import asr_app.library.https
from asr_app.errors import AsrError, OutputError
from asr_app.library.download import download
from asr_app.library.https import BrokenError, DownloadError, MissingError, UnreachableError
from asr_app.library.registry import FileFacts

CONTENT = random.Random(7).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KNOWN, UNKNOWN = FileFacts(len(CONTENT), SHA256), FileFacts()
FILE = "/model.safetensors"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(asr_app.library.download, "PAUSE_S", 0.0)
    running, stop = model_server.start()
    running.files[FILE] = CONTENT
    yield running
    stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "model.safetensors"


def fetch(server: ModelServer, path: Path, facts: FileFacts = UNKNOWN) -> str:
    return download(server.address + FILE, path, facts, lambda *_: None)


def refused(server: ModelServer, path: Path, facts: FileFacts = UNKNOWN, kind: type[AsrError] = DownloadError) -> str:
    """What is said where there is no file: one line, and nothing lies at its place."""
    with pytest.raises(kind) as caught:
        fetch(server, path, facts)
    assert not path.exists()
    message = str(caught.value)
    assert message.isprintable()
    assert ": " in message
    return message


@pytest.mark.parametrize("facts", [KNOWN, UNKNOWN, FileFacts(len(CONTENT)), FileFacts(sha256=SHA256)])
def test_a_file_is_fetched(server: ModelServer, path: Path, facts: FileFacts) -> None:
    told: list[tuple[str, int, int | None]] = []
    assert download(server.address + FILE, path, facts, lambda *one: told.append(one)) == SHA256
    assert path.read_bytes() == CONTENT
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert told[-1] == (path.name, len(CONTENT), len(CONTENT))
    assert [size for _, size, _ in told] == sorted(size for _, size, _ in told)


def test_a_file_that_is_here_is_not_fetched_again(server: ModelServer, path: Path) -> None:
    fetch(server, path, KNOWN)
    assert fetch(server, path, KNOWN) == SHA256
    assert server.paths() == [FILE]


@pytest.mark.parametrize("after", [1, 70_000, 299_999])
def test_a_cut_connection_is_taken_up_again(server: ModelServer, path: Path, after: int) -> None:
    server.manners[FILE] = model_server.cuts(after, times=2)
    assert fetch(server, path) == SHA256
    assert server.ranges()[:2] == [None, f"bytes={after}-"]
    assert server.asked[1][1]["If-Range"] == ETAG


def test_a_long_file_may_be_cut_often_as_long_as_it_grows(server: ModelServer, path: Path) -> None:
    server.manners[FILE] = model_server.cuts(30_000, times=9)
    assert fetch(server, path) == SHA256
    assert len(server.asked) == 10


def test_a_server_that_always_cuts_at_once(server: ModelServer, path: Path) -> None:
    server.manners[FILE] = model_server.cuts(0, times=99)
    assert "broke off after 0 of 300000 bytes: try again" in refused(server, path, kind=BrokenError)
    assert len(server.asked) == asr_app.library.download.ATTEMPTS


def test_a_network_that_goes_away_for_a_while(server: ModelServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.manners[FILE] = model_server.cuts(70_000)
    ask, networks = asr_app.library.https.request, iter([True, False, False, True])

    def asked(*arguments: Any) -> HTTPResponse:
        if not next(networks):
            raise UnreachableError("127.0.0.1 cannot be reached: no network")
        return ask(*arguments)

    monkeypatch.setattr(asr_app.library.download, "request", asked)
    assert fetch(server, path) == SHA256
    assert server.ranges() == [None, "bytes=70000-"]


def test_no_network_is_told_at_once(path: Path) -> None:
    with pytest.raises(UnreachableError):
        download("http://127.0.0.1:1/model.safetensors", path, UNKNOWN, lambda *_: None)


def stop_in_the_middle(server: ModelServer, path: Path) -> None:
    """What a stopped program leaves behind."""

    def stop(name: str, here: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.address + FILE, path, UNKNOWN, stop)
    assert not path.exists()
    server.asked.clear()


def test_a_stopped_download_is_taken_up_again(server: ModelServer, path: Path) -> None:
    stop_in_the_middle(server, path)
    here = path.with_name(f"{path.name}.part").stat().st_size
    assert 0 < here < len(CONTENT)
    assert fetch(server, path) == SHA256
    assert server.ranges() == [f"bytes={here}-"]


def test_another_version_is_fetched_from_its_beginning(server: ModelServer, path: Path) -> None:
    stop_in_the_middle(server, path)
    path.with_name(f"{path.name}.etag").write_text('"another version"')
    assert fetch(server, path) == SHA256
    assert server.ranges()[0] is not None


@pytest.mark.parametrize("mark", ["", 'W/"weak"'])
def test_a_version_that_cannot_be_told_is_fetched_from_its_beginning(
    server: ModelServer, path: Path, mark: str
) -> None:
    server.manners[FILE] = lambda handler, _, content: handler.answer(
        200, content, Content_Length=len(content), ETag=mark
    )
    stop_in_the_middle(server, path)
    assert fetch(server, path) == SHA256
    assert server.ranges() == [None]


@pytest.mark.parametrize("manner", [model_server.ignores_ranges, model_server.wrong_part])
def test_a_server_that_answers_another_part(server: ModelServer, path: Path, manner: model_server.Manner) -> None:
    stop_in_the_middle(server, path)
    server.manners[FILE] = manner
    if manner is model_server.ignores_ranges:
        assert fetch(server, path) == SHA256
    else:
        assert "another part" in refused(server, path, kind=BrokenError)


def test_a_part_beyond_the_end(server: ModelServer, path: Path) -> None:
    """The file on the server has become shorter, and says that it is the same."""
    stop_in_the_middle(server, path)
    server.files[FILE] = CONTENT[:100]
    assert fetch(server, path) == hashlib.sha256(CONTENT[:100]).hexdigest()
    assert path.read_bytes() == CONTENT[:100]


@pytest.mark.parametrize("facts", [KNOWN, UNKNOWN])
def test_more_is_announced_than_comes(server: ModelServer, path: Path, facts: FileFacts) -> None:
    server.manners[FILE] = model_server.lies(by=1000)
    assert ("instead of 300000" if facts is KNOWN else "broke off after") in refused(server, path, facts)


def test_less_is_announced_than_comes(server: ModelServer, path: Path) -> None:
    server.manners[FILE] = model_server.lies(by=-1000)
    assert "said to have 299000 bytes instead of 300000" in refused(server, path, KNOWN)
    assert "SHA-256" in refused(server, path, FileFacts(sha256=SHA256))


def test_nothing_is_announced(server: ModelServer, path: Path) -> None:
    server.manners[FILE] = model_server.without_length
    assert fetch(server, path, KNOWN) == SHA256


def test_an_endless_file(server: ModelServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.manners[FILE] = model_server.without_length
    assert "is longer than 200000 bytes" in refused(server, path, FileFacts(200_000))
    monkeypatch.setattr(asr_app.library.download, "LARGEST_FILE", 100_000)
    assert "is longer than 100000 bytes" in refused(server, path)


def test_corrupt_bytes_are_not_kept(server: ModelServer, path: Path) -> None:
    server.files[FILE] = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    assert f"instead of {SHA256}" in refused(server, path, KNOWN)
    server.files[FILE] = CONTENT
    assert fetch(server, path, KNOWN) == SHA256
    assert server.ranges() == [None, None]


def test_a_file_of_another_size(server: ModelServer, path: Path) -> None:
    server.manners[FILE] = model_server.without_length
    assert "has 300000 bytes instead of 300001" in refused(server, path, FileFacts(300_001))


def test_a_file_that_is_not_there(server: ModelServer, path: Path) -> None:
    server.files.clear()
    assert "is not there (HTTP 404): check the name" in refused(server, path, kind=MissingError)
    assert len(server.asked) == 1


@pytest.mark.parametrize(("code", "said"), [(403, "HF_TOKEN"), (401, "HF_TOKEN"), (418, "another source")])
def test_a_file_that_is_refused(server: ModelServer, path: Path, code: int, said: str) -> None:
    server.manners[FILE] = model_server.status(code)
    assert said in refused(server, path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_server_that_is_not_well(server: ModelServer, path: Path, code: int) -> None:
    server.manners[FILE] = model_server.status(code)
    assert f"not well (HTTP {code}): try again later" in refused(server, path)
    server.manners[FILE] = model_server.status(code, times=2)
    assert fetch(server, path, KNOWN) == SHA256


def test_a_server_that_falls_silent(server: ModelServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.library.https, "TIMEOUT_S", 0.1)
    monkeypatch.setattr(asr_app.library.download, "ATTEMPTS", 2)
    server.manners[FILE] = model_server.pauses(at=100_000)
    assert "the connection broke (timed out): try again" in refused(server, path)
    server.manners.clear()
    monkeypatch.setattr(asr_app.library.https, "TIMEOUT_S", 10.0)
    assert fetch(server, path, KNOWN) == SHA256
    assert server.ranges()[-1] not in (None, "bytes=0-")


def test_a_full_disk_is_told_beforehand(server: ModelServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.library.download, "_SPARE_BYTES", 10**18)
    assert "make room on the disk" in refused(server, path, kind=OutputError)


def test_a_download_that_was_stopped_at_its_last_byte_is_not_fetched_again(server: ModelServer, path: Path) -> None:
    stop_in_the_middle(server, path)
    path.with_name(f"{path.name}.part").write_bytes(CONTENT)
    assert fetch(server, path, KNOWN) == SHA256
    assert server.asked == []
    assert [one.name for one in path.parent.iterdir()] == [path.name]

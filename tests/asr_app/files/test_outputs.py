"""The files of transcripts: their names, and what lies beside them meanwhile."""

import io
import os
import sys
from pathlib import Path

import pytest

from asr_app.errors import ConfigError, OutputError
from asr_app.files.inputs import Recording
from asr_app.files.outputs import Files, Naming, Printed, Written, write_whole
from asr_app.sinks.formats import Format
from asr_app.sinks.segment import Utterance
from decoder.types import Word

SAID = Utterance((Word("tan", 0.0, 0.4, 1.0),))
PLACE = (0, 0, 6400)


def recording(name: str) -> Recording:
    return Recording(f"in/{name}", Path(name))


def names(*recordings: str) -> list[str]:
    """The names of text files, in the order of the recordings."""
    found = Naming(Path("out"), (Format.TEXT,)).files(map(recording, recordings))
    return [found[recording(one)].path(Format.TEXT).name for one in recordings]


@pytest.mark.parametrize(
    "name", ["録" * 83, "a" * 250, os.fsdecode(b"\xe9" * 249)], ids=["three bytes each", "ASCII", "no UTF-8"]
)
def test_a_name_may_be_as_long_as_the_transcript_s_own(tmp_path: Path, name: str) -> None:
    """Its journal, and the file before it is renamed, have longer names."""
    talk = tmp_path / "talk.wav"
    talk.touch()
    one, files = Recording(str(talk), Path("talk.wav")), Files(tmp_path / "out" / name, (Format.TEXT,))
    interrupted = Written(one, files, "")
    interrupted.add(PLACE, SAID)
    interrupted.leave()
    (journal,) = (tmp_path / "out").iterdir()
    assert journal.name.startswith(".")
    again = Written(one, files, "")
    assert again.heard(PLACE) == SAID
    again.finish([SAID])
    assert [(path.name, path.read_text()) for path in (tmp_path / "out").iterdir()] == [(f"{name}.txt", "tan\n")]


def test_long_names_that_differ_at_their_end_have_journals_of_their_own(tmp_path: Path) -> None:
    journals = {Files(tmp_path / ("a" * 249 + last), (Format.TEXT,)).journal for last in "12"}
    assert len(journals) == 2
    assert Files(tmp_path / "talk", (Format.TEXT,)).journal == tmp_path / ".talk.asr-journal"


def test_an_interrupted_run_gives_leave_to_replace_only_what_it_was_to_write(tmp_path: Path) -> None:
    """A transcript that was mended by hand stays, while its subtitles are made."""
    talk = tmp_path / "talk.wav"
    talk.touch()
    one, both = Recording(str(talk), Path("talk.wav")), (Format.TEXT, Format.SRT)
    files = Files(tmp_path / "talk", both)
    files.path(Format.TEXT).write_text("mended by hand")
    assert files.missing().forms == (Format.SRT,)
    interrupted = Written(one, files.missing(), "")
    interrupted.add(PLACE, SAID)
    interrupted.leave()
    assert files.missing().forms == (Format.SRT,)
    with pytest.raises(OutputError, match="is there already"):
        files.check()
    replacing = Written(one, files, "")  # as --overwrite has it
    assert replacing.heard(PLACE) == SAID
    replacing.leave()
    assert files.missing().forms == both
    files.check()


def test_what_cannot_be_printed_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stdout", output)
    Printed(recording("é録.wav"), Format.TEXT, heading=True, live=False).finish([SAID])
    assert output.buffer.getvalue() == b"in/\xe9\\u9332.wav:\ntan\n"  # type: ignore[attr-defined]


def test_a_whole_name_that_is_another_s_short_one() -> None:
    assert names("talk.mp3", "news.wav") == ["talk.txt", "news.txt"]
    assert names("talk.mp3", "talk.wav", "talk.mp3.wav") == ["talk.mp3.txt", "talk.wav.txt", "talk.mp3.wav.txt"]
    other = Recording("other/talk.mp3", Path("talk.mp3"))
    with pytest.raises(ConfigError, match=r"two recordings are called out/talk\.mp3 here"):
        Naming(Path("out"), (Format.TEXT,)).files([recording("talk.mp3"), other])


def test_a_whole_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "talk.txt", "tan\n")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["talk.txt"]

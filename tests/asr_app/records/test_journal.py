"""The journal, and what it brings back after a crash."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_disk import small_disk

from asr_app.errors import OutputError, ProtocolError
from asr_app.events import Final, Partial, to_json
from asr_app.records.journal import Journal, left_journal, new_journal
from decoder.types import Word


def final(number: int, text: str, revision: int = 1) -> Final:
    return Final(number, revision, tuple(Word(word, float(k), k + 0.5, 0.9) for k, word in enumerate(text.split())))


def close(journal: Journal | None) -> list[str]:
    assert journal is not None
    texts = [one.text for one in journal.finals()]
    journal.close()
    return texts


def test_the_last_line_of_a_segment_counts(tmp_path: Path) -> None:
    journal = new_journal(tmp_path)
    journal.keep(final(0, "the male came"))
    journal.keep(final(1, "uh"))
    journal.keep(final(0, "the mail came", 2))
    journal.drop(1)
    assert journal.finals() == [final(0, "the mail came", 2)]
    journal.close()


def test_words_in_progress_are_kept_until_their_final_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    journal = new_journal(tmp_path)
    for at, text in ((100.0, "the"), (100.3, "the mail"), (101.0, "the mail came"), (102.0, "")):
        now = at
        journal.keep_in_progress(Partial(0, 1, final(0, text).words))
    assert [one.text for one in journal.finals()] == ["the mail came"]
    assert len(journal.path.read_text().splitlines()) == 2
    journal.keep(final(0, "the male came", 3))
    assert close(journal) == ["the male came"]


def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "asr"
    journal = new_journal(folder)
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    journal.close()


def test_nothing_is_left_of_a_session_that_ended_in_good_order(tmp_path: Path) -> None:
    journal = new_journal(tmp_path)
    journal.keep(final(0, "gone"))
    journal.discard()
    assert list(tmp_path.iterdir()) == []
    assert left_journal(tmp_path) is None


def test_a_session_that_was_killed_is_brought_back(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom asr_app.events import from_json\n"
        "from asr_app.records.journal import new_journal\n"
        "journal = new_journal(Path(sys.argv[1]))\n"
        "for line in sys.stdin: journal.keep(from_json(line)); print('kept', flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdin
        assert session.stdout
        for number in range(3):
            session.stdin.write(to_json(final(number, f"segment {number}")) + "\n")
            session.stdin.flush()
            assert session.stdout.readline() == "kept\n"
        assert left_journal(tmp_path) is None  # it lives
        os.kill(session.pid, signal.SIGKILL)
    assert close(left_journal(tmp_path)) == ["segment 0", "segment 1", "segment 2"]


def test_a_line_that_a_crash_cut_short_is_left_out_and_the_next_begins_anew(tmp_path: Path) -> None:
    journal = new_journal(tmp_path)
    journal.keep(final(0, "whole"))
    journal.close()
    with journal.path.open("a") as file:
        file.write('{"type": "final", "segm')
    resumed = left_journal(tmp_path)
    assert resumed is not None
    resumed.keep(final(1, "more"))
    assert close(resumed) == ["whole", "more"]


def test_no_part_of_a_line_stays_for_which_the_disk_has_no_room(tmp_path: Path) -> None:
    journal = new_journal(tmp_path)
    journal.keep(final(0, "before"))
    with (
        small_disk(journal.path.stat().st_size + 40),
        pytest.raises(OutputError, match="No space left on device: save the transcript"),
    ):
        journal.keep(final(1, "lost"))
    journal.keep(final(2, "after"))
    assert close(journal) == ["before", "after"]
    assert close(left_journal(tmp_path)) == ["before", "after"]


def test_one_line_that_was_cut_short_costs_no_other(tmp_path: Path) -> None:
    cut = to_json(final(1, "lost"))[:40] + to_json(final(2, "glued"))
    lines = [to_json(final(0, "before")), cut, to_json(final(3, "after"))]
    (tmp_path / "dictation-1.jsonl").write_text("".join(f"{line}\n" for line in lines))
    assert close(left_journal(tmp_path)) == ["before", "after"]


def test_the_newest_journal_with_words_is_taken(tmp_path: Path) -> None:
    for name, text in (("dictation-1.jsonl", "old"), ("dictation-2.jsonl", "new"), ("dictation-3.jsonl", "")):
        journal = Journal(tmp_path / name, (tmp_path / name).open("ab", buffering=0))
        if text:
            journal.keep(final(0, text))
        journal.close()
    assert close(left_journal(tmp_path)) == ["new"]


@pytest.mark.parametrize("line", ["{}", "[]", '{"type": "failed", "message": "no"}', "words\nwords"])
def test_a_file_that_is_no_journal_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "dictation-1.jsonl").write_text(f"{line}\n")
    with pytest.raises(ProtocolError, match=r"dictation-1.jsonl, line \d .*: delete"):
        left_journal(tmp_path)


def test_a_journal_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--no-journal"):
        new_journal(tmp_path / "file" / "folder")
    with Path("/dev/full").open("ab", buffering=0) as full, pytest.raises(OutputError, match="save the transcript"):
        Journal(Path("/dev/full"), full).keep(final(0, "lost"))

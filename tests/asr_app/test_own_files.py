"""The text files that a user keeps: nothing of them is lost, and nobody else reads them."""

import subprocess
import sys
from pathlib import Path

import pytest
from small_disk import small_disk

from asr_app.errors import OutputError
from asr_app.own_files import changing, replace_text

ADD_LINES = """
import sys
from pathlib import Path
from asr_app.own_files import changing, replace_text
path = Path(sys.argv[1])
for number in range(20):
    with changing(path):
        before = path.read_text() if path.exists() else ""
        replace_text(path, before + f"{sys.argv[2]} {number}\\n")
"""


def test_nothing_is_lost_when_several_change_a_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "of mine" / "words.txt"
    programs = [subprocess.Popen([sys.executable, "-c", ADD_LINES, path, str(number)]) for number in range(3)]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(f"{program} {number}" for program in range(3) for number in range(20))
    assert {file.name for file in path.parent.iterdir()} == {"words.txt", ".words.txt.lock"}


def test_a_file_is_its_users_alone_and_keeps_the_mode_that_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    for mode in (0o600, 0o640):
        replace_text(path, "Nguyen\n")
        assert path.stat().st_mode & 0o777 == mode
        path.chmod(0o640)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    replace_text(path, "Nguyen\n")
    with small_disk(1000), pytest.raises(OSError, match="too large"):
        replace_text(path, "x" * 2000)
    assert path.read_text() == "Nguyen\n"
    assert [file.name for file in tmp_path.iterdir()] == ["words.txt"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, kept = tmp_path / "words.txt", tmp_path / "kept" / "words.txt"
    link.symlink_to(kept)
    with changing(link):
        replace_text(link, "Nguyen\n")
    assert link.is_symlink()
    assert kept.read_text() == "Nguyen\n"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), changing(tmp_path / "file" / "words.txt"):
        pass

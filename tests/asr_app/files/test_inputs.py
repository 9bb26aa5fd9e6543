"""Names of recordings that nobody can open, and lists of them."""

import codecs
import os
from pathlib import Path

from asr_app.files.inputs import Recording, read_list, recordings


def test_a_name_that_is_too_long_is_one_recording_that_fails_later(tmp_path: Path) -> None:
    good = tmp_path / "talk.wav"
    good.touch()
    found = list(recordings(["x" * 300, "a\0b", str(good)]))
    assert [one.path for one in found if isinstance(one, Recording)] == ["x" * 300, "a\0b", str(good)]


def test_a_list_from_an_editor_that_marks_utf_8(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes(codecs.BOM_UTF8 + "Größe.wav\r\n\r\nb.wav\r\n".encode())
    assert read_list(str(listed)) == ["Größe.wav", "b.wav"]
    listed.write_bytes(b"a\xe9.wav\n")
    assert read_list(str(listed)) == [os.fsdecode(b"a\xe9.wav")]

"""What the watch of the user's words takes for a change."""

import threading
from pathlib import Path

import pytest

import asr_app.words.vocabulary_watch
from asr_app.words.vocabulary_watch import VocabularyWatch


def test_another_file_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.words.vocabulary_watch, "_LOOK_S", 0.01)
    changed = threading.Semaphore(0)
    before, after = tmp_path / "before.txt", tmp_path / "after.txt"
    for path in (before, after):
        path.with_suffix(".new").write_text("Nguyen\n")
    with VocabularyWatch(before, changed.release) as watch:
        before.with_suffix(".new").replace(before)
        assert changed.acquire(timeout=10)
        watch.look_at(after)
        assert changed.acquire(timeout=10)
        after.with_suffix(".new").replace(after)
        assert changed.acquire(timeout=10)
        before.unlink()
        assert not changed.acquire(timeout=0.2)

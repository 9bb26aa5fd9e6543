"""Subtitles of real speech keep the conventions, as the parsers of other programs read them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_app.audio.file import read_audio
from asr_app.library.models import DEFAULT_MODEL, DESCRIPTION, SHIPPED
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.sinks.srt import to_srt
from asr_app.sinks.vtt import to_karaoke, to_vtt
from asr_app.transcription import transcribe_file

TESTS = Path(__file__).parents[1]
SAMPLES = TESTS.parent / "samples"
NAMES = [line.split("\t")[0] for line in (SAMPLES / "expected.txt").read_text().splitlines()]

pytestmark = pytest.mark.skipif(
    not (SHIPPED / DEFAULT_MODEL / DESCRIPTION).is_file(), reason="no recogniser ships in this checkout"
)


def test_every_convention_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples behind each other without a pause; an hour of other speech is tests/bench/subtitles.py's."""
    monkeypatch.syspath_prepend(TESTS / "bench")
    from subtitles import broken, read_srt, read_vtt

    talk = tmp_path / "talk.flac"
    soundfile.write(talk, np.concatenate([read_audio(SAMPLES / name, 16_000) for name in NAMES]), 16_000)
    english = Recognizer.load(SHIPPED / DEFAULT_MODEL, RecognizerOptions(device="cpu"))
    segments = [one for one in transcribe_file(english, talk) if one.words]
    for write, name in ((to_srt, "talk.srt"), (to_vtt, "talk.vtt"), (to_karaoke, "karaoke.vtt")):
        (tmp_path / name).write_text(write(segments), encoding="utf-8")
    cues = read_srt(tmp_path / "talk.srt")
    assert len(cues) > 3
    assert broken(cues) == []
    assert read_vtt(tmp_path / "talk.vtt") == read_vtt(tmp_path / "karaoke.vtt") == cues
    shown = " ".join(" ".join(text for _, _, text in cues).split())
    assert shown == " ".join(segment.text for segment in segments)

"""What is dictated to the daemon is remembered where the user wants it, and only there."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from loudness import Loudness

import asr_app.audio.voice_activity
from asr_app.audio.live_source import RealTimeFile
from asr_app.config import load_settings
from asr_app.daemon.dictation import Dictation
from asr_app.daemon.sinks import Sink
from asr_app.daemon.streams import Streams
from asr_app.engine.engine import Engine
from asr_app.live.two_passes import SecondPass
from asr_app.recognizer import Recognizer
from asr_app.records.history import History, Kind, history_file
from asr_app.records.remembering import memory_of


class Nowhere:
    """A sink."""

    def write(self, text: str) -> None:
        """Not needed here."""


Take = Callable[..., None]


@pytest.fixture
def take(load: Callable[..., Recognizer], recording: Path, monkeypatch: pytest.MonkeyPatch) -> Take:
    """A function (opted in, cancelled) that dictates the recording: tan, sat, nas."""
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)

    async def dictate(engine: Engine, second_pass: SecondPass, wanted: bool, cancelled: bool) -> None:
        sink: Sink = Nowhere()
        dictation = Dictation(lambda rate: RealTimeFile(recording, rate, pace=20.0), sink, lambda _: None, 1_000)
        dictation.memory = memory_of(load_settings(history_dictation=wanted), Kind.DAEMON)
        await dictation.start(Streams(engine, engine.recognizer, second_pass))
        if cancelled:
            await dictation.cancel()
        await dictation.drain(60)

    def run(wanted: bool, cancelled: bool = False) -> None:
        engine, second_pass = Engine(load(chunk_ms=320)), SecondPass()
        try:
            asyncio.run(dictate(engine, second_pass, wanted, cancelled))
        finally:
            engine.close()
            second_pass.close()

    return run


def test_a_take_is_remembered_where_that_is_wanted(take: Take, recording: Path) -> None:
    take(wanted=True)
    with History(history_file()) as history:
        (listed,) = history.transcripts()
        assert (listed.about.kind, listed.about.source) == (Kind.DAEMON, recording.name)
        assert 9 < listed.about.duration_s < 13
        assert [passage.text for passage in history.passages(listed.number)] == ["tan", "sat", "nas"]


def test_nothing_is_remembered_unasked_nor_what_was_cancelled(take: Take) -> None:
    take(wanted=False)
    take(wanted=True, cancelled=True)
    assert not history_file().exists()

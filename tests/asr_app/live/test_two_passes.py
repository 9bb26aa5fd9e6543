"""Two passes: the words come live from one recogniser, and each segment's final from another."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loudness import Loudness
from tape import Tape

import asr_app.audio.voice_activity
import asr_app.live.two_passes
from asr_app.audio.types import AudioChunk, Samples
from asr_app.cli.live import live_settings, load_live_recognizer
from asr_app.engine.sound_memory import SoundMemory
from asr_app.errors import CheckpointError, ConfigError
from asr_app.events import Event, Final, Partial, SpeechEnded, SpeechStarted
from asr_app.files.segments import Speech
from asr_app.live.event_queue import EventQueue
from asr_app.live.stream import LiveStream
from asr_app.live.two_passes import SecondPass, TwoPasses
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance
from decoder.types import Word
from tui.transcript import TranscriptDocument

Load = Callable[..., Recognizer]
Whistle = Callable[..., Samples]
RATE = 16_000


@pytest.fixture(autouse=True)
def _hear_whistles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)


def chunks(samples: Samples, size: int = 1600) -> Iterator[AudioChunk]:
    for start in range(0, len(samples), size):
        yield AudioChunk(samples[start : start + size], RATE, start)


@pytest.fixture
def second_pass() -> Iterator[SecondPass]:
    second_pass = SecondPass()
    yield second_pass
    second_pass.close()


def in_one_pass(recognizer: Recognizer, samples: Samples) -> list[Event]:
    stream = LiveStream(recognizer)
    return [event for chunk in chunks(samples) for event in stream.accept(chunk)] + stream.flush()


class Broken(Tape):
    """A listener that cannot take a final."""

    def put(self, event: Event) -> None:
        if isinstance(event, Final):
            raise RuntimeError("no room")


def in_two_passes(first: Recognizer, exact: Recognizer, samples: Samples) -> list[Event]:
    memory, heard, second_pass = SoundMemory(), Tape(), SecondPass()
    stream = LiveStream(first, memory=memory)
    passes = TwoPasses(heard, exact, memory, second_pass)
    for chunk in chunks(samples):
        for event in stream.accept(chunk):
            passes.put(event)
    for event in stream.flush():
        passes.put(event)
    passes.close()
    second_pass.close()
    assert heard.closed.wait(60)
    return heard.events


def finals(events: list[Event]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


def test_each_segment_has_one_final_of_the_second_pass(load: Load, whistle: Whistle) -> None:
    first, sound = load(chunk_ms=320), whistle("__tan_sat" + "_" * 8 + "nas_tas" + "_" * 9 + "ant" + "_" * 8)
    exact = first.with_full_context()
    told = finals(in_one_pass(first, sound))
    assert [final.text for final in told] == ["tan sat", "nas tas", "ant"]
    events = in_two_passes(first, exact, sound)
    again = finals(events)
    assert [(final.segment_id, final.text, final.note) for final in again] == [
        (final.segment_id, final.text, "") for final in told
    ]
    for one, other in zip(told, again, strict=True):
        assert other.revision == one.revision + 1
        for word, same in zip(one.words, other.words, strict=True):
            assert abs(word.start_s - same.start_s) < 0.1
            assert abs(word.end_s - same.end_s) < 0.1
    shown = {event.segment_id: event for event in events if isinstance(event, Partial)}
    assert {number: partial.text for number, partial in shown.items()} == {
        final.segment_id: final.text for final in told
    }


class Slow:
    """Stands for hearing: waits to be released, and says who heard which seconds."""

    def __init__(self) -> None:
        self.release, self.heard, self.error = threading.Event(), list[Speech](), Exception()
        self.text = "again"

    def __call__(self, recognizer: Recognizer, speech: Speech) -> Utterance:
        self.heard.append(speech)
        assert self.release.wait(20)
        if type(self.error) is not Exception:
            raise self.error
        words = self.text.split()
        return Utterance(tuple(Word(word, speech.start_s, speech.start_s + 1.0, 0.9) for word in words))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow()
    monkeypatch.setattr(asr_app.live.two_passes, "hear", slow)
    return slow


def said(text: str, segment_id: int, start_s: float, kind: type[Partial] | type[Final] = Final) -> Partial | Final:
    words = (Word(word, start_s + 0.3 * at, start_s + 0.3 * at + 0.2, 0.5) for at, word in enumerate(text.split()))
    return kind(segment_id, 3, tuple(words))


@pytest.fixture
def memory() -> SoundMemory:
    memory = SoundMemory()
    for chunk in chunks(np.arange(20 * RATE, dtype=np.float32) / (20 * RATE)):
        memory.accept(chunk)
    return memory


def test_live_text_does_not_wait(load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass) -> None:
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    events = [SpeechStarted(1.0), said("one two", 0, 1.2, Partial), said("one two", 0, 1.2), SpeechEnded(2.0)]
    for event in [*events, said("three", 1, 4.0, Partial)]:
        passes.put(event)
    told = iter(heard)
    shown = [next(told) for _ in range(4)]
    assert [type(event) for event in shown] == [SpeechStarted, Partial, SpeechEnded, Partial]
    slow.release.set()
    assert next(told) == Final(0, 4, (Word("again", 0.6, 1.6, 0.9),))
    passes.close()
    assert list(told) == []


def test_a_segment_is_heard_from_its_speech_to_behind_its_last_word(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass
) -> None:
    slow.release.set()
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    spoken = [SpeechStarted(1.0), said("one two", 0, 1.5), said("three", 1, 3.0), SpeechEnded(3.5), SpeechStarted(8.0)]
    for event in [*spoken, said("four", 2, 8.5)]:
        passes.put(event)
    passes.close()
    assert [final.segment_id for final in finals(list(heard))] == [0, 1, 2]
    ends = [(speech.start_s, speech.end / RATE) for speech in slow.heard]
    assert ends == pytest.approx([(0.6, 2.4), (2.0, 3.6), (7.6, 9.1)])
    assert slow.heard[1].samples[0] == pytest.approx(2.0 / 20.0, abs=2**-16)


def test_a_long_hum_before_the_first_word_is_not_heard_again(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass
) -> None:
    slow.release.set()
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    for event in [SpeechStarted(1.0), said("one", 0, 15.0), SpeechEnded(15.5)]:
        passes.put(event)
    passes.close()
    assert len(finals(list(heard))) == 1
    assert [speech.start_s for speech in slow.heard] == [5.0]


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), MemoryError()])
def test_a_pass_that_fails_leaves_the_words_of_the_first(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass, error: Exception
) -> None:
    slow.error = error
    slow.release.set()
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    passes.put(said("one two", 0, 1.5))
    passes.close()
    (final,) = finals(list(heard))
    assert final.text == "one two"
    assert final.note == f"the second pass failed ({type(error).__name__}): the words are those of the first"


def test_a_pass_that_is_late_leaves_the_words_of_the_first(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr_app.live.two_passes, "_PATIENCE_S", -1.5)
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    for number in range(3):
        passes.put(said("one two", number, 1.5 + 2 * number))
    passes.close()
    told = finals(list(heard))
    slow.release.set()
    assert [final.text for final in told] == ["one two"] * 3
    assert "took longer" in told[0].note
    assert all("still busy" in final.note or "are behind" in final.note for final in told[1:])
    assert len(slow.heard) == 1


def test_a_pass_that_hears_nothing_takes_nothing_back(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass
) -> None:
    slow.text = ""
    slow.release.set()
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    passes.put(said("one two", 0, 1.5))
    passes.close()
    assert [(final.text, final.note) for final in finals(list(heard))] == [("one two", "")]


def test_words_that_were_taken_back_are_not_heard_again(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass
) -> None:
    heard = EventQueue()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    passes.put(Final(0, 5, ()))
    passes.close()
    assert finals(list(heard)) == [Final(0, 6, ())]
    assert not slow.heard


def test_streams_share_the_thread_and_one_that_fails_disturbs_no_other(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass, caplog: pytest.LogCaptureFixture
) -> None:
    slow.release.set()
    exact, heard = load(chunk_ms=320), EventQueue()
    broken = TwoPasses(Broken(), exact, SoundMemory(), second_pass)
    passes = TwoPasses(heard, exact, memory, second_pass)
    broken.put(said("one", 0, 1.5, Final))
    passes.put(said("two", 0, 1.5, Final))
    broken.close()
    passes.close()
    assert [final.text for final in finals(list(heard))] == ["again"]
    assert "a listener failed" in caplog.text


class Words:
    """Stands for hearing: finds the words that are in the speech, whole or cut."""

    def __init__(self, words: Iterable[Word]) -> None:
        self.words = tuple(words)

    def __call__(self, recognizer: Recognizer, speech: Speech) -> Utterance:
        start_s, end_s = speech.start_s, speech.end / RATE
        heard = []
        for word in self.words:
            if word.start_s >= start_s and word.end_s <= end_s:
                heard.append(word)
            elif word.start_s < end_s and word.end_s > start_s:
                start, end = max(word.start_s, start_s), min(word.end_s, end_s)
                heard.append(replace(word, text=word.text[:2], start_s=start, end_s=end))
        return Utterance(tuple(heard))


@pytest.mark.parametrize("longest_s", [1.0, 1.5])  # the words are of 1.4 s: with the silence behind them it may be 1.5
def test_a_segment_that_is_cut_between_two_words_has_each_of_them_once(
    load: Load, memory: SoundMemory, second_pass: SecondPass, monkeypatch: pytest.MonkeyPatch, longest_s: float
) -> None:
    words = [
        Word(text, 0.5 * at + 1.0, 0.5 * at + 1.4, 0.5)
        for at, text in enumerate(["those", "who", "loved", "the", "people"])
    ]
    monkeypatch.setattr(asr_app.live.two_passes, "hear", Words(words))
    heard, exact = EventQueue(), load(chunk_ms=320)
    monkeypatch.setattr(exact, "endpoints", replace(exact.endpoints, longest_segment_s=longest_s))
    passes = TwoPasses(heard, exact, memory, second_pass)
    for event in [SpeechStarted(1.0), Final(0, 3, tuple(words[:3])), Final(1, 3, tuple(words[3:])), SpeechEnded(5.0)]:
        passes.put(event)
    passes.close()
    assert [final.text for final in finals(list(heard))] == ["those who loved", "the people"]


def test_what_the_user_has_edited_meanwhile_stays(
    load: Load, slow: Slow, memory: SoundMemory, second_pass: SecondPass
) -> None:
    heard, document = EventQueue(), TranscriptDocument()
    passes = TwoPasses(heard, load(chunk_ms=320), memory, second_pass)
    for number in range(2):
        passes.put(said("one two", number, 1.5 + 2 * number))
        passes.put(SpeechEnded(2.5 + 2 * number))
    told = iter(heard)
    shown = [next(told) for _ in range(4)]
    for event in shown:
        if isinstance(event, Partial):
            document.accept(event)
    document.edit(0, "one and two")
    slow.release.set()
    passes.close()
    for final in finals(list(told)):
        document.accept(final)
    assert [segment.said.text for segment in document.segments] == ["one and two", "again"]


def test_the_model_itself_or_another_writes_the_finals(model_folder: Path) -> None:
    settings = live_settings(model=str(model_folder), device="cpu")
    recognizer = load_live_recognizer(settings)
    exact = recognizer.exact
    assert exact is not None
    assert exact.decoder is recognizer.decoder
    assert exact.acoustic.chunk_s == 30.0
    assert recognizer.acoustic.chunk_s == pytest.approx(0.32)
    own = settings.model_copy(update={"final_model": str(model_folder) + "/", "chunk_ms": 640})
    other = load_live_recognizer(own).exact
    assert other is not None
    assert other.decoder is not exact.decoder
    assert load_live_recognizer(settings.model_copy(update={"final_model": "none"})).exact is None
    assert live_settings(pace="committed").final_model == "same"
    with pytest.raises(CheckpointError, match="no model 'nonsense'"):
        load_live_recognizer(settings.model_copy(update={"final_model": "nonsense"}))


def test_both_passes_know_a_new_word(load: Load, model_folder: Path) -> None:
    recognizer = load(chunk_ms=320)
    both = recognizer.with_exact(recognizer.with_full_context())
    knowing = both.expecting((), model_folder)
    assert knowing.exact is not None
    assert knowing.exact.decoder is knowing.decoder
    assert recognizer.exact is None


def test_another_sample_rate_is_refused(load: Load) -> None:
    class Narrow:
        sample_rate = 8_000

    with pytest.raises(ConfigError, match="8000 Hz, not 16000"):
        load(chunk_ms=320).with_exact(Narrow())  # type: ignore[arg-type]

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from asr_app.audio.types import AudioChunk, Samples
from asr_app.endpoint import EndpointRules
from asr_app.errors import ConfigError
from asr_app.events import AudioGap, Event, Final, Partial
from asr_app.recognizer import Recognizer, RecognizerSession

Load = Callable[..., Recognizer]
Listen = Callable[..., list[Event]]
Whistle = Callable[..., Samples]

RATE = 16_000
SPEECH = "_tan_sat|_ant_|______nas_tas__"
HEARD = ["tan sat ant", "nas tas"]
CHUNKS: list[int | None] = [160, 320, 640, None]


def finals(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Final) and event.words]


def rounded(events: list[Event]) -> list[tuple[Any, ...]]:
    """All that events say, confidences (which follow the arithmetic's last digits) to two places."""
    rows: list[tuple[Any, ...]] = []
    for event in events:
        assert isinstance(event, Partial | Final)
        words = [(w.text, round(w.start_s, 6), round(w.end_s, 6), round(w.confidence, 2)) for w in event.words]
        stable = event.stable_words if isinstance(event, Partial) else None
        rows.append((event.type, event.segment_id, event.revision, words, stable))
    return rows


@pytest.mark.parametrize("chunk_ms", CHUNKS)
@pytest.mark.parametrize("decoder", ["beam", "characters", "greedy"])
def test_words_are_heard(load: Load, listen: Listen, whistle: Whistle, chunk_ms: int | None, decoder: str) -> None:
    speech = "_tan|sat|_ant|______nas|tas|"  # greedily decoded words need a delimiter
    events = listen(load(chunk_ms=chunk_ms, decoder=decoder), whistle(speech))
    assert finals(events) == HEARD
    assert isinstance(events[-1], Final)


@pytest.mark.parametrize("chunk_ms", CHUNKS)
@pytest.mark.parametrize("size", [7, 160, 401, 5003, 16_000])
def test_events_do_not_depend_on_how_audio_arrives(
    load: Load, listen: Listen, whistle: Whistle, chunk_ms: int | None, size: int
) -> None:
    samples = whistle(SPEECH)
    whole = listen(load(chunk_ms=chunk_ms), samples, len(samples))
    assert rounded(listen(load(chunk_ms=chunk_ms), samples, size)) == rounded(whole)


def test_audio_may_arrive_sample_by_sample(load: Load, listen: Listen, whistle: Whistle) -> None:
    samples = whistle("tan_")
    recognizer = load(chunk_ms=160)
    assert rounded(listen(recognizer, samples, 1)) == rounded(listen(recognizer, samples, len(samples)))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_sample_rates(load: Load, listen: Listen, whistle: Whistle, rate: int) -> None:
    samples = whistle(SPEECH, rate)
    events = listen(load(), samples, rate // 10, rate)
    assert finals(events) == HEARD
    assert rounded(events) == rounded(listen(load(), samples, 997, rate))
    starts = [word.start_s for event in events if isinstance(event, Final) for word in event.words]
    assert starts == pytest.approx([0.2, 1.0, 2.0, 4.2, 5.0], abs=0.05)


def test_interleaved_sessions_do_not_touch_each_other(load: Load, listen: Listen, whistle: Whistle) -> None:
    recognizer = load(chunk_ms=320)
    streams = [whistle("_tan_nas_______sat_"), whistle("__ant_|tas____")]
    sessions = [recognizer.session() for _ in streams]
    events: list[list[Event]] = [[], []]
    for start in range(0, max(map(len, streams)), 1600):
        for number, samples in enumerate(streams):
            piece = samples[start : start + 1600]
            if len(piece):
                events[number] += sessions[number].accept(AudioChunk(piece, RATE, start))
    for number, samples in enumerate(streams):
        events[number] += sessions[number].finish()
        assert events[number] == listen(recognizer, samples)


@pytest.mark.parametrize("chunk_ms", CHUNKS)
def test_times_count_from_the_start_of_the_stream(
    load: Load, listen: Listen, whistle: Whistle, chunk_ms: int | None
) -> None:
    events = listen(load(chunk_ms=chunk_ms), whistle("_tan" + "_" * 40 + "sat" + "_" * 20 + "ant"))
    words = [word for event in events if isinstance(event, Final) for word in event.words]
    assert [word.text for word in words] == ["tan", "sat", "ant"]
    assert [word.start_s for word in words] == pytest.approx([0.2, 8.8, 13.4], abs=0.05)
    for word in words:
        assert 0.4 <= word.end_s - word.start_s <= 0.65
        assert 0.9 < word.confidence <= 1.0


@pytest.mark.parametrize("decoder", ["beam", "characters", "greedy"])
@pytest.mark.parametrize("chunk_ms", [160, 640, None])
def test_identifiers_rise_and_stable_words_stay(
    load: Load, listen: Listen, whistle: Whistle, decoder: str, chunk_ms: int | None
) -> None:
    random = np.random.default_rng(1)
    text = "".join(random.choice([*"tans|", "tan", "sat", "ant", "______"], 150))
    samples = whistle(text, level=0.02) + random.normal(0, 0.02, len(whistle(text))).astype(np.float32)
    events = listen(load(chunk_ms=chunk_ms, decoder=decoder), samples)
    assert len(finals(events)) > 1
    assert sum(isinstance(event, Partial) for event in events) > 10
    for before, after in pairwise(events):
        assert isinstance(before, Partial | Final)
        assert isinstance(after, Partial | Final)
        if isinstance(before, Final):
            assert (after.segment_id, after.revision) == (before.segment_id + 1, 1)
            continue
        assert (after.segment_id, after.revision) == (before.segment_id, before.revision + 1)
        assert after.words[: before.stable_words] == before.words[: before.stable_words]
        if isinstance(after, Partial):
            assert before.stable_words <= after.stable_words <= len(after.words)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("tan" + "_" * 4 + "sat", 1),  # 0.8 s
        ("tan" + "_" * 7 + "sat", 2),  # 1.4 s
        ("tan____" * 9 + "sat", 2),  # pauses of 0.8 s: one after 12 s counts
        ("tans" * 32 + "__" + "sat", 2),  # a pause of 0.4 s after 25 s
        ("tans" * 78, 2),  # 62 s without a pause
        ("_" * 50, 0),
    ],
)
@pytest.mark.parametrize("chunk_ms", [320, None])
def test_segments_end_at_pauses(
    load: Load, listen: Listen, whistle: Whistle, text: str, segments: int, chunk_ms: int | None
) -> None:
    events = listen(load(chunk_ms=chunk_ms), whistle(text))
    assert len(finals(events)) == segments


def test_endpoint_rules_can_be_chosen(load: Load, listen: Listen, whistle: Whistle) -> None:
    patient = EndpointRules(trailing_silence_s=5.0)
    assert finals(listen(load(endpoints=patient), whistle(SPEECH))) == [" ".join(HEARD)]


def test_a_silence_is_no_segment(load: Load, listen: Listen) -> None:
    assert listen(load(), np.zeros(5 * RATE, np.float32)) == []
    assert load().session().finish() == []


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_lost_audio_is_a_gap_of_silence(load: Load, listen: Listen, whistle: Whistle, rate: int) -> None:
    recognizer, lost = load(chunk_ms=320), 3 * rate + 17
    before, after = whistle("_tan_", rate), whistle("_sat_", rate)
    session = recognizer.session()
    events = session.accept(AudioChunk(before, rate, 0))
    position = len(before) + lost
    events += session.accept(AudioChunk(after, rate, position, dropped_before=lost)) + session.finish()
    gaps = [event for event in events if isinstance(event, AudioGap)]
    assert gaps == [AudioGap(len(before), lost)]
    silent = np.concatenate([before, np.zeros(lost, np.float32), after])
    heard = [event for event in events if not isinstance(event, AudioGap)]
    assert rounded(heard) == rounded(listen(recognizer, silent, rate=rate))


def test_a_gap_is_told_before_what_follows_it(load: Load, whistle: Whistle) -> None:
    session = load().session()
    events = session.accept(AudioChunk(whistle("tan____"), RATE, 7, dropped_before=7))
    assert events[0] == AudioGap(0, 7)
    assert isinstance(events[1], Partial)


@pytest.mark.parametrize("rates", [(16_000, 8_000), (8_000, 16_000), (44_100, 48_000)])
def test_a_change_of_sample_rate_is_refused(load: Load, rates: tuple[int, int]) -> None:
    session = load().session()
    session.accept(AudioChunk(np.zeros(100, np.float32), rates[0], 0))
    with pytest.raises(ConfigError, match=f"changed from {rates[0]} to {rates[1]} Hz: start a new session"):
        session.accept(AudioChunk(np.zeros(100, np.float32), rates[1], 100))


@pytest.mark.parametrize("rate", [0, 100, 500_000])
def test_an_impossible_sample_rate_is_refused(load: Load, rate: int) -> None:
    with pytest.raises(ConfigError, match=f"{rate} Hz"):
        load().session().accept(AudioChunk(np.zeros(100, np.float32), rate, 0))


@pytest.mark.parametrize("chunk_ms", CHUNKS)
def test_the_end_of_a_stream_is_heard(load: Load, listen: Listen, whistle: Whistle, chunk_ms: int | None) -> None:
    assert finals(listen(load(chunk_ms=chunk_ms), whistle("tan"))) == ["tan"]
    assert finals(listen(load(chunk_ms=chunk_ms), whistle("tan")[:8960], 1, RATE)) == ["tan"]


def test_samples_that_may_not_be_written(load: Load, listen: Listen, whistle: Whistle) -> None:
    samples = whistle(SPEECH)
    samples.flags.writeable = False
    assert finals(listen(load(), samples)) == HEARD


def footprint(value: Any, seen: set[int]) -> int:
    """Bytes of arrays and items of containers that a session holds on its own."""
    if id(value) in seen or isinstance(value, Recognizer):
        return 0
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        return value.untyped_storage().nbytes()
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return len(value) + sum(footprint(item, seen) for item in value.values())
    if isinstance(value, list | tuple | set):
        return len(value) + sum(footprint(item, seen) for item in value)
    module = type(value).__module__
    if not module.startswith(("asr_app", "decoder", "models")) or type(value).__name__.endswith("Decoder"):
        return 0
    names = [*getattr(value, "__dict__", {}), *getattr(type(value), "__slots__", ())]
    return sum(footprint(getattr(value, name, None), seen) for name in names)


def grown(session: RecognizerSession, samples: Samples, minutes: int) -> list[int]:
    sizes = []
    for minute in range(minutes):
        session.accept(AudioChunk(samples, RATE, minute * len(samples)))
        sizes.append(footprint(session, set()))
    return sizes


@pytest.mark.parametrize("chunk_ms", [640, None])
@pytest.mark.parametrize("decoder", ["beam", "characters", "greedy"])
def test_the_state_of_a_stream_does_not_grow(load: Load, whistle: Whistle, chunk_ms: int | None, decoder: str) -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.05, 60 * RATE).astype(np.float32)
    silence = np.zeros(60 * RATE, np.float32)
    babble = whistle("".join(random.choice(list("tans"), 300)))  # a minute without a pause
    session = load(chunk_ms=chunk_ms, decoder=decoder).session()
    for kind in (noise, silence, babble):
        sizes = grown(session, kind, 4)
        assert max(sizes[2:]) < 1.5 * max(sizes[:2]) + 1000
    assert footprint(session, set()) < 10_000_000


def test_a_finished_session_takes_no_more(load: Load) -> None:
    session = load().session()
    session.finish()
    assert session.finish() == []
    with pytest.raises(ValueError, match="open a new one"):
        session.accept(AudioChunk(np.zeros(160, np.float32), RATE, 0))

"""The microphone: sample-true through overflows, and through the loss of the device."""

import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from fake_portaudio import FakePortAudio, FakeStream

import asr_app.audio.microphone as module
from asr_app.audio.microphone import Microphone
from asr_app.audio.types import AudioChunk
from asr_app.errors import AudioDeviceError


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(module, "_POLL_S", 0.002)
    monkeypatch.setattr(module, "_SILENT_S", 0.05)
    monkeypatch.setattr(module, "_CLOSING_S", 0.05)
    monkeypatch.setattr(module, "_RETRY_S", (0.01, 0.02))
    return fake


class Listener:
    """A microphone iterated in a thread, as a session does it."""

    def __init__(self, microphone: Microphone) -> None:
        self.microphone, self.chunks = microphone, list[AudioChunk]()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        with self.microphone:
            self.chunks.extend(chunk for chunk in self.microphone if len(chunk.samples))

    def stop(self) -> list[AudioChunk]:
        self.microphone.stop()
        self._thread.join(5)
        assert not self._thread.is_alive()
        end = 0
        for chunk in self.chunks:
            assert chunk.start_sample == end + chunk.dropped_before
            end = chunk.start_sample + len(chunk.samples)
        return self.chunks


@pytest.fixture
def listen(library: FakePortAudio) -> Iterator[Callable[..., Listener]]:
    open_ones: list[Listener] = []

    def start(*arguments: object, **options: object) -> Listener:
        open_ones.append(Listener(Microphone(*arguments, **options)))  # type: ignore[arg-type]
        until(lambda: bool(library.streams))
        return open_ones[-1]

    yield start
    for listener in open_ones:
        listener.microphone.stop()


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def sine(count: int, rate: int, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def joined(chunks: list[AudioChunk]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_the_native_rate_is_resampled(library: FakePortAudio, listen: Callable[..., Listener]) -> None:
    listener, wave = listen("usb"), sine(48_000, 48_000)
    (stream,) = library.streams
    assert stream.options["samplerate"] == 48_000
    for start in range(0, 48_000, 1000):
        stream.feed(wave[start : start + 1000])
    chunks = listener.stop()
    assert {chunk.sample_rate for chunk in chunks} == {16_000}
    heard = joined(chunks)
    assert len(heard) == 16_000
    np.testing.assert_allclose(heard[500:-500], sine(16_000, 16_000)[500:-500, 0], atol=1e-3)
    assert stream.closed


def test_channels_are_mixed_or_chosen(library: FakePortAudio, listen: Callable[..., Listener]) -> None:
    frames = np.tile(np.array([[0.2, 0.6]], np.float32), (160, 1))
    for channel, level in [(None, 0.4), (1, 0.2), (2, 0.6)]:
        listener = listen(0, channel=channel)
        until(lambda: not library.streams[-1].closed)
        stream = library.streams[-1]
        stream.feed(frames[:, : stream.options["channels"]])
        np.testing.assert_allclose(joined(listener.stop()), level, atol=1e-6)
        library.streams.clear()


def test_a_channel_that_is_not_there_is_an_error(library: FakePortAudio) -> None:
    with pytest.raises(AudioDeviceError, match="choose 1 to 2"):
        Microphone(0, channel=3).__enter__()


def test_a_device_in_use_is_an_error(library: FakePortAudio) -> None:
    library.busy.add(0)
    with pytest.raises(AudioDeviceError, match=r"Device unavailable.*asr devices"):
        Microphone().__enter__()


def test_what_the_ring_cannot_hold_is_counted(library: FakePortAudio) -> None:
    with Microphone() as microphone:
        (stream,) = library.streams
        for _ in range(12):  # seconds, into a ring of ten
            stream.feed(sine(16_000, 16_000, 2))
        chunks = iter(microphone)
        assert len(next(chunks).samples) == 160_000
        assert microphone.waiting_s == 0
        stream.feed(sine(1600, 16_000, 2))
        microphone.stop()
        later = next(chunks)
        assert (later.start_sample, later.dropped_before, len(later.samples)) == (192_000, 32_000, 1600)


def test_what_portaudio_lost_is_counted(library: FakePortAudio, listen: Callable[..., Listener]) -> None:
    listener = listen("usb")
    (stream,) = library.streams
    stream.feed(sine(4800, 48_000))
    time.sleep(0.03)
    stream.feed(sine(480, 48_000), skipped=960)
    until(lambda: bool(listener.chunks) and listener.microphone.waiting_s == 0)
    time.sleep(0.02)
    stream.feed(sine(4800, 48_000))
    chunks = listener.stop()
    assert sum(chunk.dropped_before for chunk in chunks) == 960 // 3  # and nothing of what it gave
    assert chunks[-1].start_sample + len(chunks[-1].samples) == (4800 + 960 + 480 + 4800) // 3


def test_a_loss_of_less_than_a_sample_is_none(library: FakePortAudio) -> None:
    library.devices[2] = ("USB Headset", 1, 44_100)
    with Microphone("usb") as microphone:
        (stream,) = library.streams
        stream.feed(sine(4411, 44_100))
        stream.feed(sine(4411, 44_100), skipped=1)
        microphone.stop()
        chunks = list(microphone)
    assert not any(chunk.dropped_before for chunk in chunks)
    assert chunks[-1].start_sample + len(chunks[-1].samples) == len(joined(chunks)) == 3202


def test_a_clock_that_is_set_is_no_loss(library: FakePortAudio, listen: Callable[..., Listener]) -> None:
    listener = listen("usb")
    (stream,) = library.streams
    stream.feed(sine(4800, 48_000))
    stream.feed(sine(4800, 48_000), skipped=8 * 3600 * 48_000)  # PortAudio's is the time of day on some systems
    until(lambda: bool(listener.chunks) and listener.microphone.waiting_s == 0)
    time.sleep(0.02)
    stream.feed(sine(4800, 48_000))
    assert sum(chunk.dropped_before for chunk in listener.stop()) < 10 * 16_000


def test_samples_that_are_no_numbers_are_silence(library: FakePortAudio) -> None:
    wave = sine(4800, 48_000)
    wave[2000:2003, 0] = np.nan, np.inf, -np.inf
    with Microphone("usb") as microphone:
        library.streams[0].feed(wave)
        microphone.stop()
        heard = joined(list(microphone))
    assert np.isfinite(heard).all()
    assert np.abs(heard[:500]).max() > 0.4


def test_the_block_that_is_being_filled_at_the_stop_is_heard(
    library: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_S", 0.5)
    monkeypatch.setattr(module, "_POLL_S", 0.5)
    with Microphone("usb") as microphone:
        (stream,) = library.streams
        stream.feed(sine(4800, 48_000))
        microphone.stop()
        threading.Timer(0.02, stream.feed, [sine(4800, 48_000)]).start()
        assert len(joined(list(microphone))) == 3200


def test_a_rate_that_cannot_be_heard_is_an_error(library: FakePortAudio) -> None:
    library.devices[2] = ("USB Headset", 1, 384_000)
    with pytest.raises(AudioDeviceError, match=r"384000 Hz.*set it to 48000 Hz"):
        Microphone("usb").__enter__()


def test_an_overrun_before_the_first_block_is_no_loss(library: FakePortAudio) -> None:
    with Microphone("usb") as microphone:
        (stream,) = library.streams
        stream.clock = 1.7e9  # seconds since 1970
        stream.feed(sine(4800, 48_000), skipped=480)  # as if it were a loss since then
        chunks = iter(microphone)
        first = next(chunks)
        assert (first.start_sample, first.dropped_before) == (0, 0)


def test_a_device_is_found_that_was_plugged_in_after_the_start(library: FakePortAudio) -> None:
    library.plugged_in = [("Jabra", 1, 48_000)]
    with Microphone("jabra") as microphone:
        assert microphone.name == "Jabra"


def test_a_stream_that_is_open_is_not_closed_for_a_device_that_is_missing(library: FakePortAudio) -> None:
    with Microphone("usb"):
        library.plugged_in = [("Jabra", 1, 48_000)]
        with pytest.raises(AudioDeviceError, match="no input 'jabra'"):
            Microphone("jabra").__enter__()
        assert library.scans == 0
    with Microphone("jabra"):
        assert library.scans == 1


@pytest.mark.parametrize("how", ["goes silent", "ends"])
def test_a_lost_device_is_used_again(library: FakePortAudio, listen: Callable[..., Listener], how: str) -> None:
    listener = listen("usb")
    (stream,) = library.streams
    stream.feed(sine(4800, 48_000))
    until(lambda: bool(listener.chunks))
    gone_at, headset = time.monotonic(), library.devices.pop()
    stream.active = how == "goes silent"
    until(lambda: not listener.microphone.is_connected and library.scans > 2)
    library.devices.append(("Webcam", 1, 16_000))  # another number than before
    library.devices.append((headset[0], 1, 44_100))  # and another rate
    until(lambda: listener.microphone.is_connected)
    back: FakeStream = library.streams[-1]
    assert back.options["device"] == 3
    away_s = time.monotonic() - gone_at
    back.feed(sine(4410, 44_100))
    chunks = listener.stop()
    dropped_s = sum(chunk.dropped_before for chunk in chunks) / 16_000
    assert away_s - 0.05 < dropped_s < away_s + 0.05
    assert len(joined(chunks)) == 3200


def test_a_microphone_that_is_away_can_be_stopped(library: FakePortAudio, listen: Callable[..., Listener]) -> None:
    listener = listen()
    library.devices = []
    library.streams[0].active = False
    until(lambda: library.scans > 0)
    assert listener.stop() == []


def test_stopping_does_not_wait_for_a_device_that_hangs(
    library: FakePortAudio, listen: Callable[..., Listener]
) -> None:
    listener = listen("usb")
    library.streams[0].feed(sine(4800, 48_000))
    until(lambda: bool(listener.chunks))
    library.answers.clear()
    began = time.monotonic()
    chunks = listener.stop()
    assert time.monotonic() - began < 2
    assert len(joined(chunks)) == 1600
    assert not library.streams[0].closed
    library.answers.set()
    until(lambda: library.streams[0].closed)


def test_a_device_that_hung_is_used_again(library: FakePortAudio, listen: Callable[..., Listener]) -> None:
    listener = listen("usb")
    (stream,) = library.streams
    stream.feed(sine(4800, 48_000))
    until(lambda: bool(listener.chunks))
    library.answers.clear()  # it gives nothing, and its closing hangs
    until(lambda: not listener.microphone.is_connected)
    time.sleep(0.1)
    assert library.scans == 0  # nothing else is asked of PortAudio before it answers
    library.answers.set()
    until(lambda: listener.microphone.is_connected)
    assert stream.closed
    library.streams[-1].feed(sine(4800, 48_000))
    assert len(joined(listener.stop())) == 3200


def test_portaudio_that_does_not_start_is_started_again(
    library: FakePortAudio, listen: Callable[..., Listener]
) -> None:
    listener = listen("usb")
    library.broken = True
    library.streams[0].active = False
    until(lambda: library.scans > 2)
    library.broken = False
    until(lambda: listener.microphone.is_connected)
    library.streams[-1].feed(sine(4800, 48_000))
    assert len(joined(listener.stop())) == 1600

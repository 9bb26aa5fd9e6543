"""The microphone: a live source that outlives the loss of its device.

PortAudio's thread copies into a ring, the thread that iterates looks there when a block is due: a lock or a wake-up in
the callback could make it wait. Blocks are as long as a speaker's patience allows, for an open microphone's processor
time goes by their number.
"""

import logging
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from asr_app.audio.devices import InputDevice, cannot_open, find_device, rescan
from asr_app.audio.portaudio import ask, open_streams
from asr_app.audio.resample import MAX_RATE, MIN_RATE, StreamingResampler
from asr_app.audio.ring import RingBuffer
from asr_app.audio.types import AudioChunk, Samples
from asr_app.errors import AudioDeviceError

logger = logging.getLogger(__name__)

_BLOCK_S = 0.08  # of a callback
_LATE_S = 0.005  # that a block may be, before it is looked for again
_POLL_S = 0.1  # the longest time between two looks
_BUFFER_S = 10.0
_SILENT_S = 2.0  # a device that gives nothing for so long is lost
_FIRST_S = 5.0  # and one that was just opened, after so long: Bluetooth takes its time
_SLACK_S = 1.0  # between PortAudio's clock, which may be set, and the callback's
_CLOSING_S = 2.0  # that a device may take to close: one that hangs is left to itself
_RETRY_S = (0.25, 0.5, 1.0, 2.0, 4.0)
_MIXED = 2  # channels; more are asked of devices like ALSA's `default`, which has any number of silent ones


class Microphone:
    """An input device as a LiveSource; sample_rate is that of its chunks, whatever the device has.

    A device that is lost is waited for: is_connected is False until it is back, under the name or number that was
    asked for (the system's default where none was), and the time without it is the next chunk's dropped_before.
    """

    def __init__(
        self, device: str | int | None = None, *, channel: int | None = None, sample_rate: int = 16_000
    ) -> None:
        """channel: counted from 1; the mean of the first two for None."""
        self.sample_rate = sample_rate
        self.is_connected = False
        self._wanted, self._channel = device, channel
        self._capture: _Capture | None = None
        self._stopped = threading.Event()
        self._heard_at: float | None = None  # when a lost device gave its last sound
        self._position = self._dropped = 0
        self._start = 0  # position of the first sample of the capture

    @property
    def name(self) -> str:
        """The device's, or what it was asked for by before it is open."""
        return self._device.name if self._capture else str(self._wanted or "default")

    @property
    def waiting_s(self) -> float:
        """Seconds that were captured and not yet iterated."""
        capture = self._capture  # which may be lost meanwhile
        return capture.waiting_s if capture else 0.0

    def __enter__(self) -> Self:
        """Open the device; AudioDeviceError where that cannot be done."""
        try:
            self._connect()
        except AudioDeviceError:  # maybe it was plugged in after PortAudio had looked
            rescan()
            self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._disconnect()

    def stop(self) -> None:
        """Let the iteration end after what has been captured; from any thread."""
        self._stopped.set()

    def __iter__(self) -> Iterator[AudioChunk]:
        while self._capture is not None:
            stopped = self._stopped.wait(min(_POLL_S, self._capture.due_s))
            if stopped:
                time.sleep(min(_POLL_S, self._capture.due_s))  # the end of the last word is in the block to come
            yield from self._chunks(self._capture)
            if stopped or self._capture.is_lost:
                yield from self._rest(self._capture)
                self._disconnect()
            if not stopped and not self.is_connected:
                yield AudioChunk(np.zeros(0, np.float32), self.sample_rate, self._position)
                self._reconnect()

    def _connect(self) -> None:
        self._device = find_device(self._wanted)
        self._capture = _Capture(self._device, self._channel, self.sample_rate)
        if self._heard_at is not None:
            self._lose(round((self._capture.heard_at - self._heard_at) * self.sample_rate))
        self._start = self._position
        self.is_connected = True
        if isinstance(self._wanted, int):
            self._wanted = self._device.name  # numbers change when devices come and go

    def _disconnect(self) -> None:
        self.is_connected = False
        if self._capture is not None:
            capture, self._capture = self._capture, None
            self._heard_at = capture.heard_at
            capture.close()

    def _reconnect(self) -> None:
        """Wait for the device, or for stop."""
        logger.warning("the microphone %r is lost: it is used again when it is back", self._device.name)
        for attempt in range(1 << 31):
            if self._stopped.wait(_RETRY_S[min(attempt, len(_RETRY_S) - 1)]):
                return
            try:
                rescan()
                self._connect()
            except AudioDeviceError as error:
                logger.info("%s", error)
            else:
                return

    def _chunks(self, capture: "_Capture") -> Iterator[AudioChunk]:
        """What has come since the last time."""
        capture.look()
        while capture.waiting_s:
            lost, frames = capture.read()
            if lost:
                yield from self._rest(capture)
                self._lose(max(0, self._start + capture.lose(lost) - self._position))  # less than a sample is none
            yield from self._chunk(capture.resampled(frames))

    def _rest(self, capture: "_Capture") -> Iterator[AudioChunk]:
        yield from self._chunk(capture.rest())

    def _chunk(self, samples: Samples) -> Iterator[AudioChunk]:
        if len(samples):
            yield AudioChunk(samples, self.sample_rate, self._position, self._dropped)
            self._position, self._dropped = self._position + len(samples), 0

    def _lose(self, samples: int) -> None:
        self._position += samples
        self._dropped += samples


class _Capture:
    """A device from its opening to its loss."""

    def __init__(self, device: InputDevice, channel: int | None, sample_rate: int) -> None:
        if channel is not None and not 1 <= channel <= device.channels:
            raise AudioDeviceError(f"{device.name!r} has no channel {channel}: choose 1 to {device.channels}")
        if not MIN_RATE <= device.sample_rate <= MAX_RATE:
            raise AudioDeviceError(
                f"{device.name!r} has a sample rate of {device.sample_rate} Hz, outside {MIN_RATE} to {MAX_RATE} Hz: "
                "set it to 48000 Hz in the system's sound settings, or choose another one (`asr devices` lists them)"
            )
        self._name, self._rate, self._target_rate = device.name, device.sample_rate, sample_rate
        self._column = slice(0, None) if channel is None else slice(channel - 1, channel)
        channels = channel or min(_MIXED, device.channels)
        self._ring = RingBuffer(round(_BUFFER_S * self._rate), channels)
        self._resampler = StreamingResampler(self._rate, sample_rate)
        self._taken = self._received = 0
        self._next_time: float | None = None  # by PortAudio's clock, of the next block's first frame
        self._written_at = time.monotonic()  # by the callback
        self._stream = ask(lambda library: self._open(library, device, channels), undo=_close)
        self.heard_at = self._looked_at = time.monotonic()

    def _open(self, library: Any, device: InputDevice, channels: int) -> Any:
        try:
            stream = library.InputStream(
                device=device.index,
                samplerate=self._rate,
                channels=channels,
                dtype="float32",
                blocksize=round(_BLOCK_S * self._rate),
                callback=self._callback,
            )
            stream.start()
            open_streams.add(stream)
        except library.PortAudioError as error:
            raise cannot_open(device, error) from error
        return stream

    def _callback(self, frames: Samples, count: int, times: Any, status: Any) -> None:
        """PortAudio's thread: copy, count, return."""
        now = time.monotonic()
        if status.input_overflow and self._next_time is not None:
            # how much PortAudio has lost is seen from the time of what it gives next; a clock that was set is no loss
            lost_s = min(times.inputBufferAdcTime - self._next_time, now - self._written_at + _SLACK_S)
            self._ring.lose(round(lost_s * self._rate))
        self._next_time = times.inputBufferAdcTime + count / self._rate
        self._ring.write(frames)
        self._written_at = now

    @property
    def waiting_s(self) -> float:
        return self._ring.waiting / self._rate

    @property
    def due_s(self) -> float:
        """Seconds until the next block must be there."""
        return max(_LATE_S, self._written_at + _BLOCK_S + _LATE_S - time.monotonic())

    @property
    def is_lost(self) -> bool:
        """Whether the device has gone: its stream ended, or gives nothing."""
        patience = _SILENT_S if self._received else _FIRST_S
        return not self._stream.active or self._looked_at - self.heard_at > patience

    def look(self) -> None:
        """Note whether something has come."""
        self._looked_at = time.monotonic()
        if self._ring.received != self._received:
            self._received, self.heard_at = self._ring.received, self._looked_at

    def read(self) -> tuple[int, Samples]:
        """How many frames of the device were lost, and what has come after them: frames (n, channels)."""
        return self._ring.read()

    def resampled(self, frames: Samples) -> Samples:
        """One channel of frames (n, channels), or their mean, at the target rate (m,); what is no number is silence.

        A filter of the sound server may give such, and one of them in a network's memory makes it deaf for good.
        """
        self._taken += len(frames)
        numbers = np.nan_to_num(frames[:, self._column], nan=0.0, posinf=1.0, neginf=-1.0)
        return self._resampler.accept(np.clip(numbers.mean(axis=1), -1.0, 1.0))

    def rest(self) -> Samples:
        """What the resampler still holds; the sound after it is another stream."""
        rest = self._resampler.finish()
        self._resampler = StreamingResampler(self._rate, self._target_rate)
        return np.clip(rest, -1.0, 1.0)

    def lose(self, lost: int) -> int:
        """Count lost samples of the device; how many there have been, at the target rate."""
        self._taken += lost
        return round(self._taken * self._target_rate / self._rate)

    def close(self) -> None:
        try:
            ask(lambda library: _close(library, self._stream), patience_s=_CLOSING_S)
        except AudioDeviceError as error:
            logger.warning("%r is not closed yet: %s", self._name, error)
            open_streams.discard(self._stream)  # a new start closes it


def _close(library: Any, stream: Any) -> None:
    try:
        stream.abort()
        stream.close()
    except library.PortAudioError as error:  # of a device that is not there any more
        logger.info("while closing the microphone: %s", error)
    finally:
        open_streams.discard(stream)

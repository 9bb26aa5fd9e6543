"""A sounddevice without PortAudio: devices that tests plug in and out, and streams that they feed."""

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np


class PortAudioError(Exception):
    """As sounddevice's."""


class FakeStream:
    """An InputStream; feed is what PortAudio's thread would do."""

    def __init__(self, library: "FakePortAudio", **options: Any) -> None:
        if options["device"] in library.busy:
            raise PortAudioError("Error opening InputStream: Device unavailable [PaErrorCode -9985]")
        self.library, self.options, self.active, self.closed = library, options, False, False
        self.clock = 0.0
        library.streams.append(self)

    def start(self) -> None:
        self.active = True

    def abort(self) -> None:
        self.library.answers.wait(10)
        self.active = False

    def close(self) -> None:
        self.closed = True

    def feed(self, frames: np.ndarray, *, skipped: int = 0) -> None:
        """Deliver frames (n, channels); skipped frames before them were lost in PortAudio."""
        rate = self.options["samplerate"]
        self.clock += skipped / rate
        times = SimpleNamespace(inputBufferAdcTime=self.clock)
        self.options["callback"](frames, len(frames), times, SimpleNamespace(input_overflow=skipped > 0))
        self.clock += len(frames) / rate


class FakePortAudio:
    """The part of the module sounddevice that the program uses."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.devices = [("Built-in Audio", 2, 16_000), ("Loudspeaker", 0, 48_000), ("USB Headset", 1, 48_000)]
        self.plugged_in: list[tuple[str, int, int]] = []  # devices that are found when it starts anew
        self.busy: set[int] = set()
        self.streams: list[FakeStream] = []
        self.scans = 0
        self.broken = False
        self.default = 0
        self.answers = threading.Event()  # cleared, it hangs where PortAudio does
        self.answers.set()
        self._initialized = 1

    def query_hostapis(self) -> list[dict[str, Any]]:
        if not self._initialized:
            raise PortAudioError("PortAudio not initialized [PaErrorCode -10000]")
        return [{"name": "ALSA"}]

    def query_devices(self, kind: str | None = None) -> Any:
        if kind and not 0 <= self.default < len(self.devices):
            raise PortAudioError("Error querying device -1")
        found = [
            {"index": k, "name": name, "hostapi": 0, "max_input_channels": channels, "default_samplerate": float(rate)}
            for k, (name, channels, rate) in enumerate(self.devices)
        ]
        return found[self.default] if kind else found

    def InputStream(self, **options: Any) -> FakeStream:
        return FakeStream(self, **options)

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams)
        self._initialized -= 1

    def _initialize(self) -> None:
        self.scans += 1
        self.answers.wait(10)
        if self.broken:
            raise PortAudioError("Error initializing PortAudio")
        self._initialized += 1
        self.devices += self.plugged_in
        self.plugged_in = []

    def _exit_handler(self) -> None:
        """Nothing is to be done."""

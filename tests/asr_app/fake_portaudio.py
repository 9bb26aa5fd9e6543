"""A sounddevice without PortAudio: devices that tests plug in and out, and streams that they feed."""

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
        self.options, self.active, self.closed = options, False, False
        self.clock = 0.0
        library.streams.append(self)

    def start(self) -> None:
        self.active = True

    def abort(self) -> None:
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
        self.busy: set[int] = set()
        self.streams: list[FakeStream] = []
        self.scans = 0
        self.default = 0

    def query_hostapis(self) -> list[dict[str, Any]]:
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

    def _initialize(self) -> None:
        self.scans += 1

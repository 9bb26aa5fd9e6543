"""Cutting a recording into runs of speech, each to be heard by itself: silence costs nothing, and runs go anywhere.

Where it is cut depends on the sound alone, so that a batch that was interrupted cuts it in the same places again.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from asr_app.audio.level import level_dbfs
from asr_app.audio.silero import FRAME, SAMPLE_RATE
from asr_app.audio.types import AudioChunk, Samples
from asr_app.audio.voice_activity import SpeechDetector, VoiceActivityOptions
from asr_app.endpoint import EndpointRules

_HUSH = 1e-4
"""-80 dBFS: where a chunk goes no higher nobody speaks, and the network is not asked."""

_SOUND_DBFS = -55.0
_FRAME_S = FRAME / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Speech:
    """A run of speech: samples (n,) at SAMPLE_RATE, and where they start in the recording, in samples."""

    start: int
    samples: Samples

    @property
    def start_s(self) -> float:
        """Seconds from the start of the recording."""
        return self.start / SAMPLE_RATE

    @property
    def end(self) -> int:
        """The sample after the last."""
        return self.start + len(self.samples)


class SoundDetector:
    """A SpeechDetector that takes all sound above -55 dBFS for speech: for song, whispers and odd voices."""

    def probabilities(self, frames: Samples) -> Samples:
        """1 for each frame (N, FRAME) that is no silence."""
        return np.array([level_dbfs(frame) > _SOUND_DBFS for frame in frames], np.float32)

    def reset(self) -> None:
        """There is nothing to forget."""


class Segmenter:
    """The cutting of one recording.

    A run ends as a live segment does (EndpointRules), so none is longer than a minute: memory has its bound.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        voice: VoiceActivityOptions | None = None,
        rules: EndpointRules | None = None,
    ) -> None:
        self._detector, self._voice, self._rules = detector, voice or VoiceActivityOptions(), rules or EndpointRules()
        self._shortest = max(1, round(self._voice.shortest_speech_s / _FRAME_S))
        self._margin = round(self._voice.pre_roll_s / _FRAME_S)
        self._before: deque[Samples] = deque(maxlen=self._margin + self._shortest)
        self._run: list[Samples] = []  # empty while nobody speaks
        self._opened = self._spoken = 0  # in frames of the run: where the speech began, and after the last of it
        self._likely = 0  # frames in a row
        self._position = 0  # of the next frame, in samples

    def segments(self, chunks: Iterable[AudioChunk]) -> Iterator[Speech]:
        """The runs of speech in the chunks (of SAMPLE_RATE Hz) of a recording, one behind the other."""
        held: Samples | None = None
        for chunk in chunks:
            if held is None:
                held, self._position = chunk.samples[:0], chunk.start_sample
            held = np.concatenate((held, chunk.samples))
            whole = len(held) // FRAME * FRAME
            yield from self._look(held[:whole].reshape(-1, FRAME))
            held = held[whole:]
        if held is not None and len(held):
            yield from self._look(np.pad(held, (0, FRAME - len(held)))[None])
        if self._run:
            yield self._cut()

    def _look(self, frames: Samples) -> Iterator[Speech]:
        """Take frames (N, FRAME) in; a run, where one ends."""
        if not len(frames):
            return
        quiet = np.abs(frames).max() < _HUSH
        chances = np.zeros(len(frames)) if quiet else self._detector.probabilities(frames)
        for frame, chance in zip(frames, chances, strict=True):
            self._position += FRAME
            if self._run:
                yield from self._go_on(frame, chance)
            else:
                self._wait(frame, chance)

    def _wait(self, frame: Samples, chance: float) -> None:
        """A frame while nobody speaks."""
        self._before.append(frame)
        self._likely = self._likely + 1 if chance >= self._voice.start_probability else 0
        if self._likely >= self._shortest:
            self._run = list(self._before)
            self._opened, self._spoken = len(self._run) - self._likely, len(self._run)

    def _go_on(self, frame: Samples, chance: float) -> Iterator[Speech]:
        """A frame of a run."""
        self._run.append(frame)
        if chance >= self._voice.end_probability:
            self._spoken = len(self._run)
        length_s = (len(self._run) - self._opened) * _FRAME_S
        if self._rules.is_endpoint(length_s, (len(self._run) - self._spoken) * _FRAME_S):
            yield self._cut()

    def _cut(self) -> Speech:
        """End the run a little behind its last speech; what comes then may be the start of the next."""
        kept = self._run[: self._spoken + self._margin]
        start = self._position - len(self._run) * FRAME
        self._before.clear()
        self._before.extend(self._run[len(kept) :])
        self._run, self._likely = [], 0
        return Speech(start, np.concatenate(kept))

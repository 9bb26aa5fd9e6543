"""When somebody speaks: the gate between a live stream and the recogniser, shut in silence.

It opens a little before the first sound of speech and shuts when silence has lasted as long as ends a segment.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asr_app.audio.silero import FRAME, SAMPLE_RATE, SileroVad
from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import SpeechEnded, SpeechStarted

_FRAMES_AT_ONCE = 4
"""That the shut gate waits for: the network takes four frames in half the time of four times one, and the 96 ms are
not missed, for the recogniser's next step is further away when the gate opens and what was before is heard at once."""


@dataclass(frozen=True, slots=True)
class VoiceActivityOptions:
    """Seconds, and chances of speech in a frame of 32 ms.

    start_probability, shortest_speech_s: this likely for this long is speech; clicks are shorter.
    end_probability: once there is speech, what is less likely than this is silence.
    pre_roll_s: what is heard from before the speech, for soft first sounds.
    hangover_s: silence after which the gate shuts.
    """

    start_probability: float = 0.5
    end_probability: float = 0.35
    shortest_speech_s: float = 0.096
    pre_roll_s: float = 0.4
    hangover_s: float = 1.0


class SpeechDetector(Protocol):
    """What tells speech from other sound, frame after frame of one stream."""

    def probabilities(self, frames: Samples) -> Samples:
        """The chances (N,) of speech in the next frames (N, FRAME)."""
        ...

    def reset(self) -> None:
        """Begin a new stream."""
        ...


class SpeechGate:
    """Lets through the chunks of one stream (of SAMPLE_RATE Hz) in which there is speech."""

    def __init__(self, options: VoiceActivityOptions, detector: SpeechDetector | None = None) -> None:
        self._options, self._detector = options, detector or SileroVad()
        self._hangover = round(options.hangover_s * SAMPLE_RATE)
        self._shortest = max(1, round(options.shortest_speech_s * SAMPLE_RATE / FRAME))
        before = round(options.pre_roll_s * SAMPLE_RATE / FRAME)
        self._recent: deque[Samples] = deque(maxlen=before + self._shortest)
        self.is_open = False
        self._held: Samples = np.zeros(0, np.float32)
        self._ahead = 0  # samples of a frame yet to come that were let through
        self._position = self._last_speech = 0  # of the first sample that is held; after the last likely frame
        self._likely = 0  # frames in a row

    def accept(self, chunk: AudioChunk) -> Iterator[AudioChunk | SpeechStarted | SpeechEnded]:
        """What of a chunk is to be heard, and where speech starts and ends.

        Samples that are missing before the chunk are heard as silence; a long run of them ends the speech.
        """
        missing = chunk.start_sample - self._position - len(self._held)
        if missing > self._hangover:
            yield from self.close()
            self._restart(chunk.start_sample)
        elif missing:
            yield from self._push(np.zeros(missing, np.float32))
        yield from self._push(chunk.samples)

    def close(self) -> Iterator[AudioChunk | SpeechStarted | SpeechEnded]:
        """Shut the gate here; what was speech so far ends. Chunks may follow."""
        yield from self._look()
        if self.is_open:
            yield from self._let_through(self._held)
            self._position += len(self._held)
            self._held, self._ahead = self._held[:0], 0
            yield self._shut()

    def _push(self, samples: Samples) -> Iterator[AudioChunk | SpeechStarted | SpeechEnded]:
        self._held = np.concatenate((self._held, samples))
        if self.is_open or len(self._held) >= _FRAMES_AT_ONCE * FRAME:
            yield from self._look()
        if self.is_open:  # whatever comes of the frame that has begun, it is heard: the recogniser need not wait for it
            yield from self._let_through(self._held)
            self._ahead = len(self._held)

    def _look(self) -> Iterator[AudioChunk | SpeechStarted | SpeechEnded]:
        """Go through the frames that are held."""
        if len(self._held) < FRAME:
            return
        whole = len(self._held) // FRAME * FRAME
        frames, self._held = self._held[:whole].reshape(-1, FRAME), self._held[whole:]
        for frame, chance in zip(frames, self._detector.probabilities(frames), strict=True):
            yield from self._go_on(frame, chance) if self.is_open else self._wait(frame, chance)

    def _go_on(self, frame: Samples, chance: float) -> Iterator[AudioChunk | SpeechEnded]:
        """A frame with the gate open."""
        yield from self._let_through(frame)
        self._position, self._ahead = self._position + FRAME, 0
        if chance >= self._options.end_probability:
            self._last_speech = self._position
        elif self._position - self._last_speech >= self._hangover:
            yield self._shut()

    def _wait(self, frame: Samples, chance: float) -> Iterator[AudioChunk | SpeechStarted]:
        """A frame with the gate shut."""
        self._recent.append(frame)
        self._likely = self._likely + 1 if chance >= self._options.start_probability else 0
        self._position += FRAME
        if self._likely < self._shortest:
            return
        heard = np.concatenate(self._recent)
        self.is_open, self._last_speech = True, self._position
        yield SpeechStarted((self._position - self._likely * FRAME) / SAMPLE_RATE)
        yield AudioChunk(heard, SAMPLE_RATE, self._position - len(heard))

    def _shut(self) -> SpeechEnded:
        self.is_open, self._likely = False, 0
        self._recent.clear()  # it has been heard: nothing is heard twice
        return SpeechEnded(self._last_speech / SAMPLE_RATE)

    def _let_through(self, frame: Samples) -> Iterator[AudioChunk]:
        """What of a frame at the position was not yet."""
        if len(frame) > self._ahead:
            yield AudioChunk(frame[self._ahead :], SAMPLE_RATE, self._position + self._ahead)

    def _restart(self, position: int) -> None:
        """Forget what was before a position, in samples."""
        self._position, self._likely = position, 0
        self._held = self._held[:0]
        self._recent.clear()
        self._detector.reset()

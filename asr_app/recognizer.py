"""The recogniser: samples in, events out; the only joint of models and decoder.

A Recognizer is shared and immutable; a RecognizerSession is one stream and keeps all of its state.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from asr_app.audio.resample import StreamingResampler
from asr_app.audio.types import AudioChunk, Samples
from asr_app.decoding import make_decoder
from asr_app.errors import CheckpointError, ConfigError, DeviceError
from asr_app.events import AudioGap, Event, Final, Partial
from asr_app.options import DeviceName, RecognizerOptions
from decoder.confidence import Calibration
from decoder.types import Decoder, Hypothesis, LogProbs, Word
from models.checkpoint import Checkpoint, load_checkpoint
from models.conformer import ConformerEncoder, encoded_length
from models.ctc import BLANK
from models.frontend import Frontend
from models.layers import Subsampling

FULL_CONTEXT_S = 30.0
"""What "full context" means in a stream: chunks this long, so that memory does not grow with a recording."""

TAIL_S = 0.32
"""Silence after the end of a stream, for labels that the encoder emits late."""


class Recognizer:
    """An acoustic model and a decoder, ready to open sessions."""

    def __init__(self, checkpoint: Checkpoint, decoder: Decoder, head: str, options: RecognizerOptions) -> None:
        self.checkpoint, self.decoder, self.head, self.options = checkpoint, decoder, head, options
        self.device = choose_device(options.device)
        self.model = checkpoint.build().to(self.device)
        self.frontend = Frontend(checkpoint.frontend)
        self.sample_rate = checkpoint.frontend.sample_rate
        self.frame_duration_s = frame_duration_s(checkpoint)
        self.calibration = _calibration(checkpoint, options)
        self.chunk_frames = chunk_frames(options.chunk_ms, self.frame_duration_s)

    @classmethod
    def load(cls, folder: Path, options: RecognizerOptions | None = None) -> "Recognizer":
        """The recogniser of a folder: checkpoint, lexicon and language model.

        Raises CheckpointError where a file is missing or wrong, ConfigError for impossible options and
        DeviceError where the device is not there.
        """
        options = options or RecognizerOptions()
        choose_device(options.device)
        try:
            checkpoint = load_checkpoint(folder)
            heads = {head.name: head.labels for head in checkpoint.heads}
            head, decoder = make_decoder(heads, checkpoint.decoding, folder, options, frame_duration_s(checkpoint))
        except (ValueError, OSError) as error:
            raise CheckpointError(str(error)) from error
        return cls(checkpoint, decoder, head, options)

    @property
    def encoder(self) -> ConformerEncoder:
        """The streaming encoder."""
        return self.model.encoder

    def session(self) -> "RecognizerSession":
        """A new stream."""
        return RecognizerSession(self)

    def log_probs(self, samples: Samples) -> LogProbs:
        """What a session hands its decoder, at once: log-probabilities (T, V) of a whole utterance (N,)."""
        padded = torch.nn.functional.pad(torch.tensor(samples), (0, int(TAIL_S * self.sample_rate)))
        with torch.inference_mode():
            features = self.frontend(padded)[None].to(self.device)
            lengths = torch.tensor([features.shape[1]], device=self.device)
            frames, _ = self.encoder(features, lengths, self.chunk_frames)
            return self.model.log_probs(frames, self.head)[0].cpu().numpy()


class RecognizerSession:
    """One stream of audio, heard from its start to its end."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._resampler: StreamingResampler | None = None
        self._input_rate: int | None = None
        self._pending_samples = recognizer.frontend.init_state()
        self._pending_features = torch.zeros(0, recognizer.checkpoint.frontend.num_mels)
        self._encoder_state = recognizer.encoder.init_state(1)
        self._frames = 0
        self._segment = _Segment(recognizer, 0, 0)
        self._finished = False

    def accept(self, chunk: AudioChunk) -> list[Event]:
        """The events that a chunk of audio brings about; ValueError after finish."""
        if self._finished:
            raise ValueError("the session is finished: open a new one")
        events: list[Event] = []
        if chunk.dropped_before:
            events.append(AudioGap(chunk.start_sample - chunk.dropped_before, chunk.dropped_before))
            for silence in _silence(chunk.dropped_before, chunk.sample_rate):
                events += self._hear(self._resample(silence, chunk.sample_rate))
        return events + self._hear(self._resample(chunk.samples, chunk.sample_rate))

    def finish(self) -> list[Event]:
        """The events of the stream's end, the last final among them; none the second time."""
        if self._finished:
            return []
        self._finished = True
        rest = self._resampler.finish() if self._resampler else np.zeros(0, np.float32)
        tail = np.zeros(int(TAIL_S * self._recognizer.sample_rate), np.float32)
        events = self._hear(np.concatenate([rest, tail]))
        if len(self._pending_features):
            events += self._advance(self._pending_features)
        return events + self._segment.finish()

    def _resample(self, samples: Samples, rate: int) -> Samples:
        if self._input_rate is None:
            self._resampler, self._input_rate = _make_resampler(rate, self._recognizer.sample_rate), rate
        if rate != self._input_rate:
            was = self._input_rate
            raise ConfigError(f"the sample rate changed from {was} to {rate} Hz: start a new session")
        return self._resampler.accept(samples) if self._resampler else samples

    def _hear(self, samples: Samples) -> list[Event]:
        with torch.inference_mode():
            features, self._pending_samples = self._recognizer.frontend.step(
                torch.tensor(samples), self._pending_samples
            )
        self._pending_features = torch.cat([self._pending_features, features])
        size = self._recognizer.chunk_frames * Subsampling.FACTOR
        events: list[Event] = []
        while len(self._pending_features) >= size:
            features, self._pending_features = self._pending_features[:size], self._pending_features[size:]
            events += self._advance(features)
        return events

    def _advance(self, features: torch.Tensor) -> list[Event]:
        """One chunk of features (T, F) through encoder and decoder."""
        log_probs = self._encode(features)
        events: list[Event] = []
        for piece in np.array_split(log_probs, max(1, len(log_probs) // self._piece_frames)):
            self._frames += len(piece)
            events += self._segment.accept(piece)
            if self._segment.is_over():
                events += self._segment.finish()
                self._segment = _Segment(self._recognizer, self._segment.number + 1, self._frames)
        return events

    @property
    def _piece_frames(self) -> int:
        """Frames between two looks for an endpoint, so that long chunks hold several segments."""
        return max(1, round(0.32 / self._recognizer.frame_duration_s))

    def _encode(self, features: torch.Tensor) -> LogProbs:
        recognizer = self._recognizer
        lengths = torch.tensor([len(features)], device=recognizer.device)
        with torch.inference_mode():
            frames, self._encoder_state = recognizer.encoder.step(
                features[None].to(recognizer.device), lengths, self._encoder_state
            )
            log_probs = recognizer.model.log_probs(frames, recognizer.head)[0].cpu().numpy()
        return log_probs[: int(encoded_length(lengths)[0])]


class _Segment:
    """The words between two endpoints: a decoder session, and times that count from the stream's start."""

    def __init__(self, recognizer: Recognizer, number: int, first_frame: int) -> None:
        self.number = number
        self._recognizer, self._first_frame = recognizer, first_frame
        self._decoder = recognizer.decoder.session()
        self._frames = self._last_label = 0
        self._hypothesis = Hypothesis()
        self._revision = 0

    def accept(self, log_probs: LogProbs) -> list[Event]:
        """A partial, where the words changed."""
        spoken = np.flatnonzero(log_probs[:, BLANK] < np.log(0.5))
        if len(spoken):
            self._last_label = self._frames + int(spoken[-1]) + 1
        self._frames += len(log_probs)
        before, self._hypothesis = self._hypothesis, self._decoder.accept(log_probs)
        if _shown(before) == _shown(self._hypothesis):
            return []
        self._revision += 1
        words = self._words(self._hypothesis)
        return [Partial(self.number, self._revision, words, self._hypothesis.stable_words)]

    def is_over(self) -> bool:
        """Whether the segment's endpoint has come."""
        if not self._hypothesis.words:
            return False
        now = self._frames * self._recognizer.frame_duration_s
        last = max(self._last_label * self._recognizer.frame_duration_s, self._hypothesis.end_s)
        return self._recognizer.options.endpoints.is_endpoint(now - self._hypothesis.start_s, now - last)

    def finish(self) -> list[Event]:
        """The final, where there are words or a partial showed some."""
        words = self._words(self._decoder.finish())
        return [Final(self.number, self._revision + 1, words)] if words or self._revision else []

    def _words(self, hypothesis: Hypothesis) -> tuple[Word, ...]:
        offset, calibration = self._first_frame * self._recognizer.frame_duration_s, self._recognizer.calibration
        return tuple(
            replace(
                word,
                start_s=word.start_s + offset,
                end_s=word.end_s + offset,
                confidence=calibration(word.confidence),
            )
            for word in hypothesis.words
        )


def _shown(hypothesis: Hypothesis) -> tuple[list[str], int]:
    return [word.text for word in hypothesis.words], hypothesis.stable_words


def _make_resampler(rate: int, target_rate: int) -> StreamingResampler | None:
    if rate == target_rate:
        return None
    try:
        return StreamingResampler(rate, target_rate)
    except ValueError as error:
        raise ConfigError(f"{error}: choose another sample rate") from error


def _silence(samples: int, rate: int) -> Iterator[Samples]:
    for start in range(0, samples, rate):
        yield np.zeros(min(rate, samples - start), np.float32)


def choose_device(name: DeviceName) -> torch.device:
    """The torch device of a name; auto takes a GPU where there is one. DeviceError where it is not there."""
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceError("no CUDA device is usable here: use --device cpu, or install a CUDA build of torch")
    return torch.device("cuda")


def _calibration(checkpoint: Checkpoint, options: RecognizerOptions) -> Calibration:
    """That of the lexicon search's confidences; it was found for no other decoder."""
    if options.decoder != "beam":
        return Calibration()
    decoding = checkpoint.decoding
    return Calibration(decoding.get("confidence_slope", 1.0), decoding.get("confidence_offset", 0.0))


def frame_duration_s(checkpoint: Checkpoint) -> float:
    """Seconds of one encoder frame."""
    return Subsampling.FACTOR * checkpoint.frontend.hop_length / checkpoint.frontend.sample_rate


def chunk_frames(chunk_ms: int | None, frame_s: float) -> int:
    """Encoder frames of a chunk; ConfigError where it is shorter than a frame or longer than full context."""
    frames = round((FULL_CONTEXT_S if chunk_ms is None else chunk_ms / 1000) / frame_s)
    if not 1 <= frames <= round(FULL_CONTEXT_S / frame_s):
        longest = round(FULL_CONTEXT_S * 1000)
        raise ConfigError(f"chunks of {chunk_ms} ms: choose {round(frame_s * 1000)} to {longest} ms, or full")
    return frames

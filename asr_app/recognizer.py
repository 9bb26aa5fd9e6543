"""The recogniser: samples in, events out; the only joint of models and decoder.

A Recognizer is shared and immutable; a RecognizerSession is one stream and keeps all of its state.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from asr_app.audio.resample import StreamingResampler
from asr_app.audio.types import AudioChunk, Samples
from asr_app.decoding import Trained, expecting, make_decoder, make_rescorer, setting
from asr_app.device import choose_device
from asr_app.endpoint import EndpointRules
from asr_app.errors import CheckpointError, ConfigError
from asr_app.events import AudioGap, Event, Final, Partial
from asr_app.options import RecognizerOptions
from asr_app.rescoring import HYPOTHESES, Rescorer
from asr_app.words.vocabulary import Entry
from asr_app.words.written_forms import WrittenForms
from decoder.beam_session import BeamSession
from decoder.confidence import Calibration
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.types import Decoder, DecoderSession, Hypothesis, LogProbs, Word
from models.acoustic import FULL_CONTEXT_S, AcousticModel, AcousticStream
from models.checkpoint import Checkpoint
from models.ctc import BLANK
from models.fallback import WithFallback
from models.loading import load_acoustic_model
from models.streaming_ctc import StreamingCtc
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint
from models.wav2vec2_windows import Wav2Vec2Windows, WindowPlan


class Recognizer:
    """An acoustic model and a decoder, ready to open sessions.

    exact: the recogniser that hears every segment of a live stream once more (asr_app.live.two_passes); None for none.
    """

    def __init__(
        self,
        acoustic: AcousticModel,
        decoder: Decoder,
        endpoints: EndpointRules,
        calibration: Calibration | None = None,
        rescorer: Rescorer | None = None,
        words: Sequence[Entry] = (),
        sha256: str = "",
    ) -> None:
        """calibration: of the decoder's confidences. rescorer: the second pass over finals, where there is one.

        words: that the decoder expects. sha256: of the acoustic model's weights.
        """
        self.acoustic, self.decoder, self.endpoints, self.sha256 = acoustic, decoder, endpoints, sha256
        self.calibration, self.rescorer = calibration or Calibration(), rescorer
        self.expected, self.written = tuple(words), WrittenForms(words)
        self.exact: Recognizer | None = None
        self.sample_rate, self.frame_duration_s = acoustic.sample_rate, acoustic.frame_duration_s

    @classmethod
    def load(cls, folder: Path, options: RecognizerOptions | None = None) -> "Recognizer":
        """The recogniser of a folder: checkpoint, lexicon and language model.

        Raises CheckpointError where a file is missing or wrong, ConfigError for impossible options and
        DeviceError where the device is not there.
        """
        options = options or RecognizerOptions()
        device = choose_device(options.device)
        try:
            checkpoint = load_acoustic_model(folder, options.language)
            head, decoder = make_decoder(_trained(checkpoint), folder, options)
            rescorer = make_rescorer(decoder, checkpoint.decoding, folder, options)
        except (ValueError, OSError) as error:
            raise CheckpointError(str(error)) from error
        acoustic = _acoustic_model(checkpoint, head, options.chunk_ms, device)
        calibration = _calibration(checkpoint.decoding, options)
        return cls(acoustic, decoder, options.endpoints, calibration, rescorer, options.hotwords, checkpoint.sha256)

    def expecting(self, entries: Sequence[Entry], folder: Path) -> "Recognizer":
        """This recogniser with words and phrases to expect in place of those that it expects; ConfigError names one.

        folder: the one that it was loaded from. The acoustic model and the language model are shared.
        """
        if not isinstance(self.decoder, LexiconBeamDecoder):
            raise ConfigError("this decoder takes no words to expect: take --decoder beam")
        decoder = expecting(self.decoder, entries, folder)
        rescorer = self.rescorer.expecting(entry.text for entry in entries) if self.rescorer else None
        knowing = Recognizer(self.acoustic, decoder, self.endpoints, self.calibration, rescorer, entries, self.sha256)
        is_same = self.exact is not None and self.exact.decoder is self.decoder
        return knowing.with_exact(knowing.with_full_context() if is_same else self.exact)

    def with_exact(self, exact: "Recognizer | None") -> "Recognizer":
        """This recogniser with another one that hears the segments of live streams once more.

        Raises ConfigError where they are for different sample rates.
        """
        if exact and exact.sample_rate != self.sample_rate:
            rates = f"{exact.sample_rate} Hz, not {self.sample_rate}"
            raise ConfigError(f"the final model is for sound of {rates}: choose another --final-model")
        both = copy.copy(self)
        both.exact = exact
        return both

    def with_full_context(self) -> "Recognizer":
        """The same weights and decoder, for whole utterances: exact, and too late for live text."""
        whole = copy.copy(self)
        whole.acoustic = self.acoustic.with_full_context()
        return whole

    @property
    def device(self) -> torch.device:
        """Where the acoustic model computes."""
        return self.acoustic.device

    def session(self) -> "RecognizerSession":
        """A new stream."""
        return RecognizerSession(self)

    def log_probs(self, samples: Samples) -> LogProbs:
        """What a session hands its decoder, at once: log-probabilities (T, V) of a whole utterance (N,)."""
        return self.acoustic.log_probs(samples)

    def final(self, decoder: DecoderSession, stable: Sequence[str] = ()) -> Hypothesis:
        """What a decoder session has heard, in written words, at its end: its best, or what the second pass chose.

        stable: words that were told as such, with which it begins.
        """
        best = decoder.finish()
        if self.rescorer is not None and isinstance(decoder, BeamSession):
            best = self.rescorer.best(decoder.nbest(HYPOTHESES), stable)
        return self.written.final(best)

    def words(self, hypothesis: Hypothesis, offset_s: float) -> tuple[Word, ...]:
        """The words of a hypothesis whose decoder session began at an offset in the stream: times, and confidences."""
        return tuple(
            replace(
                word,
                start_s=word.start_s + offset_s,
                end_s=word.end_s + offset_s,
                confidence=self.calibration(word.confidence),
            )
            for word in hypothesis.words
        )


class RecognizerSession:
    """One stream of audio, heard from its start to its end.

    `accept` and `finish` do all the work of a stream. What steps many streams as one batch calls `feed` and `close`,
    hands the acoustic streams of the sessions that are ready to the acoustic model, and gives each session its
    log-probabilities with `decode`.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._resampler: StreamingResampler | None = None
        self._input_rate: int | None = None
        self._acoustic: AcousticStream = recognizer.acoustic.stream()
        self._frames = 0
        self._segment = _Segment(recognizer, 0, 0)
        self._closed = False

    @property
    def acoustic(self) -> AcousticStream:
        """The stream of the recogniser's acoustic model that hears this session."""
        return self._acoustic

    @property
    def is_over(self) -> bool:
        """Whether everything was said: closed, and nothing waits."""
        return self._closed and not self._acoustic.is_ready

    def accept(self, chunk: AudioChunk) -> list[Event]:
        """The events that a chunk of audio brings about; ValueError after finish."""
        return self.feed(chunk) + self._advance()

    def finish(self) -> list[Event]:
        """The events of the stream's end, the last final among them; none the second time."""
        if self._closed:
            return []
        self.close()
        return self._advance() + self.end()

    def feed(self, chunk: AudioChunk) -> list[Event]:
        """Take a chunk of audio in, to be stepped later: an AudioGap, where audio was lost; ValueError after close."""
        if self._closed:
            raise ValueError("the session is finished: open a new one")
        events: list[Event] = []
        if chunk.dropped_before:
            events.append(AudioGap(chunk.start_sample - chunk.dropped_before, chunk.dropped_before))
            for silence in _silence(chunk.dropped_before, chunk.sample_rate):
                self._acoustic.accept(self._resample(silence, chunk.sample_rate))
        self._acoustic.accept(self._resample(chunk.samples, chunk.sample_rate))
        return events

    def close(self) -> list[Event]:
        """Say that no more audio comes: no events yet, what waits is to be stepped, and then comes `end`."""
        self._closed = True
        if self._resampler:
            self._acoustic.accept(self._resampler.finish())
        self._acoustic.finish()
        return []

    def decode(self, log_probs: LogProbs) -> list[Event]:
        """The events of one step's log-probabilities (T, V)."""
        events: list[Event] = []
        for piece in np.array_split(log_probs, max(1, len(log_probs) // self._piece_frames)):
            self._frames += len(piece)
            events += self._segment.accept(piece)
            if self._segment.is_over():
                events += self._segment.finish()
                self._segment = _Segment(self._recognizer, self._segment.number + 1, self._frames)
        return events

    def end(self) -> list[Event]:
        """The last final, where there are words: after close and the last step, or where nothing can follow."""
        return self._segment.finish()

    def _advance(self) -> list[Event]:
        events: list[Event] = []
        while self._acoustic.is_ready:
            events += self.decode(self._recognizer.acoustic.step([self._acoustic])[0])
        return events

    @property
    def _piece_frames(self) -> int:
        """Frames between two looks for an endpoint, so that long chunks hold several segments."""
        return max(1, round(0.32 / self._recognizer.frame_duration_s))

    def _resample(self, samples: Samples, rate: int) -> Samples:
        if self._input_rate is None:
            self._resampler, self._input_rate = _make_resampler(rate, self._recognizer.sample_rate), rate
        if rate != self._input_rate:
            was = self._input_rate
            raise ConfigError(f"the sample rate changed from {was} to {rate} Hz: start a new session")
        return self._resampler.accept(samples) if self._resampler else samples


class _Segment:
    """The words between two endpoints: a decoder session, and times that count from the stream's start."""

    def __init__(self, recognizer: Recognizer, number: int, first_frame: int) -> None:
        self.number = number
        self._recognizer, self._first_frame = recognizer, first_frame
        self._decoder = recognizer.decoder.session()
        self._frames = self._last_label = 0
        self._hypothesis = self._written = Hypothesis()
        self._revision = 0

    def accept(self, log_probs: LogProbs) -> list[Event]:
        """A partial, where the words changed."""
        spoken = np.flatnonzero(log_probs[:, BLANK] < np.log(0.5))
        if len(spoken):
            self._last_label = self._frames + int(spoken[-1]) + 1
        self._frames += len(log_probs)
        self._hypothesis = self._decoder.accept(log_probs)
        before, self._written = self._written, self._recognizer.written.partial(self._hypothesis)
        if _shown(before) == _shown(self._written):
            return []
        self._revision += 1
        return [Partial(self.number, self._revision, self._words(self._written), self._written.stable_words)]

    def is_over(self) -> bool:
        """Whether the segment's endpoint has come."""
        if not self._hypothesis.words:
            return False
        now = self._frames * self._recognizer.frame_duration_s
        last = max(self._last_label * self._recognizer.frame_duration_s, self._hypothesis.end_s)
        return self._recognizer.endpoints.is_endpoint(now - self._hypothesis.start_s, now - last)

    def finish(self) -> list[Event]:
        """The final, where there are words or a partial showed some."""
        told = self._hypothesis
        stable = [word.text for word in told.words[: told.stable_words]]
        words = self._words(self._recognizer.final(self._decoder, stable))
        return [Final(self.number, self._revision + 1, words)] if words or self._revision else []

    def _words(self, hypothesis: Hypothesis) -> tuple[Word, ...]:
        return self._recognizer.words(hypothesis, self._first_frame * self._recognizer.frame_duration_s)


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


def _trained(checkpoint: Checkpoint | Wav2Vec2Checkpoint) -> Trained:
    heads = {head.name: head.labels for head in checkpoint.heads}
    return Trained(heads, checkpoint.frame_duration_s, checkpoint.decoding, checkpoint.label_priors)


def _acoustic_model(
    checkpoint: Checkpoint | Wav2Vec2Checkpoint, head: str, chunk_ms: int | None, device: torch.device
) -> AcousticModel:
    """The acoustic model of a checkpoint, for chunks of so many milliseconds; ConfigError where that is impossible."""
    frames = chunk_frames(chunk_ms, checkpoint.frame_duration_s)
    plan = WindowPlan(chunk_ms=round(frames * checkpoint.frame_duration_s * 1000))

    def make(device: torch.device) -> AcousticModel:
        if isinstance(checkpoint, Checkpoint):
            return StreamingCtc(checkpoint, head, frames, device)
        return Wav2Vec2Windows(checkpoint, plan, device)

    return make(device) if device.type == "cpu" else WithFallback(make, device)


def _calibration(decoding: Mapping[str, float], options: RecognizerOptions) -> Calibration:
    """That which was found for the confidences of the decoder, or none."""
    slope, offset = (setting(options.decoder, name) for name in ("confidence_slope", "confidence_offset"))
    return Calibration(decoding.get(slope, 1.0), decoding.get(offset, 0.0))


def chunk_frames(chunk_ms: int | None, frame_s: float) -> int:
    """Encoder frames of a chunk; ConfigError where it is shorter than a frame or longer than full context."""
    frames = round((FULL_CONTEXT_S if chunk_ms is None else chunk_ms / 1000) / frame_s)
    if not 1 <= frames <= round(FULL_CONTEXT_S / frame_s):
        longest = round(FULL_CONTEXT_S * 1000)
        raise ConfigError(f"chunks of {chunk_ms} ms: choose {round(frame_s * 1000)} to {longest} ms, or full")
    return frames

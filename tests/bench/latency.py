"""How soon a spoken word is shown, and a finished segment told, in live dictation of dev recordings.

python tests/bench/latency.py [--chunks 320 640] [--seconds 120] [--source clock]      (needs ../shared/speech)

One JSON line a chunk size. The recordings, with pauses between them, go through a live session in real time: played to
a virtual microphone (needs what sound_server.py says), or as a file. Or they go through a live stream by the sound's
own clock, to which the processor's time is added: that tells the same on a busy machine. Emission latency is from the
end of a word in the sound to the first event that has it (some_word_ms: that has any word in its place, which may be
revised); where words end is told by a forced alignment with full context, where a recording lies in what was heard by
correlation. Final latency is from the sound in which the endpoint is decided to the final. What the sound server takes
is not in it: the clock of the sound starts as soon as a chunk can be had. How long the first sample of a chunk waited
(waited_ms) shows whether the machine keeps up. Revised is the share of the words that partials showed and that changed
later.
"""

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile, zip_longest
from pathlib import Path

import numpy as np
import soundfile
from measure import SHARED_SPEECH, record
from posteriors import pronunciations_of
from sound_server import MICROPHONE, until, virtual_microphone

from asr_app.audio.file import read_audio
from asr_app.audio.live_source import LiveSource, RealTimeFile
from asr_app.audio.microphone import Microphone
from asr_app.audio.overheard import Overheard
from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import Event, Final, Transcript
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.live.session import LiveSession
from asr_app.live.stream import LiveStream
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from decoder.alignment import align_words
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import matching_words
from decoder.normalize import normalize
from decoder.types import Word
from models.recipes.data.manifest import read_manifests

CORPORA = ("librispeech_bits", "speechocean762")
RATE = 16_000
CHUNK_S = 0.08  # the microphone's
PAUSE_S = 2.0
NEAR_S = 1.0  # of each other are the ends of a word as it was said and as it was heard
PERCENTILES = (50, 95)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One recording: samples (n,), its words, and when each of them ends, in seconds."""

    samples: Samples
    words: list[str]
    ends_s: list[float]


@dataclass(frozen=True, slots=True)
class Shown:
    """A word of a final: when (time.monotonic) it was first shown, and when any word in its place was.

    by_final: no partial had it.
    """

    word: Word
    at: float
    some_at: float
    by_final: bool


@dataclass(slots=True)
class Heard:
    """What came of a session: events and chunks, each with its time (time.monotonic); a listener of the source."""

    events: list[tuple[float, Event]] = field(default_factory=list)
    chunks: list[tuple[float, AudioChunk]] = field(default_factory=list)

    def accept(self, chunk: AudioChunk) -> None:
        """Note a chunk."""
        if len(chunk.samples):
            self.chunks.append((time.monotonic(), chunk))

    def close(self) -> None:
        """Nothing is to be done."""

    @property
    def begin(self) -> float:
        """When the stream's first sample was said, by the clock, were there no delay in getting it."""
        return min(at - (chunk.start_sample + len(chunk.samples)) / RATE for at, chunk in self.chunks)

    @property
    def sound(self) -> Samples:
        """All that was heard (n,), with silence for what was lost."""
        end = self.chunks[-1][1]
        sound = np.zeros(end.start_sample + len(end.samples), np.float32)
        for _, chunk in self.chunks:
            sound[chunk.start_sample : chunk.start_sample + len(chunk.samples)] = chunk.samples
        return sound


def main() -> None:
    """Measure and print one JSON line a chunk size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=[320, 640])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--source", choices=("microphone", "file", "clock"), default="microphone")
    arguments = parser.parse_args()
    spoken = list(recordings(arguments.seconds))
    pause = np.zeros(round(PAUSE_S * RATE), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        soundfile.write(path, np.concatenate([pause, *chain(*((one.samples, pause) for one in spoken))]), RATE)
        for chunk_ms in arguments.chunks:
            recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(chunk_ms, device="cpu"))
            if arguments.source == "file":
                heard = listen(recognizer, RealTimeFile(path))
            elif arguments.source == "clock":
                heard = listen_by_clock(recognizer, read_audio(path))
            else:
                with virtual_microphone(Path(folder)) as server:
                    heard = listen(recognizer, Microphone(MICROPHONE), lambda: server.play(path))
            record("latency", {"chunk_ms": chunk_ms, "source": arguments.source, **report(spoken, heard)})


def recordings(seconds: float) -> Iterator[Spoken]:
    """So much dev speech, of the corpora in turn: recordings whose words are all in the lexicon."""
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(chunk_ms=None, device="cpu"))
    decoder = recognizer.decoder
    assert isinstance(decoder, LexiconBeamDecoder)
    pronunciations = pronunciations_of(decoder.lexicon)
    corpora = (read_manifests([SHARED_SPEECH / corpus / "manifest.jsonl"], "dev") for corpus in CORPORA)
    for utterance in chain(*zip_longest(*corpora)):
        words = (normalize(utterance.text or "") or "").split() if utterance else []
        if not words or not all(word in pronunciations for word in words):
            continue
        if seconds <= 0:
            return
        samples = read_audio(utterance.audio)
        frames = align_words(recognizer.log_probs(samples), [pronunciations[word] for word in words], decoder.blank)
        yield Spoken(samples, words, [end * decoder.frame_duration_s for _, end in frames])
        seconds -= len(samples) / RATE + PAUSE_S


def listen(recognizer: Recognizer, source: LiveSource, play: Callable[[], None] | None = None) -> Heard:
    """A session from its start to its end; play: makes the sound of a source that would not end by itself."""
    heard = Heard()
    session = LiveSession(recognizer, Overheard(source, [heard]))
    session.start()

    def play_all() -> None:
        until(lambda: bool(heard.chunks))
        play()
        session.stop()

    if play:
        threading.Thread(target=play_all, daemon=True).start()
    for event in session.events():
        heard.events.append((time.monotonic(), event))
    return heard


def listen_by_clock(recognizer: Recognizer, sound: Samples) -> Heard:
    """A stream's events at the times when they would come, were each chunk there as soon as it was said."""
    stream, heard, now_s, size = LiveStream(recognizer), Heard(), 0.0, round(CHUNK_S * RATE)
    for start in range(0, len(sound), size):
        chunk = AudioChunk(sound[start : start + size], RATE, start)
        said_s = (start + len(chunk.samples)) / RATE
        heard.chunks.append((said_s, chunk))
        began = time.process_time()
        events = stream.accept(chunk)
        now_s = max(now_s, said_s) + time.process_time() - began
        heard.events += [(now_s, event) for event in events]
    return heard


def report(spoken: Sequence[Spoken], heard: Heard) -> dict[str, object]:
    """The figures of a session."""
    shown = first_shown(heard.events)
    said = [(word, end_s) for one, start_s in located(spoken, heard.sound) for word, end_s in ends(one, start_s)]
    pairs = [
        (end_s, shown[mine])
        for theirs, mine in matching_words([word for word, _ in said], [one.word.text for one in shown])
        for end_s in (said[theirs][1],)
        if abs(shown[mine].word.end_s - end_s) < NEAR_S
    ]
    taken = np.array([at for at, _ in heard.chunks])
    finals = [at - taken[np.searchsorted(taken, at) - 1] for at, event in heard.events if isinstance(event, Final)]
    return {
        "heard_s": round(len(heard.sound) / RATE, 1),
        "words": len(said),
        "right": round(len(pairs) / len(said), 3),
        "emission_ms": percentiles([one.at - heard.begin - end_s for end_s, one in pairs]),
        "some_word_ms": percentiles([one.some_at - heard.begin - end_s for end_s, one in pairs]),
        "revised": round(revised(heard.events), 3),
        "first_in_final": round(sum(one.by_final for _, one in pairs) / len(pairs), 3),
        "final_ms": percentiles(finals),
        "waited_ms": percentiles([at - heard.begin - chunk.start_sample / RATE for at, chunk in heard.chunks]),
        "dropped": sum(chunk.dropped_before for _, chunk in heard.chunks),
    }


def revised(events: Sequence[tuple[float, Event]]) -> float:
    """The share of shown words that were shown in vain: a later event of the segment has others in their place."""
    before: dict[int, list[str]] = defaultdict(list)
    shown = changed = 0
    for _, event in events:
        if isinstance(event, Transcript):
            words = [word.text for word in event.words]
            pairs = zip(before[event.segment_id], words, strict=False)
            kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            changed += len(before[event.segment_id]) - kept
            shown += len(words) - kept
            before[event.segment_id] = words
    return changed / shown


def first_shown(events: Sequence[tuple[float, Event]]) -> list[Shown]:
    """The words of all finals in order, and when each was first shown."""
    segments: dict[int, list[tuple[float, Transcript]]] = defaultdict(list)
    for at, event in events:
        if isinstance(event, Transcript):
            segments[event.segment_id].append((at, event))
    return [shown for segment in segments.values() for shown in _first_shown(segment)]


def _first_shown(segment: Sequence[tuple[float, Transcript]]) -> Iterator[Shown]:
    """Of one segment, whose last event is its final."""
    final = segment[-1][1]
    words = [word.text for word in final.words]
    first: dict[int, tuple[float, Transcript]] = {}
    for at, event in segment:
        for mine, _ in matching_words(words, [word.text for word in event.words]):
            first.setdefault(mine, (at, event))
    for place, word in enumerate(final.words):
        at, event = first[place]
        some_at = next(at for at, event in segment if len(event.words) > place)
        yield Shown(word, at, min(at, some_at), isinstance(event, Final))


def located(spoken: Sequence[Spoken], sound: Samples) -> Iterator[tuple[Spoken, float]]:
    """Where each recording begins in the sound, in seconds; one after another."""
    at = 0
    for one in spoken:
        window = sound[at : at + len(one.samples) + round(5 * PAUSE_S * RATE)]
        size = len(window) + len(one.samples)
        correlation = np.fft.irfft(np.fft.rfft(window, size) * np.fft.rfft(one.samples, size).conj(), size)
        start = at + int(correlation[: len(window)].argmax())
        yield one, start / RATE
        at = start + len(one.samples)


def ends(one: Spoken, start_s: float) -> Iterator[tuple[str, float]]:
    """The words of a recording that begins at a time, and when each ends."""
    yield from ((word, start_s + end_s) for word, end_s in zip(one.words, one.ends_s, strict=True))


def percentiles(seconds: Sequence[float]) -> dict[str, int]:
    """In milliseconds."""
    return {f"p{p}": round(1000 * float(np.percentile(seconds, p))) for p in PERCENTILES}


if __name__ == "__main__":
    main()

"""A batch of recordings: each is read and cut ahead of those who hear it, and written when all of it is heard.

Everything happens in the order of the recordings; what is under way is bounded by the workers, whatever the length of a
recording. A recording that fails leaves the others alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from asr_app.audio.blocks import Part
from asr_app.audio.file import STANDARD_INPUT, FileSource, open_audio
from asr_app.audio.pcm import PcmFormat
from asr_app.audio.silero import SAMPLE_RATE
from asr_app.audio.types import AudioChunk
from asr_app.audio.voice_activity import SpeechDetector
from asr_app.errors import AsrError, AudioFormatError, OutputError
from asr_app.files.inputs import Recording
from asr_app.files.outputs import Output
from asr_app.files.progress import Progress, Tally
from asr_app.files.segments import Segmenter, Speech
from asr_app.files.workers import Workers
from asr_app.sinks.segment import Utterance

Write = Callable[[Utterance, str], Utterance]
"""Makes written text of an utterance, which goes on from what its speaker said before."""

Remember = Callable[[Recording, Sequence[Utterance], float], None]
"""Is told of each recording that was transcribed: its transcript, and seconds of sound."""

_CHANNELS = 16
"""More than that are no speakers."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What of each recording is heard, and how.

    detector: makes what tells speech from other sound, for each recording anew.
    part: what of it. split: each channel is a speaker of its own.
    pcm: the form of raw samples on standard input.
    """

    detector: Callable[[], SpeechDetector]
    part: Part = field(default_factory=Part)
    split: bool = False
    pcm: PcmFormat | None = None

    def open(self, recording: Recording, channel: int | None) -> FileSource:
        """The part of a recording that is heard; AudioFormatError where it cannot be."""
        part = replace(self.part, channel=channel)
        return open_audio(recording.path, sample_rate=SAMPLE_RATE, pcm=self.pcm, part=part)

    def channels(self, recording: Recording) -> list[int | None]:
        """What is to be heard one after the other."""
        if not self.split:
            return [self.part.channel]
        if recording.path == STANDARD_INPUT:
            raise AudioFormatError("standard input cannot be split into channels: save it to a file first")
        with self.open(recording, None) as source:
            if source.channels > _CHANNELS:
                raise AudioFormatError(
                    f"{recording.name} has {source.channels} channels, too many for speakers: choose one, or mix them"
                )
            return [*range(1, source.channels + 1)]


@dataclass(eq=False)
class _Task:
    """A recording on its way."""

    recording: Recording
    output: Output
    transcript: list[Utterance] = field(default_factory=list)
    length_s: float = 0.0
    error: AsrError | None = None

    def before(self, speaker: str) -> str:
        """What a speaker said last."""
        own = (utterance.text for utterance in reversed(self.transcript) if utterance.speaker == speaker)
        return next(filter(None, own), "")


class Batch:
    """The way of recordings through the workers."""

    def __init__(
        self,
        listening: Listening,
        workers: Workers,
        progress: Progress,
        write: Write | None = None,
        remember: Remember | None = None,
    ) -> None:
        """write: what is made of the words of each utterance; they stay as they were recognised without it."""
        self.tally = Tally()
        self._listening, self._workers, self._progress = listening, workers, progress
        self._write = write or (lambda utterance, _: utterance)
        self._remember = remember or (lambda *_: None)
        self._under_way: deque[Callable[[], None]] = deque()
        self._open: dict[_Task, None] = {}

    def run(self, tasks: Iterable[tuple[Recording, Callable[[], Output]]]) -> None:
        """Transcribe recordings to outputs, which are opened when their turn comes.

        KeyboardInterrupt, and an error that is nobody's fault, leave what is finished and the journals of the rest.
        """
        try:
            for recording, make in tasks:
                self._take(recording, make)
            self._settle(0)
        finally:
            self._under_way.clear()
            for task in self._open:
                task.output.leave()

    def fail(self, recording: Recording, error: AsrError) -> None:
        """A recording cannot be transcribed."""
        self.tally.failures.append((recording, error))
        self._progress.fail(recording, error)

    def skip(self, recording: Recording) -> None:
        """A recording is transcribed already."""
        self.tally.skipped += 1
        self._progress.skip(recording)

    def _take(self, recording: Recording, make: Callable[[], Output]) -> None:
        """Read a recording, and have its speech heard."""
        try:
            task = _Task(recording, make())
        except AsrError as error:
            self.fail(recording, error)
            return
        self._open[task] = None
        try:
            for channel in self._listening.channels(recording):
                for speech in self._speech(task, channel):
                    self._submit(task, channel, speech)
        except AudioFormatError as error:
            task.error = task.error or error
        self._under_way.append(lambda: self._end(task))
        self._settle(self._workers.ahead)

    def _speech(self, task: _Task, channel: int | None) -> Iterator[Speech]:
        """The runs of speech of a channel, unless the recording has failed meanwhile."""
        with self._listening.open(task.recording, channel) as source:
            if not task.length_s:  # of the first channel
                self._progress.start(task.recording, source.duration_s)
            segmenter = Segmenter(self._listening.detector())
            for speech in segmenter.segments(self._read(task, source)):
                if task.error:
                    return
                yield speech

    def _read(self, task: _Task, source: FileSource) -> Iterator[AudioChunk]:
        for chunk in source:
            position_s = (chunk.start_sample + len(chunk.samples)) / SAMPLE_RATE
            task.length_s = max(task.length_s, position_s - self._listening.part.start_s)
            if not self._under_way:  # nobody speaks, or all of it is heard
                self._progress.reach(task.recording, position_s)
            yield chunk

    def _submit(self, task: _Task, channel: int | None, speech: Speech) -> None:
        place = (channel or 0, speech.start, speech.end)
        known = task.output.heard(place)
        speaker = str(channel) if self._listening.split else ""
        result = self._heard(speech, task, speaker) if known is None else lambda: known

        def deliver() -> None:
            if task.error:
                return
            utterance = replace(result(), speaker=speaker)
            try:
                task.output.add(place, utterance)
            except AsrError as error:
                task.error = error
            task.transcript.append(utterance)
            self._progress.reach(task.recording, speech.end / SAMPLE_RATE)

        self._under_way.append(deliver)
        self._settle(self._workers.ahead)

    def _heard(self, speech: Speech, task: _Task, speaker: str) -> Callable[[], Utterance]:
        """What will have been said in a run of speech."""
        result = self._workers.submit(speech)
        return lambda: self._write(result(), task.before(speaker))

    def _settle(self, ahead: int) -> None:
        """Wait for the oldest, until no more than so many are under way."""
        while len(self._under_way) > ahead:
            self._under_way.popleft()()

    def _end(self, task: _Task) -> None:
        """A recording is read and heard: write it."""
        del self._open[task]
        if task.error is None:
            try:
                transcript = _in_order(task.transcript)
                task.output.finish(transcript)
                self._remember(task.recording, transcript, task.length_s)
            except AsrError as error:
                task.error = error
        if task.error:
            stop = task.output.leave if isinstance(task.error, OutputError) else task.output.fail
            stop()  # with room on the disk, what was heard is good for another run
            self.fail(task.recording, task.error)
            return
        self.tally.finished += 1
        self.tally.audio_s += task.length_s
        self._progress.finish(task.recording, task.length_s)


def _in_order(utterances: Iterable[Utterance]) -> list[Utterance]:
    """What was said, by time, whoever said it; this is where a transcript is whole, and what is to be written."""
    said = [utterance for utterance in utterances if utterance.words]
    return sorted(said, key=lambda utterance: (utterance.words[0].start_s, utterance.speaker))

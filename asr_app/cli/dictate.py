"""`asr dictate`: a screen on which words appear as they are spoken."""

import math
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from asr_app.cli.live import (
    MICROPHONE,
    STANDARD_INPUT,
    FinalModelOption,
    MicrophoneOption,
    SourceOption,
    check_source,
    live_settings,
    live_source,
    load_live_recognizer,
)
from asr_app.cli.messages import INTERNAL_ERROR, explained
from asr_app.cli.options import (
    BeamOption,
    ChunkOption,
    DecoderOption,
    DeviceOption,
    HotwordOption,
    HotwordsOption,
    LanguageOption,
    LmOption,
    ModelOption,
    ThreadsOption,
    expected,
    personal_words,
)
from asr_app.errors import AsrError, ConfigError
from asr_app.library.models import find_model

if TYPE_CHECKING:
    from asr_app.audio.mel_columns import MelColumns
    from asr_app.audio.recorder import Recorder
    from asr_app.config import Settings
    from asr_app.events import Event, Final
    from asr_app.live.session import LiveSession
    from asr_app.recognizer import Recognizer
    from asr_app.records.journal import Journal
    from asr_app.text.writing import Writing
    from asr_app.words.vocabulary import Entry
    from asr_app.words.vocabulary_watch import VocabularyWatch

_NOTICE_S = 20.0
"""How long the screen shows what there is to say of an earlier session: a model is being loaded meanwhile."""


def dictate(  # noqa: PLR0913  # one for each option
    source: SourceOption = MICROPHONE,
    microphone: MicrophoneOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last session that crashed.")] = False,
    journal: Annotated[
        bool, typer.Option(help="Keep the words, while the session lasts, in a private file that --resume reads.")
    ] = True,
    record: Annotated[
        Path | None, typer.Option("--record", help="Also record the sound, to a WAV file in this folder.")
    ] = None,
    written: Annotated[
        bool | None, typer.Option("--written/--raw", help="Write numbers, sentences and voice commands (w shows both).")
    ] = None,
    model: ModelOption = None,
    final_model: FinalModelOption = None,
    language: LanguageOption = None,
    lm: LmOption = None,
    decoder: DecoderOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    hotword: HotwordOption = None,
    hotwords: HotwordsOption = None,
) -> None:
    """Dictate: words appear on the screen as they are spoken."""
    given = {"model": model, "lm": lm, "decoder": decoder, "beam": beam, "chunk_ms": chunk_ms}
    given |= {"final_model": final_model, "language": language}
    settings = live_settings(**given, device=device, threads=threads, hotwords=hotwords, written=written)
    stem = f"dictation-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    piped = _keyboard_to_standard_input() if source == STANDARD_INPUT else None
    check_source(source, microphone)
    _check(resume, journal)
    sessions = Sessions(
        settings,
        source,
        hotwords=hotword,
        microphone=microphone,
        piped=piped,
        recording=record / stem if record else None,
    )
    left = "" if resume else _left()
    _run(sessions, stem, _open_journal(resume) if journal else None, left)


def _check(resume: bool, journal: bool) -> None:
    """What can be known before the screen opens."""
    if resume and not journal:
        raise ConfigError("--resume reads the journal: leave --no-journal out")
    if not all(stream and os.isatty(stream.fileno()) for stream in (sys.__stdin__, sys.__stderr__)):
        raise ConfigError("asr dictate reads keys and draws in a terminal: run it in one, or use `asr transcribe`")


def _keyboard_to_standard_input() -> BinaryIO:
    """What is piped in; the keys, which are read from standard input, come from the terminal from now on."""
    piped = os.fdopen(os.dup(0), "rb", buffering=0)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise ConfigError("asr dictate needs a terminal: run it in one, or use `asr transcribe -`") from error
    os.dup2(terminal, 0)
    os.close(terminal)
    return piped


def _open_journal(resume: bool) -> "Journal":
    from asr_app.records.journal import journal_folder, left_journal, new_journal

    if not resume:
        return new_journal(journal_folder())
    left = left_journal(journal_folder())
    if left is None:
        raise ConfigError("no session was left unfinished: start without --resume")
    return left


def _left() -> str:
    """What there is to say of an earlier session that did not end in good order."""
    from asr_app.records.journal import journal_folder, left_journal

    try:
        left = left_journal(journal_folder())
    except (AsrError, OSError) as error:  # it keeps nobody from dictating
        return explained(error)
    if left is None:
        return ""
    left.close()
    return "A session was not ended: `asr dictate --resume` brings it back."


def _run(sessions: "Sessions", stem: str, journal: "Journal | None", notice: str) -> None:
    """The screen, from its opening to its end; a journal outlives it only where it did not end in good order."""
    from asr_app.cli.terminal import screen_alone
    from asr_app.sinks.json import to_json
    from asr_app.sinks.srt import to_srt
    from asr_app.sinks.vtt import to_vtt
    from tui.app import DictationApp

    writers = {"txt": _to_text, "srt": to_srt, "vtt": to_vtt, "json": lambda finals: to_json(finals, stem)}
    app = DictationApp(sessions, writers, stem, journal, journal.finals() if journal else ())
    if notice:
        app.notify(notice, timeout=_NOTICE_S, markup=False)
    began = datetime.now().astimezone()
    with screen_alone():
        error = app.run()
    if app.return_code == 0:
        sessions.remember(began, app.status.device, app.document.finals())
    if journal and (app.return_code == 0 or not journal.finals()):
        journal.discard()
    if error:
        raise error
    if app.return_code:  # a bug has been told
        raise typer.Exit(INTERNAL_ERROR)


def _to_text(finals: "Sequence[Final]") -> str:
    """A paragraph for each segment; line breaks that were dictated are kept."""
    return "".join(f"{final.text}\n" for final in finals if final.words)


class Sessions:
    """Opens live sessions for the screen; a recogniser is loaded once, until another model is wanted."""

    def __init__(
        self,
        settings: "Settings",
        source: str,
        *,
        hotwords: list[str] | None = None,
        microphone: str | None = None,
        piped: BinaryIO | None = None,
        recording: Path | None = None,
    ) -> None:
        """source: mic, -, or a file. piped: standard input. recording: where to, without a number or a suffix."""
        self._settings, self._hotwords = settings, hotwords
        self._source, self._microphone, self._piped = source, microphone, piped
        self._recording, self._recordings = recording, 0
        self._loaded: tuple[str, Recognizer] | None = None
        self._writing: tuple[str, Writing] | None = None
        self._live: LiveSession | None = None
        self._changing = threading.Lock()  # what is loaded, or the words that it expects

    def open(self, model: str | None, device: str | None) -> "_Session":
        """A session that has begun."""
        from asr_app.audio.mel_columns import MelColumns
        from asr_app.audio.overheard import Overheard
        from asr_app.live.session import LiveSession
        from asr_app.words.vocabulary_watch import VocabularyWatch

        name = model or self._settings.model
        watch = VocabularyWatch(self._settings.vocabulary, self._take_up_vocabulary)
        with self._changing:
            recognizer = self._recognizer(name)
        columns = MelColumns(recognizer.sample_rate)
        writing = self._writing_of(name)
        recorder = self._recorder(recognizer.sample_rate)
        source = live_source(self._source, device or self._microphone, recognizer.sample_rate, self._piped)
        live = LiveSession(recognizer, Overheard(source, [columns, recorder] if recorder else [columns]))
        live.start()
        self._live = live
        return _Session(live, columns, Path(name).name, recorder, writing, watch)

    def models(self) -> Sequence[str]:
        """Those that ship; a pipe cannot be heard twice, so it keeps its model."""
        from asr_app.library.models import installed_models, shipped_models

        return () if self._source == STANDARD_INPUT else [*shipped_models(), *installed_models()]

    def devices(self) -> Sequence[str]:
        """Names of the inputs, where it is an input that is heard."""
        if self._source != MICROPHONE:
            return ()
        from asr_app.audio.devices import input_devices

        return list(dict.fromkeys(device.name for device in input_devices()))

    def add_word(self, written: str, sounds_like: str | None) -> None:
        """Add a word to the vocabulary; the session hears it from its next segment on."""
        from asr_app.own_files import changing
        from asr_app.words.vocabulary import Entry, merged, read_vocabulary, write_vocabulary

        path, entry = self._settings.vocabulary, Entry(written, sounds_like)
        self._expect(merged(read_vocabulary(path), [entry]))
        with changing(path):  # now that it is known that it can be said
            write_vocabulary(path, merged(read_vocabulary(path), [entry]))

    def remember(self, began: datetime, heard: str, finals: "Sequence[Final]") -> None:
        """Put a dictation into the history, where that is wanted. heard: the name of what was listened to."""
        from asr_app.records.history import Kind
        from asr_app.records.remembering import memory_of

        memory = memory_of(self._settings, Kind.DICTATION)
        if memory and finals:
            source = f"{self._recording.absolute()}.wav" if self._recording else heard
            memory.add(source, began, finals[-1].words[-1].end_s, finals)

    def _take_up_vocabulary(self) -> None:
        """Expect the words that another program has changed."""
        if self._loaded is not None and self._live is not None:
            self._expect(personal_words(self._settings_for(self._loaded[0])))

    def _expect(self, vocabulary: "Sequence[Entry]") -> None:
        """Expect the words of a vocabulary, and those of the settings, from the next segment on."""
        from asr_app.words.vocabulary import merged

        with self._changing:
            if self._loaded is None or self._live is None:
                raise ConfigError("the recogniser is being loaded: wait a moment")
            name, recognizer = self._loaded
            words = merged(vocabulary, expected(self._settings, self._hotwords))
            knowing = recognizer.expecting(words, find_model(name))
            self._loaded = name, knowing
            self._live.use(knowing)

    def _recognizer(self, name: str) -> "Recognizer":
        if self._loaded is None or self._loaded[0] != name:
            from asr_app.words.vocabulary import merged

            settings = self._settings_for(name)
            words = merged(personal_words(settings), expected(settings, self._hotwords))
            self._loaded = name, load_live_recognizer(settings, words)
        return self._loaded[1]

    def _settings_for(self, model: str) -> "Settings":
        return self._settings.model_copy(update={"model": model})

    def _writing_of(self, name: str) -> "Writing | None":
        """What writes the text of a model's words, where that is wanted."""
        if self._settings.written is False:
            return None
        if self._writing is None or self._writing[0] != name:
            from asr_app.text.writing import load_writing

            self._writing = name, load_writing(self._settings, find_model(name), dictated=True)
        return self._writing[1]

    def _recorder(self, sample_rate: int) -> "Recorder | None":
        """Each session's sound is a file of its own."""
        if self._recording is None:
            return None
        from asr_app.audio.recorder import Recorder

        self._recordings += 1
        number = f"-{self._recordings}" if self._recordings > 1 else ""
        return Recorder(self._recording.with_name(f"{self._recording.name}{number}.wav"), sample_rate)


class _Session:
    """A live session as the screen sees it."""

    def __init__(
        self,
        live: "LiveSession",
        columns: "MelColumns",
        model: str,
        recorder: "Recorder | None",
        writing: "Writing | None",
        watch: "VocabularyWatch",
    ) -> None:
        self._live, self._columns, self._model, self._recorder = live, columns, model, recorder
        self._writing, self._watch = writing, watch

    def events(self) -> "Iterator[Event]":
        """What is heard and, where that is wanted, as it is written."""
        from asr_app.text.writing import with_written

        with self._watch:
            yield from with_written(self._live.events(), self._writing) if self._writing else self._live.events()

    def spectrum(self) -> Sequence[Sequence[float]]:
        """Columns since the last call."""
        return self._columns.take()

    def pause(self) -> None:
        """Listen no more."""
        self._live.pause()

    def resume(self) -> None:
        """Listen again."""
        self._live.resume()

    def stop(self) -> None:
        """End."""
        self._live.stop()

    def status(self) -> Any:  # a tui.session.Status, which may be imported only inside
        """Now."""
        from tui.session import State, Status

        now = self._live.status
        latency = (1000 * now.latency_p50_s, 1000 * now.latency_p95_s)
        return Status(
            state=State.FINISHED if now.state in ("stopped", "failed") else State(now.state.value),
            device=now.device,
            model=self._model,
            level_dbfs=now.level_dbfs,
            latency_ms=None if math.isnan(latency[0]) else latency,
            real_time_factor=now.real_time_factor or None,
            time_s=now.position_s,
            dropped_s=now.dropped_s,
            recording=str(self._recorder.path) if self._recorder and not self._recorder.failure else None,
            recording_failure=self._recorder.failure if self._recorder else "",
        )

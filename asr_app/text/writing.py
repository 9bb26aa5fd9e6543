"""Written text for streams of events, as the settings want it: each final comes once more, in sentences."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from asr_app.config import Settings
from asr_app.events import Event, Final, Partial, Written
from asr_app.live.event_queue import EventQueue
from asr_app.text.beside import load_text_models
from asr_app.text.hook import Hook
from asr_app.text.live_text import LivePartials
from asr_app.text.postprocess import TIMEOUT_S, PostProcessor, Write, WritingOptions, load_pipeline
from asr_app.text.stages import Tagger

__all__ = ["Listener", "Write", "Writing", "WrittenListener", "load_writing", "with_written"]


@dataclass(frozen=True, slots=True)
class Writing:
    """What writes, shared by all streams.

    live: puts sentences into partials, where there is a model that can. timeout_s: for a short final, the user's own
    last step included.
    """

    write: Write
    live: Tagger | None = None
    timeout_s: float = TIMEOUT_S


class Listener(Protocol):
    """Who is told of events: an engine_stream.Listener."""

    def put(self, event: Event) -> None:
        """An event."""
        ...

    def close(self) -> None:
        """There are no more."""
        ...


def load_writing(settings: Settings, recognizer: Path, dictated: bool) -> Writing:
    """What settings want written, with the text models in a recogniser's folder.

    dictated: whether the speaker knows of the voice commands. Raises ConfigError and CheckpointError.
    """
    hook = Hook(settings.hook, settings.hook_shell, settings.hook_timeout_s) if settings.hook else None
    options = WritingOptions(
        commands=settings.commands or None if dictated else None,
        own_commands=settings.own_commands,
        replacements=settings.replacements,
        numbers=settings.numbers,
        hook=hook,
    )
    models = load_text_models(recognizer)
    write = load_pipeline(options, models.rewriter, models.tagger).write
    return Writing(write, models.live, TIMEOUT_S + (hook.timeout_s if hook else 0.0))


class WrittenListener:
    """Tells a listener of a stream's events and, behind each final, of its written form when it is ready.

    With a live tagger the words in progress come in sentences; where they cannot, the segment's written form says why.
    """

    def __init__(self, listener: Listener, writing: Writing) -> None:
        self._listener = listener
        self._processor = PostProcessor(writing.write, self._tell, self._end, writing.timeout_s)
        self._partials = LivePartials(writing.live, lambda: self._processor.before) if writing.live else None

    def put(self, event: Event) -> None:
        """See Listener."""
        if self._partials and isinstance(event, Partial):
            event = self._partials.write(event)
        self._listener.put(event)
        if isinstance(event, Final):
            self._processor.put(event)

    def close(self) -> None:
        """There are no more finals; the listener is told when all are written."""
        self._processor.close()

    def _tell(self, text: Written) -> None:
        note = self._partials.failure(text.segment_id) if self._partials else ""
        self._listener.put(replace(text, note=text.note or note))

    def _end(self) -> None:
        if self._partials:
            self._partials.close()
        self._listener.close()


def with_written(events: Iterable[Event], writing: Writing) -> Iterator[Event]:
    """Events as they come and, behind each final, its written form when it is ready; ends when both have."""
    merged = EventQueue()
    listener = WrittenListener(merged, writing)

    def pump() -> None:
        try:
            for event in events:
                listener.put(event)
        finally:
            listener.close()

    threading.Thread(target=pump, name="events", daemon=True).start()
    return iter(merged)

"""The daemon's own state: settings, engine, dictation and subscribers; what every server of the daemon uses."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asr_app import __version__
from asr_app.daemon.dictation import Dictation, OpenSource, State, StateChanged
from asr_app.daemon.hints import Hints, expecting
from asr_app.daemon.outbox import Outbox
from asr_app.daemon.recordings import Recordings
from asr_app.daemon.sinks import Sink
from asr_app.daemon.streams import Streams
from asr_app.engine.engine import Engine
from asr_app.engine.stream import explained
from asr_app.errors import DaemonError
from asr_app.events import Event
from asr_app.library.models import find_model, installed_models, shipped_models
from asr_app.live.two_passes import SecondPass
from asr_app.recognizer import Recognizer
from asr_app.records.history import Kind
from asr_app.records.remembering import memory_of
from asr_app.text.writing import Writing
from asr_app.typing.pace import Pace

if TYPE_CHECKING:
    from asr_app.config import Settings

logger = logging.getLogger(__name__)

_MODELS_OF_LANGUAGES = {"en": "english"}
_DEVICES = ("auto", "cpu", "cuda", "mps")
_FIXED = ("sink", "limits")
"""Settings that are read once."""

Load = Callable[["Settings"], Recognizer]
"""Loads the recogniser that settings ask for; takes seconds."""


@dataclass(frozen=True, slots=True)
class Writers:
    """What makes written text of finals, where it is wanted: of dictation, and of recordings. pace: see Dictation."""

    dictation: Writing | None = None
    recordings: Writing | None = None
    pace: Pace | None = None


class Service:
    """For the event loop's thread; `load` comes first, `close` last."""

    def __init__(
        self,
        read_settings: Callable[[], "Settings"],
        load: Load,
        open_source: OpenSource,
        sink: Sink,
        *,
        load_writers: Callable[["Settings"], Writers] = lambda _: Writers(),
    ) -> None:
        """read_settings: reads them anew, command line over all; AsrError where they are wrong.

        load_writers: loads what makes written text of finals.
        """
        self.settings = self._first_settings = read_settings()
        self.limits = self.settings.limits
        self.stopping = asyncio.Event()
        self.recordings = Recordings()
        self.recordings_writing: Writing | None = None
        self._second_pass = SecondPass()
        self._read_settings, self._load, self._load_writers = read_settings, load, load_writers
        self._began, self._opened = time.monotonic(), 0
        self._engine: Engine | None = None
        self._loading = asyncio.Lock()
        self._subscribers: set[Outbox] = set()
        self._dictation = Dictation(open_source, sink, self._publish, self.limits.backlog)

    @property
    def engine(self) -> Engine:
        """Where servers open their streams; DaemonError while there is none."""
        if self._engine is None:
            raise DaemonError("the recogniser is still being loaded: try again in a few seconds")
        return self._engine

    async def streams(self, hints: Hints | None = None) -> Streams:
        """Where a client who may have given hints opens live streams; DaemonError while the recogniser is loaded."""
        engine = self.engine
        self._opened += 1
        return Streams(engine, await self._expecting(engine.recognizer, hints or Hints()), self._second_pass)

    async def recognizer(self, hints: Hints) -> Recognizer:
        """For the recording of a client who gives hints; DaemonError while it is loaded."""
        return await self._expecting(self.engine.recognizer, hints)

    async def _expecting(self, recognizer: Recognizer, hints: Hints) -> Recognizer:
        if hints == Hints():
            return recognizer
        return await asyncio.to_thread(expecting, recognizer, self.settings.model, hints, self.limits.hints)

    @property
    def is_idle(self) -> bool:
        """Whether nobody speaks and no recording is heard."""
        return not self.engine.status.live and not self.recordings.under_way

    @property
    def work_done(self) -> tuple[int, int]:
        """Streams that were opened and recordings that were begun so far."""
        return self._opened, self.recordings.begun

    @property
    def state(self) -> State:
        """What the daemon is doing."""
        if self.stopping.is_set():
            return State.STOPPED
        return self._dictation.state if self._engine else State.LOADING

    async def load(self, settings: "Settings") -> None:
        """Recognise with other settings from the next stream on; AsrError, and all stays, where they cannot be had."""
        await self._change(lambda _: settings)

    async def _change(self, changed: Callable[["Settings"], "Settings"]) -> None:
        """As load; changed: makes the settings of those in use, once no other change is under way."""
        async with self._loading:
            settings = changed(self.settings)
            recognizer = await asyncio.to_thread(self._load, settings)
            writers = await asyncio.to_thread(self._load_writers, settings)
            self._dictation.writing, self._dictation.pace = writers.dictation, writers.pace
            self.recordings_writing = writers.recordings
            self._dictation.memory = memory_of(settings, Kind.DAEMON)
            before, self._engine = self._engine, Engine(recognizer, self.limits.engine)
            self.settings = settings
            if before:
                before.retire()
            else:
                self._publish(StateChanged(self.state))

    async def reload(self) -> None:
        """Read the settings again; what is wrong with them is logged, and the old ones stay."""
        await self._logged(self._change(lambda _: self._read_settings()))
        for name in _FIXED:
            if getattr(self.settings, name) != getattr(self._first_settings, name):
                logger.warning("the new setting %r is for the next start: restart the daemon", name)

    async def reload_words(self) -> None:
        """Read the user's own words again, under the settings as they are; what is wrong with them is logged.

        A take in progress expects them from its next segment on.
        """
        await self._logged(self._expect_words())

    async def _expect_words(self) -> None:
        await self._change(lambda settings: settings)
        await self._dictation.expect(self.engine.recognizer, find_model(self.settings.model))

    async def _logged(self, change: Awaitable[None]) -> None:
        try:
            await change
        except Exception as error:
            logger.info("the details:", exc_info=True)
            logger.warning("the settings were not reloaded: %s", explained(error))

    async def close(self) -> None:
        """Finish what was said, tell subscribers of the end, stop the engine."""
        await self._dictation.stop()
        await self._dictation.drain(self.limits.drain_s)
        self._publish(StateChanged(State.STOPPED))
        for outbox in self._subscribers:
            outbox.close()
        self.recordings.close()
        if self._engine:
            await asyncio.to_thread(self._engine.close)
        self._second_pass.close()

    async def start(self) -> dict[str, Any]:
        """Begin to dictate."""
        return {"changed": await self._dictation.start(await self.streams()), "state": self.state}

    async def stop(self) -> dict[str, Any]:
        """End the dictation; its last words follow."""
        return {"changed": await self._dictation.stop(), "state": self.state}

    async def toggle(self) -> dict[str, Any]:
        """Begin or end."""
        return await (self.stop() if self._dictation.is_on else self.start())

    async def cancel(self) -> dict[str, Any]:
        """Drop the dictation and the words that were not told yet."""
        return {"changed": await self._dictation.cancel(), "state": self.state}

    async def status(self) -> dict[str, Any]:
        """Everything but words."""
        engine = self._engine.status if self._engine else None
        return {
            "state": self.state,
            "pid": os.getpid(),
            "version": __version__,
            "uptime_s": round(time.monotonic() - self._began, 1),
            "model": self.settings.model,
            "device": self.settings.device,
            "subscribers": len(self._subscribers),
            "streams": {"live": engine.live, "files": self.recordings.under_way} if engine else {},
            "failure": engine.failure if engine else None,
        }

    async def set(self, /, **wanted: Any) -> dict[str, Any]:
        """Use another model, language or device from the next start on."""
        if unknown := set(wanted) - {"model", "language", "device"}:
            raise DaemonError(f"nothing is called {min(unknown)!r}: set model, language or device")
        _check(wanted, "language", tuple(_MODELS_OF_LANGUAGES))
        if language := wanted.pop("language", None):
            wanted.setdefault("model", _MODELS_OF_LANGUAGES[language])
        _check(wanted, "model", [*shipped_models(), *installed_models(), self.settings.model])
        _check(wanted, "device", _DEVICES)
        await self._change(lambda settings: settings.model_copy(update=wanted))
        return {"model": self.settings.model, "device": self.settings.device}

    async def shutdown(self) -> dict[str, Any]:
        """End the daemon once what was said is written."""
        self.stopping.set()
        return {"state": self.state}

    def subscribe(self) -> Outbox:
        """All events from now on; to be given back."""
        outbox = Outbox(self.limits.backlog)
        self._subscribers.add(outbox)
        return outbox

    def unsubscribe(self, outbox: Outbox) -> None:
        """Tell it no more."""
        self._subscribers.discard(outbox)

    def _publish(self, event: Event) -> None:
        for outbox in self._subscribers:
            outbox.put(event)


def _check(wanted: dict[str, Any], name: str, allowed: Sequence[str]) -> None:
    if name in wanted and wanted[name] not in allowed:
        raise DaemonError(f"no {name} {str(wanted[name])[:40]!r}: choose one of {', '.join(dict.fromkeys(allowed))}")

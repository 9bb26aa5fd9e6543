"""POST /v1/audio/transcriptions: a recording in, its transcript out, at once or as it becomes certain."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from asr_app.audio.file import open_audio
from asr_app.audio.silero import SAMPLE_RATE
from asr_app.audio.types import AudioChunk
from asr_app.daemon.deltas import Deltas
from asr_app.daemon.hints import Hints
from asr_app.daemon.limits import Limits
from asr_app.daemon.openai_errors import ApiError, api_error
from asr_app.daemon.openai_formats import RESPONSE_FORMATS, Recording, rendered, usage
from asr_app.daemon.openai_metrics import Metrics
from asr_app.daemon.openai_upload import Upload, receive_upload
from asr_app.daemon.outbox import Outbox
from asr_app.daemon.recordings import Recordings
from asr_app.daemon.service import Service
from asr_app.engine.stream import explained
from asr_app.errors import AsrError, AudioFormatError
from asr_app.events import Final, Written
from asr_app.recognizer import Recognizer
from asr_app.text.writing import Writing, WrittenListener

logger = logging.getLogger(__name__)

OPENAI_MODELS = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
"""Names that clients have built in; they get the daemon's model."""

LANGUAGES = ("en", "english")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for."""

    recording: Path
    form: str
    granularities: tuple[str, ...]
    streamed: bool
    hints: Hints

    @classmethod
    def of(cls, upload: Upload, model: str) -> "Wanted":
        """ApiError for what cannot be had. temperature and what else there may be is left out."""
        form = _one_of(upload, "response_format", RESPONSE_FORMATS, "json")
        granularities = upload.fields.get("timestamp_granularities", [])
        if set(granularities) - {"word", "segment"}:
            raise ApiError(400, "timestamps are of each word or segment: ask for these", "timestamp_granularities")
        streamed = _one_of(upload, "stream", ("true", "false", "1", "0"), "false")
        _one_of(upload, "language", LANGUAGES, "en")
        check_model(upload.fields.get("model", [""])[-1], model)
        if upload.recording is None:
            raise ApiError(400, "there is no recording: send one as the field 'file'", "file")
        hints = Hints(upload.fields.get("prompt", [""])[-1])
        return cls(upload.recording, form, tuple(granularities), streamed in ("true", "1"), hints)


def check_model(name: str, loaded: str) -> None:
    """ApiError where a client asks for another model than the one that is loaded, or one of OpenAI's names."""
    if not name:
        raise ApiError(400, f"no model is named: ask for {loaded}", "model")
    if name not in (loaded, *OPENAI_MODELS):
        raise ApiError(404, f"there is no model {name[:40]!r}: ask for {loaded}", "model", "model_not_found")


def _one_of(upload: Upload, name: str, allowed: tuple[str, ...], default: str) -> str:
    value = (upload.fields.get(name) or [default])[-1] or default
    if value.lower() not in allowed:
        raise ApiError(400, f"{name} {value[:40]!r}: choose one of {', '.join(allowed)}", name)
    return value.lower()


class Transcriptions:
    """The endpoint."""

    def __init__(self, service: Service, limits: Limits, metrics: Metrics) -> None:
        self._service, self._limits, self._metrics = service, limits, metrics
        self._threads = ThreadPoolExecutor(limits.uploads, "recording")

    def close(self) -> None:
        """Take no more recordings."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, request: Request) -> Response:
        """Answer; the recording is gone afterwards."""
        async with AsyncExitStack() as resources:
            await resources.enter_async_context(self._place())
            try:
                upload = await resources.enter_async_context(receive_upload(request, self._limits))
            except ClientDisconnect:
                return Response(status_code=499)
            wanted = Wanted.of(upload, Path(self._service.settings.model).name)
            work = await resources.enter_async_context(self._work(wanted))
            if wanted.streamed:
                return _Streamed(work, resources.pop_all())
            finals = await _unless_gone(request, work)
            if finals is None:
                return Response(status_code=499)
            recording = Recording(finals, work.duration_s)
            # subtitles of hours take seconds, for which live speech shall not wait
            loop = asyncio.get_running_loop()
            arguments = recording, wanted.form, wanted.granularities
            body, media_type = await loop.run_in_executor(self._threads, rendered, *arguments)
            return Response(body, media_type=media_type)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the places for recordings."""
        recordings = self._service.recordings
        if recordings.under_way >= self._limits.uploads:
            raise ApiError(
                429,
                f"{self._limits.uploads} recordings are being heard, and no more may be: try again later",
                code="rate_limit_exceeded",
            )
        with recordings.taken():
            yield

    @asynccontextmanager
    async def _work(self, wanted: Wanted) -> AsyncIterator["_Work"]:
        """A recording that is being heard; at the end no thread reads it any more."""
        began = time.monotonic()
        try:
            recognizer = await self._service.recognizer(wanted.hints)
        except AsrError as error:
            raise api_error(error) from error
        work = _Work(wanted.recording, self._limits, self._service.recordings_writing)
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(self._threads, work.transcribe, self._service.recordings, recognizer)
        try:
            yield work
        finally:
            work.cancel()
            await asyncio.shield(reading)
            if work.is_done:
                self._metrics.heard(work.duration_s, time.monotonic() - began)


class _Work:
    """A recording on its way: a thread has it heard, the event loop takes its segments."""

    def __init__(self, path: Path, limits: Limits, writing: Writing | None) -> None:
        """writing: gives the text of finals, in place of what was heard."""
        self.duration_s, self.is_done = 0.0, False
        self._path, self._limits, self._is_written = path, limits, writing is not None
        self._outbox = Outbox(limits.backlog)
        self._listener = WrittenListener(self._outbox, writing) if writing else self._outbox
        self._cancelled = threading.Event()
        self._error: ApiError | None = None

    def transcribe(self, recordings: Recordings, recognizer: Recognizer) -> None:
        """In a thread: tell what is said, a segment for each run of speech."""
        try:
            with open_audio(self._path, sample_rate=SAMPLE_RATE) as source:
                utterances = recordings.transcribe(recognizer, self._chunks(source))
                for number, utterance in enumerate(utterances):
                    self._listener.put(Final(number, 1, utterance.words))
        except ApiError as error:
            self._error = error
        except AudioFormatError as error:
            reason = str(error).replace(str(self._path), "the upload")
            self._error = api_error(AudioFormatError(reason))
        except Exception as error:
            logger.info("a recording failed", exc_info=True)
            self._error = ApiError(500, explained(error).replace(str(self._path), "the upload"))
        self._listener.close()

    def _chunks(self, source: Iterable[AudioChunk]) -> Iterator[AudioChunk]:
        """The sound, until the client is gone; ApiError where it is too long."""
        for chunk in source:
            if self._cancelled.is_set():
                return
            self.duration_s += len(chunk.samples) / SAMPLE_RATE
            if self.duration_s > self._limits.recording_s:
                longest = self._limits.recording_s
                raise ApiError(413, f"the recording is longer than {longest:g} s: send it in parts", "file")
            yield chunk

    def cancel(self) -> None:
        """Stop at once."""
        self._cancelled.set()

    async def finals(self) -> AsyncIterator[Final]:
        """The segments that have words, as they come; ApiError where not all can be heard."""
        try:
            async with asyncio.timeout(self._limits.decode_s):
                async for event in self._outbox:
                    if self._error:
                        break
                    if isinstance(event, Final) and event.words and isinstance(event, Written) is self._is_written:
                        yield _in_words(event) if isinstance(event, Written) else event
        except TimeoutError as error:
            longest = self._limits.decode_s
            raise ApiError(503, f"the recording took more than {longest:g} s: send a shorter one") from error
        except AsrError as error:
            raise api_error(error) from error
        if self._error:
            raise self._error
        self.is_done = True


def _in_words(text: Written) -> Final:
    """Written text as transcripts have it, each of its words with the times of what was said for it."""
    if text.note:
        logger.warning("%s", text.note)
    return Final(text.segment_id, text.revision, text.words)


async def _unless_gone(request: Request, work: _Work) -> tuple[Final, ...] | None:
    """The segments; None where the client hangs up before they are there."""
    hearing = asyncio.create_task(_all_of(work))
    gone = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait([hearing, gone], return_when=asyncio.FIRST_COMPLETED)
        return hearing.result() if hearing.done() else None
    finally:
        for task in (hearing, gone):
            task.cancel()
        await asyncio.gather(hearing, gone, return_exceptions=True)


async def _all_of(work: _Work) -> tuple[Final, ...]:
    return tuple([final async for final in work.finals()])


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Streamed(StreamingResponse):
    """Server-sent events; the work ends with it, whether it was told to its end or not."""

    def __init__(self, work: _Work, resources: AsyncExitStack) -> None:
        super().__init__(_told(work), media_type="text/event-stream", headers={"cache-control": "no-store"})
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI wants it."""
        async with self._resources:
            await super().__call__(scope, receive, send)


async def _told(work: _Work) -> AsyncIterator[str]:
    """The text, segment by segment, then all of it; an error is the last of the events."""
    deltas, text = Deltas(), ""
    try:
        async for final in work.finals():
            delta = deltas.of(final)
            text += delta
            yield _sse({"type": "transcript.text.delta", "delta": delta})
        yield _sse({"type": "transcript.text.done", "text": text, "usage": usage(work.duration_s)})
    except ApiError as error:
        yield _sse({"type": "error", **error.body})


def _sse(event: dict[str, object]) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"

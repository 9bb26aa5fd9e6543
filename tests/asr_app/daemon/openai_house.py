"""The OpenAI server of the whistle recogniser, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from loudness import Loudness

import asr_app.daemon.recordings
from asr_app.config import Settings
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import Binding
from asr_app.daemon.openai_server import serve_openai
from asr_app.daemon.service import Service, Writers
from asr_app.daemon.sinks import NoSink
from asr_app.text.writing import Write, Writing

KEY = "sesame"


class House:
    """port: where it answers; service: what it serves."""

    def __init__(self, service: Service, port: int) -> None:
        self.service, self.port = service, port
        self.url = f"http://127.0.0.1:{port}"


def no_source(_: int) -> Any:
    raise AssertionError("nobody dictates")


@contextmanager
def at_home(
    load: Callable[..., Any], model: str = "whistle", write: Write | None = None, **limits: Any
) -> Iterator[House]:
    """A server with an API key, to whose ear whistling is speech. write: gives the text of recordings."""
    ready = threading.Event()
    houses: list[House] = []
    failures: list[BaseException] = []
    stops: list[Callable[[], None]] = []

    async def serve() -> None:
        settings = Settings(model=model, device="cpu", limits=Limits(**limits))
        service = Service(
            lambda: settings,
            lambda _: load(chunk_ms=320),
            no_source,
            NoSink(),
            load_writers=lambda _: Writers(recordings=Writing(write) if write else None),
        )
        await service.load(settings)
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        async with serve_openai(service, Binding(api_key=KEY), service.limits) as port:
            houses.append(House(service, port))
            stops.append(lambda: loop.call_soon_threadsafe(over.set))
            ready.set()
            await over.wait()
        await service.close()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  # told in the test's thread
            failures.append(error)
        ready.set()

    thread = threading.Thread(target=run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asr_app.daemon.recordings, "SileroVad", Loudness)
        thread.start()
        ready.wait(60)
        assert not failures, failures
        try:
            yield houses[0]
        finally:
            stops[0]()
        thread.join(30)
    assert not thread.is_alive()
    assert not failures, failures

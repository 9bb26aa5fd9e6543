"""The daemon's process: the socket, the signals, and an end in good order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from asr_app.daemon.control import ControlServer
from asr_app.daemon.memory import keep_small
from asr_app.daemon.network import Servers, serving
from asr_app.daemon.service import Service
from asr_app.daemon.systemd import Notifier
from asr_app.words.vocabulary_watch import VocabularyWatch


def run(socket: Path, make_service: Callable[[], Service], servers: Servers, tell_ready: Callable[[], None]) -> None:
    """Be the daemon that answers at a socket and at its servers, until a client or a signal ends it.

    tell_ready: called once, when the recogniser is loaded.
    SIGTERM and SIGINT finish what was said; SIGHUP reads the settings again, and a change of the user's words these.
    Raises AsrError where the recogniser cannot be loaded, or an address not be had.
    """
    asyncio.run(_serve(socket, make_service, servers, tell_ready))


async def _serve(
    socket: Path, make_service: Callable[[], Service], servers: Servers, tell_ready: Callable[[], None]
) -> None:
    service = make_service()
    control = ControlServer(service, service.limits)
    reloads: set[asyncio.Task[None]] = set()

    notifier = Notifier()

    async def read_again(reading: Callable[[], Awaitable[None]]) -> None:
        notifier.reloading()
        await reading()
        notifier.ready()

    def reload(reading: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(read_again(reading))
        reloads.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(reloads.discard)

    loop = asyncio.get_running_loop()
    words = VocabularyWatch(
        service.settings.vocabulary, lambda: loop.call_soon_threadsafe(reload, service.reload_words)
    )

    async def reload_settings() -> None:
        await service.reload()
        words.look_at(service.settings.vocabulary)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reload, reload_settings)
    await control.listen(socket)
    try:
        async with serving(servers, service, service.limits):
            await service.load(service.settings)
            notifier.ready()
            tell_ready()
            chores = [
                asyncio.create_task(notifier.watch(lambda: _answers(service, notifier.watchdog_s))),
                asyncio.create_task(keep_small(lambda: service.is_idle, lambda: service.work_done)),
            ]
            with words:
                await service.stopping.wait()
            for chore in chores:
                chore.cancel()
            await service.stop()  # nobody is heard while requests come to their end
    finally:
        notifier.stopping()
        await service.close()
        await control.close()


def _answers(service: Service, patience_s: float) -> bool:
    """Whether the engine is alive, and not at one step for as long as the watchdog waits, and recordings are heard."""
    engine = service.engine.status
    return engine.failure is None and engine.busy_s < patience_s and not service.recordings.is_hanging

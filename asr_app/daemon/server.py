"""The daemon's process: the socket, the signals, and an end in good order."""

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path

from asr_app.daemon.control import ControlServer
from asr_app.daemon.service import Service

logger = logging.getLogger(__name__)


def run(socket: Path, make_service: Callable[[], Service]) -> None:
    """Be the daemon that answers at a socket, until a client or a signal ends it.

    SIGTERM and SIGINT finish what was said; SIGHUP reads the settings again. Raises AsrError where the recogniser
    cannot be loaded.
    """
    asyncio.run(_serve(socket, make_service))


async def _serve(socket: Path, make_service: Callable[[], Service]) -> None:
    service = make_service()
    control = ControlServer(service, service.limits)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(service.reload())
        reloads.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(reloads.discard)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await control.listen(socket)
    try:
        await service.load(service.settings)
        logger.info("ready at %s", socket)
        await service.stopping.wait()
    finally:
        await service.close()
        await control.close()

"""How long the screen takes to show one more partial, at 10 segments and at 10,000.

python tests/bench/screen.py [--rounds 2]

The whole path: the event is posted as the session's thread posts it, and the update ends when the driver has been given
the last byte that it brings about; layout, compositor and rendering are in it. The processor's time is that of the
program's own thread. Time on the clock also has the wait for Textual's next frame, at most a sixtieth of a second.
Both sizes take turns in one process. A tick is one look at level, figures and spectrogram, twelve of which a second
come while somebody speaks.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from measure import REPOSITORY, record
from textual.drivers.headless_driver import HeadlessDriver

from asr_app.events import Final, Partial

sys.path.insert(0, str(REPOSITORY / "tests" / "tui"))
from fake_session import FakeSessions, StillApp, make_app, spectrum, words  # which only that folder's own tests find

from tui.messages import Heard
from tui.session import State

TEXT = "please write to the office that the train will be forty minutes late and that nobody has to wait"
FEW, MANY = 10, 10_000
SIZE = (120, 40)
SETTLED_S = 0.1  # after the last byte; a frame is a sixtieth of a second
UPDATES = 40


class Terminal(HeadlessDriver):
    """A driver that is written to as a terminal's is, and tells how much and when."""

    written, last_cpu_s, last_s = 0, 0.0, 0.0

    @property
    def is_headless(self) -> bool:
        """What is headless is not drawn."""
        return False

    def write(self, data: str) -> None:
        """Count what a terminal would get."""
        self.written += len(data)
        self.last_cpu_s, self.last_s = time.thread_time(), time.perf_counter()


class Cost:
    """Milliseconds of processor and of clock, and characters, of each update."""

    def __init__(self) -> None:
        self.cpu_ms: list[float] = []
        self.wall_ms: list[float] = []
        self.characters: list[int] = []

    async def of(self, terminal: Terminal, act: Callable[[], object]) -> None:
        """Act, and wait until nothing more is drawn."""
        before, cpu_s, wall_s = terminal.written, time.thread_time(), time.perf_counter()
        act()
        while terminal.written == before or time.perf_counter() < terminal.last_s + SETTLED_S:
            await asyncio.sleep(SETTLED_S / 4)
        self.cpu_ms.append(1000 * (terminal.last_cpu_s - cpu_s))
        self.wall_ms.append(1000 * (terminal.last_s - wall_s))
        self.characters.append(terminal.written - before)

    def figures(self, name: str) -> dict[str, object]:
        """Medians, and the 95th percentile of the time."""
        late = statistics.quantiles(self.cpu_ms, n=20)[-1]
        return {
            f"{name}_cpu_ms": [round(statistics.median(self.cpu_ms), 2), round(late, 2)],
            f"{name}_wall_ms": round(statistics.median(self.wall_ms), 1),
            f"{name}_characters": round(statistics.median(self.characters)),
        }


async def running(segments: int, measure: Callable[[Any, Terminal], Awaitable[None]]) -> None:
    """Measure the program with so many segments on its screen."""
    app: Any = make_app(
        FakeSessions(), kind=StillApp, restored=[Final(k, 1, words(TEXT, 10.0 * k)) for k in range(segments)]
    )
    app.driver_class = Terminal

    async def pilot(_: object) -> None:
        while app._session is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        await measure(app, app._driver)
        app.exit()

    await app.run_async(size=SIZE, auto_pilot=pilot)
    sys.stdout.write("\n")


async def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    costs = {(size, kind): Cost() for size in (FEW, MANY) for kind in ("update", "tick")}
    for _ in range(arguments.rounds):
        for size in (FEW, MANY):

            async def measure(app: Any, terminal: Terminal, size: int = size) -> None:
                await _update(app, terminal, costs[size, "update"])
                await _tick(app, terminal, costs[size, "tick"])

            await running(size, measure)
    figures: dict[str, object] = {}
    for (size, kind), cost in costs.items():
        figures |= cost.figures(f"{kind}_at_{size}")
    record("screen", figures)


async def _update(app: Any, terminal: Terminal, cost: Cost) -> None:
    """Segments grow by a word at a time."""
    spoken = TEXT.split()
    for number in range(UPDATES):
        segment, said = divmod(number, len(spoken))
        event = Partial(segment, number + 1, words(" ".join(spoken[: 1 + said])), said // 2)
        await cost.of(terminal, lambda event=event: app.post_message(Heard(app._session, event)))


async def _tick(app: Any, terminal: Terminal, cost: Cost) -> None:
    """Two columns more, another level, and the clock a second on."""
    columns = spectrum(400)
    for number in range(UPDATES):
        app._session.columns = columns[2 * number : 2 * number + 2]
        app._session.change(state=State.SPEECH, level_dbfs=-40.0 + number % 20, time_s=60.0 + number / 12)
        await cost.of(terminal, app.update_status)


if __name__ == "__main__":
    asyncio.run(main())

"""How long the screen takes to show one more partial, at 10 segments and at 10,000.

python tests/bench/screen.py

An update is what follows from an event: the transcript, its layout, and every line in sight drawn anew. Both sizes take
turns in one process; times are of the processor.
"""

import asyncio
import statistics
import sys
import time
from typing import Any

from measure import REPOSITORY, record

from asr_app.events import Final, Partial

sys.path.insert(0, str(REPOSITORY / "tests" / "tui"))
from fake_session import FakeSessions, StillApp, make_app, words  # which only that folder's own tests find

TEXT = "please write to the office that the train will be forty minutes late and that nobody has to wait"
FEW, MANY = 10, 10_000
ROUNDS, UPDATES = 2, 19


async def updates_ms(segments: int) -> list[float]:
    """Milliseconds of each update; the first, which lays everything out, is not among them."""
    app = make_app(
        FakeSessions(), kind=StillApp, restored=[Final(k, 1, words(TEXT, 10.0 * k)) for k in range(segments)]
    )
    async with app.run_test(size=(120, 40)) as pilot:
        while app._session is None:
            await asyncio.sleep(0.01)
        await pilot.pause()
        return [await _update_ms(app, pilot, number) for number in range(UPDATES)]


async def _update_ms(app: Any, pilot: Any, number: int) -> float:
    text = " ".join(TEXT.split()[: 1 + number])
    event = app.document.placed(Partial(0, number + 1, words(text), number // 2))
    view = app.dictation.transcript
    began = time.process_time()
    app.dictation.hear(event)
    view.render_lines(view.size.region)
    spent = time.process_time() - began
    await pilot.pause()
    return 1000 * spent


async def main() -> None:
    """Measure and print one JSON line."""
    times: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for segments, measured in times.items():
            measured += await updates_ms(segments)
    figures: dict[str, object] = {}
    for segments, measured in times.items():
        figures[f"median_ms_at_{segments}"] = round(statistics.median(measured), 2)
        figures[f"p95_ms_at_{segments}"] = round(statistics.quantiles(measured, n=20)[-1], 2)
    record("screen", figures)


if __name__ == "__main__":
    asyncio.run(main())

"""The queue of events: a slow reader misses partials, never anything else."""

import threading
import time

from asr_app.events import AudioGap, Event, Final, Partial, SpeechEnded
from asr_app.live.event_queue import EventQueue


def taken(queue: EventQueue) -> list[Event]:
    queue.close()
    return list(queue)


def test_the_latest_partial_wins() -> None:
    queue, gap = EventQueue(), AudioGap(0, 5)
    for event in [Partial(0, 1, ()), gap, Partial(0, 2, ()), Partial(0, 3, ())]:
        queue.put(event)
    assert taken(queue) == [gap, Partial(0, 3, ())]


def test_a_final_takes_the_place_of_its_partial() -> None:
    queue = EventQueue()
    events = [Partial(0, 1, ()), Final(0, 2, ()), Partial(1, 1, ()), SpeechEnded(1.0)]
    for event in events:
        queue.put(event)
    assert taken(queue) == events[1:]


def test_finals_are_waited_for() -> None:
    queue, finals = EventQueue(limit=2), [Final(k, 1, ()) for k in range(6)]
    writer = threading.Thread(target=lambda: [queue.put(final) for final in finals])
    writer.start()
    time.sleep(0.02)
    assert writer.is_alive()
    reader = iter(queue)
    assert [next(reader) for _ in finals] == finals
    writer.join(5)


def test_close_ends_a_waiting_writer_and_the_reader() -> None:
    queue = EventQueue(limit=1)
    queue.put(Final(0, 1, ()))
    writer = threading.Thread(target=lambda: queue.put(Final(1, 1, ())))
    writer.start()
    queue.close()
    writer.join(5)
    assert not writer.is_alive()
    assert next(iter(queue)) == Final(0, 1, ())

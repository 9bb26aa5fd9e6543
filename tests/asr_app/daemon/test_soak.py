"""A daemon after many clients of whom most broke off: all finals told, and nothing left behind."""

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import serving
import storm
from serving import House, pcm

from asr_app.audio.types import Samples

house, open_house = serving.house, serving.open_house


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def working() -> set[str]:
    """Names of the threads, without the pool that reads recordings and writes their transcripts."""
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith("recording")}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted as Linux shows them")
def test_a_storm_leaves_nothing_behind(house: House, whistle: Callable[..., Samples]) -> None:
    sound = pcm(whistle("__tan__"))
    storm.storm(house.addresses, sound, 60, seed=1)  # whatever is made once is there afterwards
    until(lambda: house.service.engine.status.live == 0)
    gc.collect()
    before, threads = descriptors(), working()
    told = storm.storm(house.addresses, sound, 120, seed=2)
    assert {name for name, _ in told} == {*storm.speakers(house.addresses, sound)}
    assert {text for _, text in told} == {"tan"}
    until(lambda: house.service.engine.status.live == 0)
    until(lambda: descriptors() <= before)
    assert working() == threads


@pytest.mark.parametrize("protocol", ["rest", "realtime", "vosk", "wyoming", "control"])
def test_frames_of_chance_disturb_nobody(house: House, whistle: Callable[..., Samples], protocol: str) -> None:
    sound = pcm(whistle("__tan__"))
    attack = storm.attacks(house.addresses)[protocol]
    speak = storm.speakers(house.addresses, sound)["vosk"]
    assert storm.beside(speak, lambda: attack(100)) == {"tan"}

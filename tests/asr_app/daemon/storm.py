"""Many clients at once of whom most break off, and one who speaks while others attack."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import hostile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Addresses, at_24_khz, by_realtime, by_rest, by_vosk, by_wyoming

FRAMES_A_CONNECTION = 4  # at most: what follows a malformed one is not read any more

_BREATH_S = 0.3  # between two sentences

Told = tuple[str, str]
"""A protocol, and what its client was told."""


def speakers(at: Addresses, sound: bytes) -> dict[str, Callable[[], str]]:
    """For each protocol a function that speaks as it should, and what it is told; sound: s16le of 16,000 Hz."""
    fast = at_24_khz(sound)
    return {
        "rest": lambda: by_rest(at.http_port, sound),
        "realtime": lambda: by_realtime(at.http_port, fast),
        "vosk": lambda: by_vosk(at.vosk_port, sound),
        "wyoming": lambda: by_wyoming(f"tcp://127.0.0.1:{at.wyoming_port}", sound),
        "wyoming at a Unix socket": lambda: by_wyoming(f"unix://{at.wyoming_socket}", sound),
    }


def storm(at: Addresses, sound: bytes, sessions: int, seed: int, workers: int = 8) -> list[Told]:
    """So many sessions, a quarter of them well-behaved: what these were told."""
    chances = [random.Random(f"{seed} {number}") for number in range(sessions)]
    with ThreadPoolExecutor(workers) as pool:
        told = pool.map(lambda chance: _session(at, sound, chance), chances)
        return [one for one in told if one is not None]


def _session(at: Addresses, sound: bytes, chance: random.Random) -> Told | None:
    if chance.random() < 0.25:
        name, speak = chance.choice([*speakers(at, sound).items()])
        return name, speak()
    misuse: list[Callable[[], None]] = [
        lambda: hostile.misuse_rest(at.http_port, sound, chance),
        lambda: hostile.misuse_realtime(at.http_port, at_24_khz(sound), chance),
        lambda: hostile.misuse_vosk(at.vosk_port, sound, chance),
        lambda: hostile.misuse_wyoming(at.wyoming_port, sound, chance),
        lambda: hostile.misuse_wyoming(at.wyoming_socket, sound, chance),
        lambda: hostile.misuse_control(at.control, chance),
    ]
    chance.choice(misuse)()
    return None


def attacks(at: Addresses) -> dict[str, Callable[[int], int]]:
    """For each protocol a function that throws at least so many frames of chance at it, and counts them."""
    realtime = "/v1/realtime?intent=transcription"
    return {
        "rest": lambda frames: _attack(lambda: hostile.dial(at.http_port), hostile.rest_requests, frames),
        "realtime": lambda frames: _attack(
            lambda: hostile.upgraded(at.http_port, realtime), hostile.realtime_frames, frames
        ),
        "vosk": lambda frames: _attack(lambda: hostile.upgraded(at.vosk_port), hostile.vosk_frames, frames),
        "wyoming": lambda frames: _attack(lambda: hostile.dial(at.wyoming_port), hostile.wyoming_frames, frames),
        "control": lambda frames: _attack(lambda: hostile.dial(at.control), hostile.control_frames, frames),
    }


def _attack(dial: hostile.Dial, strategy: st.SearchStrategy[bytes], frames: int) -> int:
    thrown = 0

    @settings(max_examples=frames, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(strategy, min_size=1, max_size=FRAMES_A_CONNECTION))
    def attack(some: list[bytes]) -> None:
        nonlocal thrown
        if thrown < frames:
            hostile.throw(dial(), some)
            thrown += len(some)

    attack()
    return thrown


def beside(speak: Callable[[], str], attack: Callable[[], object]) -> set[str]:
    """All that a client was told who spoke again and again during an attack, and once after it."""
    told: set[str] = set()
    failures: list[Exception] = []
    over = threading.Event()

    def run() -> None:
        try:
            while not over.wait(_BREATH_S):
                told.add(speak())
        except Exception as error:
            failures.append(error)
            raise

    speaker = threading.Thread(target=run)
    speaker.start()
    try:
        attack()
    finally:
        over.set()
        speaker.join()
    if failures:
        raise failures[0]
    return told | {speak()}

"""Many clients at once of whom most break off, and one who speaks while others attack."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import hostile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Addresses, by_vosk, by_wyoming

FRAMES_A_CONNECTION = 4  # at most: what follows a malformed one is not read any more


def storm(at: Addresses, sound: bytes, sessions: int, seed: int, workers: int = 8) -> list[str]:
    """So many sessions, a quarter of them well-behaved: what these were told."""
    chances = [random.Random(f"{seed} {number}") for number in range(sessions)]
    with ThreadPoolExecutor(workers) as pool:
        told = pool.map(lambda chance: _session(at, sound, chance), chances)
        return [text for text in told if text is not None]


def _session(at: Addresses, sound: bytes, chance: random.Random) -> str | None:
    speak: list[Callable[[], str]] = [
        lambda: by_vosk(at.vosk_port, sound),
        lambda: by_wyoming(f"tcp://127.0.0.1:{at.wyoming_port}", sound),
        lambda: by_wyoming(f"unix://{at.wyoming_socket}", sound),
    ]
    misuse: list[Callable[[], None]] = [
        lambda: hostile.misuse_vosk(at.vosk_port, sound, chance),
        lambda: hostile.misuse_wyoming(at.wyoming_port, sound, chance),
        lambda: hostile.misuse_wyoming(at.wyoming_socket, sound, chance),
        lambda: hostile.misuse_control(at.control, chance),
    ]
    if chance.random() < 0.25:
        return chance.choice(speak)()
    chance.choice(misuse)()
    return None


def attacks(at: Addresses) -> dict[str, Callable[[int], int]]:
    """For each protocol a function that throws at least so many frames of chance at it, and counts them."""
    return {
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
            while not over.is_set():
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

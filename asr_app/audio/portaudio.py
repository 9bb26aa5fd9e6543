"""PortAudio, through sounddevice: one call at a time, and none that is waited for without end.

A sound server that hangs, or that is only about to start, holds the calls that open, close and look for devices for as
long as it likes. So they are made in a thread of their own, which is left behind where it does not come back; and as
PortAudio is not made for several threads, no other call is made before it does.
"""

import atexit
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from asr_app.errors import AudioDeviceError

NO_LIBRARY = (
    "the PortAudio library is not installed: install it (Debian, Ubuntu: sudo apt install libportaudio2; "
    "Fedora: sudo dnf install portaudio; macOS: brew install portaudio)"
)
NO_ANSWER = "the sound system does not answer: wait a moment, or restart the sound server"

_PATIENCE_S = 10.0

_Result = TypeVar("_Result")
_Call = Callable[[Any], _Result]
_Undo = Callable[[Any, _Result], object]

open_streams: set[Any] = set()
"""A new start of PortAudio would close them. Whoever opens or closes one keeps this true, in the call that does so."""

_in_use = threading.Lock()


def ask(call: _Call[_Result], *, undo: _Undo[_Result] | None = None, patience_s: float = _PATIENCE_S) -> _Result:
    """What call(sounddevice) returns or raises.

    undo(sounddevice, result) takes back what comes when nobody waits for it any more. Raises AudioDeviceError where the
    library is missing, or does not answer for so many seconds.
    """
    if not _in_use.acquire(timeout=patience_s):
        raise AudioDeviceError(NO_ANSWER)
    answer: Future[_Result] = Future()
    threading.Thread(target=_answer, args=(answer, call, undo), name="portaudio", daemon=True).start()
    try:
        return answer.result(patience_s)
    except TimeoutError:
        if answer.cancel():
            raise AudioDeviceError(NO_ANSWER) from None
        return answer.result()  # it came just now


def _answer(answer: Future[_Result], call: _Call[_Result], undo: _Undo[_Result] | None) -> None:
    """The thread: call, and say what came of it, unless that was cancelled."""
    try:
        library = _library()
        result = call(library)
    except Exception as error:  # noqa: BLE001  # it is raised where the answer is waited for
        if answer.set_running_or_notify_cancel():
            answer.set_exception(error)
    else:
        if answer.set_running_or_notify_cancel():
            answer.set_result(result)
        elif undo:
            undo(library, result)
    finally:
        _in_use.release()


def _library() -> Any:
    try:
        import sounddevice
    except OSError as error:
        raise AudioDeviceError(NO_LIBRARY) from error
    _end_without_it(sounddevice)
    return sounddevice


@functools.cache
def _end_without_it(library: Any) -> None:
    """Let the program end without PortAudio's consent, where a call hangs."""

    def leave() -> None:
        if _in_use.acquire(blocking=False):
            library._exit_handler()

    atexit.unregister(library._exit_handler)
    atexit.register(leave)

"""Where the daemon is found: a private folder with its socket, and the lock that says who holds it.

Imports nothing slow: `asr ctl` is bound to a hotkey. So ASR_RUNTIME_DIR is read here, not with the settings.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from asr_app.errors import DaemonError

_LOCK = "daemon.lock"
_LONGEST_SOCKET = 107
"""Bytes of a Unix socket's path (sun_path of unix(7), less the final zero)."""


def runtime_folder() -> Path:
    """The folder of ASR_RUNTIME_DIR, or the user's own for sockets."""
    named = os.environ.get("ASR_RUNTIME_DIR")
    return Path(named) if named else platformdirs.user_runtime_path("asr")


def control_socket(folder: Path | None = None) -> Path:
    """The path of the control socket, in the runtime folder or another one."""
    return (folder or runtime_folder()) / "control.sock"


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner enters; DaemonError where it is another's, or too deep for a socket."""
    if len(os.fsencode(control_socket(folder))) > _LONGEST_SOCKET:
        raise DaemonError(f"{folder} is too long a path for a socket: name a shorter one with ASR_RUNTIME_DIR")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise DaemonError(f"{folder} belongs to somebody else: name another folder with ASR_RUNTIME_DIR")
        folder.chmod(0o700)
    except OSError as error:
        raise DaemonError(f"{folder}: {error.strerror}: name another folder with ASR_RUNTIME_DIR") from error
    return folder


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Be the only daemon of a folder: its control socket; DaemonError names the process that already is.

    The lock is the kernel's and goes with the process, however that ends. A socket that a dead one left is removed.
    """
    socket = control_socket(private_folder(folder))
    with open(folder / _LOCK, "a+", opener=_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise DaemonError(f"process {holder} holds {socket} already: stop it with `asr ctl shutdown`") from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        socket.unlink(missing_ok=True)
        try:
            yield socket
        finally:
            socket.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

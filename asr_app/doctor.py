"""`asr doctor`'s checks: what this machine has of all that the program uses, and what to do where it lacks something.

Each check is a function that returns one line. It runs in a thread of its own, so that none that hangs (a sound server
may) keeps the others waiting, and whatever it raises becomes a line, too.
"""

import importlib.metadata
import logging
import os
import platform
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from asr_app.errors import AsrError

if TYPE_CHECKING:
    from asr_app.audio.devices import InputDevice
    from asr_app.config import Settings
    from asr_app.recognizer import Recognizer

logger = logging.getLogger(__name__)

_PACKAGE = "asr-app"
_QUICK_S, _SLOW_S = 4.0, 300.0
_LISTEN_S = 0.5
SAMPLE = Path(__file__).parent / "resources" / "sample.flac"
SAMPLE_S = 3.96
"""A sentence that a speech synthesiser said, and its length: samples/kettle.wav of the project."""

_LIVE_FACTOR = 0.9
"""Seconds of work for a second of speech that dictation can bear."""

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what is so, and what to do about it.

    state: fail where recognising or dictating cannot work at all; warn where something is missing that may be wanted.
    """

    state: State
    text: str
    advice: str = ""


Check = Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Result:
    """A finding, with the name of its check and how long that took, in seconds."""

    name: str
    finding: Finding
    took_s: float


@dataclass(frozen=True, slots=True)
class Examination:
    """Checks by their names, in the order in which they run; `slow` ones may load a model."""

    quick: dict[str, Check] = field(default_factory=dict)
    slow: dict[str, Check] = field(default_factory=dict)

    def run(self) -> Iterator[Result]:
        """Each result when it is there; of what fails several checks alike only the first one tells."""
        told: dict[str, str] = {}
        for checks, limit_s in ((self.quick, _QUICK_S), (self.slow, _SLOW_S)):
            for name, check in checks.items():
                began = time.monotonic()
                finding = _examined(check, limit_s)
                if finding.state == "fail" and (first := told.setdefault(finding.text, name)) != name:
                    finding = Finding("warn", f"not checked: {first}")
                yield Result(name, finding, time.monotonic() - began)


def examination(load: Callable[[], "Recognizer"]) -> Examination:
    """All checks. load: loads the recogniser of the settings."""
    quick: dict[str, Check] = {
        "settings": check_settings,
        "packages": check_packages,
        "microphone": check_microphone,
        "audio devices": check_audio_devices,
        "typing": check_typing,
        "daemon": check_daemon,
        "models": check_models,
    }
    return Examination(quick, {"gpu": check_gpu, "recogniser": lambda: check_recogniser(load)})


def check_settings() -> Finding:
    """The settings file."""
    from asr_app.config import config_file, load_settings

    load_settings()
    path = config_file()
    return Finding("ok", f"{path}" if path.is_file() else f"no file, so the defaults; it would be {path}")


def check_packages() -> Finding:
    """Python, and the packages that the program needs."""
    required = importlib.metadata.requires(_PACKAGE) or []
    names = [re.split(r"[^\w.-]", line)[0] for line in required if "extra ==" not in line]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        return Finding("fail", f"not installed: {', '.join(missing)}", f"python -m pip install {' '.join(missing)}")
    version = importlib.metadata.version(_PACKAGE)
    return Finding("ok", f"asr {version}, Python {platform.python_version()}, all {len(names)} packages")


def check_microphone() -> Finding:
    """PortAudio, its inputs, and whether the default one gives more than digital silence."""
    from asr_app.audio.devices import NO_DEVICE, input_devices
    from asr_app.audio.level import FLOOR_DBFS

    devices = input_devices()
    if not devices:
        return Finding("warn", "PortAudio finds no input", NO_DEVICE)
    device = next((one for one in devices if one.is_default), devices[0])
    found = f"{device.name!r} of {len(devices)} input{'s' * (len(devices) > 1)}"
    level = _level_dbfs(device)
    if level is None:
        return Finding("warn", f"{found} gives no sound", "choose another input: `asr devices --test`")
    if level <= FLOOR_DBFS:
        advice = "unmute it, or allow its use in the system's settings; `asr devices --test` tries all"
        return Finding("warn", f"{found} gives digital silence", advice)
    return Finding("ok", f"{found} is heard at {level:.0f} dBFS")


def check_audio_devices(folder: Path = Path("/dev/snd")) -> Finding:
    """The permission to use the sound devices of Linux; a sound server may have it in the user's place."""
    inputs = sorted(folder.glob("pcm*c")) if folder.is_dir() else []
    closed = [path.name for path in inputs if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        advice = "this matters without a sound server only: sudo usermod -aG audio $USER, and log in again"
        return Finding("warn", f"{', '.join(closed)} may not be opened by this user", advice)
    return Finding("ok", f"{len(inputs)} inputs in {folder} may be opened" if inputs else f"no inputs in {folder}")


def check_typing() -> Finding:
    """Tools that type into the focused window of this session."""
    from asr_app.typing.session import Session
    from asr_app.typing.sink import tools_of

    session = Session()
    tools = tools_of(session)
    usable = [tool.name for tool in tools if not tool.obstacle]
    obstacles = "; ".join(tool.obstacle for tool in tools if tool.obstacle)
    where = f"session {session.display}"
    if usable:
        return Finding("ok", f"{where}: {', '.join(usable)}" + (f" ({obstacles})" if obstacles else ""))
    best = {
        "wayland": "wtype and wl-clipboard, on GNOME and KDE ydotool or dotool",
        "x11": "xdotool and xclip",
        "none": "ydotool",
    }
    advice = f"mend one of these, or install {best[session.display]}; docs/typing.md tells of each"
    return Finding("warn", f"{where}: nothing can type ({obstacles})", advice)


def check_daemon() -> Finding:
    """The runtime folder, and a daemon that answers there."""
    from asr_app.daemon.client import ControlClient
    from asr_app.daemon.runtime import control_socket, private_folder, runtime_folder
    from asr_app.errors import DaemonError

    socket = control_socket(private_folder(runtime_folder()))
    try:
        with ControlClient(socket, timeout_s=_QUICK_S / 2) as client:
            status = client.request("status")
    except DaemonError as error:
        if socket.exists():
            return Finding("warn", str(error), "a daemon died there, or hangs: `asr daemon` starts another one")
        return Finding("ok", f"none runs; it would answer at {socket}")
    if status["failure"]:
        return Finding("warn", f"process {status['pid']}: {status['failure']}", "end it: `asr ctl shutdown`")
    return Finding("ok", f"process {status['pid']} is {status['state']} with {status['model']}, at {socket}")


def check_models() -> Finding:
    """Models that lie here."""
    from asr_app.library.models import find_model, installed_models, shipped_models

    folder = find_model(_settings().model)
    others = [name for name in sorted({*shipped_models(), *installed_models()}) if find_model(name) != folder]
    return Finding("ok", f"in use {folder}" + (f"; also here: {', '.join(others)}" if others else ""))


def check_gpu(driver: Path = Path("/proc/driver/nvidia/version")) -> Finding:
    """A GPU that torch can use."""
    import torch

    if torch.cuda.is_available():
        return Finding("ok", f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}")
    if _settings().device == "cuda":
        return Finding("fail", "the settings want cuda, and torch finds no GPU", "set device to auto or cpu")
    if driver.exists():
        advice = "install a torch with CUDA (pytorch.org), or a newer driver"
        return Finding("warn", f"NVIDIA's driver is there, but torch {torch.__version__} cannot use it", advice)
    return Finding("ok", f"none, so the CPU; torch {torch.__version__}")


def check_recogniser(load: Callable[[], "Recognizer"]) -> Finding:
    """How long the model takes to load, and to hear a sentence."""
    from asr_app.transcription import transcribe_file

    began = time.monotonic()
    recognizer = load()
    loaded_s = time.monotonic() - began
    list(transcribe_file(recognizer, SAMPLE))  # the first time, torch has to settle in
    began = time.monotonic()
    heard = " ".join(final.text for final in transcribe_file(recognizer, SAMPLE)).strip()
    factor = (time.monotonic() - began) / SAMPLE_S
    took = f"loaded in {loaded_s:.1f} s, hears {1 / factor:.1f} times as fast as one speaks"
    if not heard:
        return Finding("warn", f"{took}, but not a word of an English sentence", "choose another model")
    if factor > _LIVE_FACTOR:
        advice = "choose a smaller model, a smaller beam or a GPU, or end what else uses the processor"
        return Finding("warn", f"{took}: too slow for dictation", advice)
    return Finding("ok", took)


def _settings() -> "Settings":
    from asr_app.config import load_settings

    return load_settings()


def _is_installed(name: str) -> bool:
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def _level_dbfs(device: "InputDevice") -> float | None:
    """How loud a moment of an input is; None where nothing comes."""
    import numpy as np

    from asr_app.audio.level import level_dbfs
    from asr_app.audio.microphone import Microphone

    with Microphone(device.index) as microphone:
        threading.Timer(_LISTEN_S, microphone.stop).start()
        heard = [chunk.samples for chunk in microphone]
    return level_dbfs(np.concatenate(heard)) if heard else None


def _examined(check: Check, limit_s: float) -> Finding:
    """What a check finds, or why it found nothing."""
    answer: Future[Finding] = Future()

    def work() -> None:
        try:
            answer.set_result(check())
        except BaseException as error:  # noqa: BLE001  # it is raised where the answer is waited for
            answer.set_exception(error)

    threading.Thread(target=work, name="doctor", daemon=True).start()
    try:
        return answer.result(limit_s)
    except TimeoutError:
        return Finding("warn", f"no answer within {limit_s:.0f} s", "try again; if it stays, start that service anew")
    except AsrError as error:
        return Finding("fail", str(error))
    except Exception as error:
        logger.info("the details:", exc_info=True)
        return Finding("fail", f"{type(error).__name__}: {error}", "`asr --verbose doctor` shows the details")

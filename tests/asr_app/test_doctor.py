"""The doctor's checks: what each says of a machine that has something, and of one that lacks it."""

import importlib.metadata
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from asr_app import doctor
from asr_app.doctor import Examination, Finding, Result
from asr_app.errors import AsrError
from asr_app.recognizer import Recognizer


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without settings, display or daemon."""
    config = tmp_path / "config.toml"
    config.write_text("")
    monkeypatch.setenv("ASR_CONFIG", str(config))
    monkeypatch.setenv("ASR_RUNTIME_DIR", str(tmp_path / "run"))
    for name in ("WAYLAND_DISPLAY", "DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def results(**checks: Callable[[], Finding]) -> list[Result]:
    return list(Examination(checks).run())


def test_whatever_a_check_raises_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Finding:
        raise AsrError("no model: name another")

    def break_down() -> Finding:
        raise ZeroDivisionError("by 0")

    found = results(first=refuse, second=break_down, third=lambda: Finding("ok", "well"))
    assert [(one.name, one.finding.state) for one in found] == [("first", "fail"), ("second", "fail"), ("third", "ok")]
    assert found[0].finding.text == "no model: name another"
    assert found[1].finding.text == "ZeroDivisionError: by 0"


def test_a_check_that_hangs_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_QUICK_S", 0.1)
    done = threading.Event()

    def hang() -> Finding:
        done.wait(30)
        return Finding("ok", "late")

    found = results(slow=hang, next=lambda: Finding("ok", "well"))
    done.set()
    assert [one.finding.state for one in found] == ["warn", "ok"]
    assert "no answer" in found[0].finding.text


def test_settings(machine: Path) -> None:
    assert doctor.check_settings() == Finding("ok", str(machine / "config.toml"))
    (machine / "config.toml").write_text("modle = 'x'\n")
    finding = results(settings=doctor.check_settings)[0].finding
    assert finding.state == "fail"
    assert "did you mean 'model'" in finding.text


def test_what_fails_several_checks_is_told_once(machine: Path) -> None:
    (machine / "config.toml").write_text("device = \n")
    found = results(settings=doctor.check_settings, models=doctor.check_models, gpu=lambda: Finding("ok", "there"))
    assert [one.finding.state for one in found] == ["fail", "warn", "ok"]
    assert found[1].finding == Finding("warn", "not checked: settings")


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_packages().state == "ok"
    monkeypatch.setattr(
        importlib.metadata, "requires", lambda _: ["numpy<2,>=1.26", "absent-one>=3", 'x; extra == "t"']
    )
    assert doctor.check_packages() == Finding("fail", "not installed: absent-one", "python -m pip install absent-one")


def test_a_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    from asr_app.audio import devices
    from asr_app.audio.devices import InputDevice
    from asr_app.audio.level import FLOOR_DBFS

    one = InputDevice(3, "Desk", "ALSA", 1, 48_000, is_default=True)
    for found, level, state, words in [
        ([], None, "warn", "finds no input"),
        ([one], -31.0, "ok", "'Desk' of 1 input is heard at -31 dBFS"),
        ([one, one], FLOOR_DBFS, "warn", "of 2 inputs gives digital silence"),
        ([one], None, "warn", "gives no sound"),
    ]:
        monkeypatch.setattr(devices, "input_devices", lambda found=found: found)
        monkeypatch.setattr(doctor, "_level_dbfs", lambda _, level=level: level)
        finding = doctor.check_microphone()
        assert finding.state == state
        assert words in finding.text
        assert (state == "ok") == (finding.advice == "")


def test_sound_devices_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_audio_devices(tmp_path / "absent").state == "ok"
    (tmp_path / "pcmC0D0c").touch()
    assert doctor.check_audio_devices(tmp_path) == Finding("ok", f"1 inputs in {tmp_path} may be opened")
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = doctor.check_audio_devices(tmp_path)
    assert finding.state == "warn"
    assert "usermod -aG audio" in finding.advice


def test_typing_tools(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.setenv("DISPLAY", ":0")
    finding = doctor.check_typing()
    assert finding.state == "warn"
    assert finding.text.startswith("session x11: nothing can type (xdotool is not installed; ")
    assert finding.text.endswith(")")
    assert "install xdotool and xclip; " in finding.advice
    (machine / "xdotool").write_text("#!/bin/sh\n")
    (machine / "xdotool").chmod(0o755)
    finding = doctor.check_typing()
    assert finding.state == "ok"
    assert finding.text.startswith("session x11: xdotool (")


def test_no_daemon_a_dead_one_and_a_live_one(machine: Path) -> None:
    assert doctor.check_daemon().text.startswith("none runs")
    path = machine / "run" / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert doctor.check_daemon().state == "warn"
    path.unlink()

    def answer(server: socket.socket, line: bytes) -> None:
        client, _ = server.accept()
        with client:
            client.recv(1000)
            client.sendall(line)

    for failure, state in (("null", "ok"), ('"the engine died"', "warn")):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            status = f'{{"ok": true, "pid": 7, "state": "idle", "model": "m", "failure": {failure}}}\n'
            thread = threading.Thread(target=answer, args=(server, status.encode()))
            thread.start()
            finding = doctor.check_daemon()
            thread.join()
        path.unlink()
        assert finding.state == state
        assert "process 7" in finding.text


def test_a_gpu(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert doctor.check_gpu(machine / "absent").text.startswith("none, so the CPU")
    assert doctor.check_gpu(machine).state == "warn"
    (machine / "config.toml").write_text("device = 'cuda'\n")
    assert doctor.check_gpu(machine).state == "fail"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a GPU")
    assert doctor.check_gpu().text.startswith("a GPU, torch")


def test_models(machine: Path) -> None:
    assert doctor.check_models().text.endswith("english")
    assert "also here" not in doctor.check_models().text
    (machine / "config.toml").write_text("model = 'absent'\n")
    finding = results(models=doctor.check_models)[0].finding
    assert finding.state == "fail"
    assert "no model 'absent'" in finding.text


def test_the_recogniser_hears_the_sample(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whistles are all that this one knows; the sample's words are not."""
    assert soundfile.info(doctor.SAMPLE).duration == pytest.approx(doctor.SAMPLE_S, abs=0.005)
    finding = doctor.check_recogniser(lambda: Recognizer.load(model_folder))
    assert finding.text.startswith("loaded in ")
    monkeypatch.setattr(doctor, "_LIVE_FACTOR", 0.0)
    assert doctor.check_recogniser(lambda: Recognizer.load(model_folder)).state == "warn"


def test_every_check_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Any:
        raise AsrError("none here")

    found = doctor.examination(load)
    assert [*found.quick, *found.slow] == [
        "settings",
        "packages",
        "microphone",
        "audio devices",
        "typing",
        "daemon",
        "models",
        "gpu",
        "recogniser",
    ]
    with pytest.raises(AsrError, match="none here"):
        found.slow["recogniser"]()

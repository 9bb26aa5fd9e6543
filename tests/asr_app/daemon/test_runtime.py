"""The runtime folder and its lock."""

import os
from pathlib import Path

import pytest

from asr_app.daemon.runtime import control_socket, held, private_folder, runtime_folder
from asr_app.errors import DaemonError


def test_the_folder_is_private_and_chosen(folder: Path) -> None:
    assert runtime_folder() == folder
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_serve(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="too long a path"):
        private_folder(tmp_path / ("x" * 120))
    (tmp_path / "file").touch()
    with pytest.raises(DaemonError, match="name another folder"):
        private_folder(tmp_path / "file")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(DaemonError, match="somebody else"):
        private_folder(tmp_path / "link")


def test_one_daemon_a_folder_and_stale_sockets_go(folder: Path) -> None:
    private_folder(folder)
    control_socket(folder).touch()
    with held(folder) as socket:
        assert socket == control_socket(folder)
        assert not socket.exists()
        socket.touch()
        with pytest.raises(DaemonError, match=f"process {os.getpid()} holds"), held(folder):
            pass
        assert socket.exists()  # the second one took nothing away
    assert not socket.exists()
    with held(folder):
        pass

"""`asr daemon install`: the daemon as a service of the user's systemd."""

import os
import sys
from typing import Annotated

import typer

from asr_app.errors import ConfigError

_NEXT = """\
Next:
  systemctl --user daemon-reload
  systemctl --user enable --now asr    # starts it now, and with every graphical session
  systemctl --user status asr
It types into the focused window; another sink, model or device: the settings file (`asr doctor` names it).
"""
_WITHOUT_TARGET = """\
A desktop without graphical-session.target (a bare window manager) starts it itself, at the end of its start file:
  systemctl --user import-environment DISPLAY WAYLAND_DISPLAY XAUTHORITY && systemctl --user start asr
"""
_AUTHORITY_IN_TMP = """\
XAUTHORITY lies in /tmp, which the service does not see. Let it see that: systemctl --user edit asr, and write
  [Service]
  PrivateTmp=no
"""


def install(
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Remove it again.")] = False,
) -> None:
    """Write a systemd unit that starts the daemon with the desktop; says what to do next."""
    if sys.platform != "linux":
        raise ConfigError("systemd units are for Linux: start `asr daemon` from the login items of this system")

    from asr_app.daemon import unit

    if uninstall:
        _remove()
        return
    path = unit.install(unit.start_command())
    typer.echo(f"wrote {path}")
    for line in unit.complaints(path):
        typer.echo(f"systemd: {line}")
    typer.echo(_NEXT + _WITHOUT_TARGET, nl=False)
    if os.environ.get("XAUTHORITY", "").startswith("/tmp/"):
        typer.echo(_AUTHORITY_IN_TMP, nl=False)


def _remove() -> None:
    from asr_app.daemon import unit

    path = unit.unit_file()
    typer.echo(f"removed {path}" if unit.uninstall() else f"{path} was not there")
    typer.echo("Next:\n  systemctl --user daemon-reload\n  systemctl --user stop asr")

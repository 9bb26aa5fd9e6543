"""Where recognisers lie on this machine: the ones that ship in the package, and folders a user names."""

from pathlib import Path

from asr_app.errors import CheckpointError

SHIPPED = Path(__file__).parent / "resources"
DEFAULT_MODEL = "english"
DESCRIPTION = "model.json"
"""models.checkpoint.DESCRIPTION, which cannot be had without torch: `asr models list` is quick."""


def shipped_models() -> list[str]:
    """Names of the recognisers in the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))


def find_model(name: str) -> Path:
    """The folder of a recogniser, by its name or path; CheckpointError where there is none."""
    for folder in (SHIPPED / name, Path(name)):
        if _is_model(folder):
            return folder
    names = ", ".join(shipped_models()) or "none here"
    raise CheckpointError(
        f"no model {name!r}: give a folder with {DESCRIPTION}, or the name of one that ships ({names})"
    )


def _is_model(folder: Path) -> bool:
    try:
        return (folder / DESCRIPTION).is_file()
    except OSError:  # a name too long, a folder that may not be read
        return False

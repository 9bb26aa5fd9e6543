"""Where recognisers lie on this machine: the ones that ship in the package, and folders a user names."""

from pathlib import Path

from asr_app.errors import CheckpointError
from models.checkpoint import DESCRIPTION

SHIPPED = Path(__file__).parent / "resources"
DEFAULT_MODEL = "english"


def shipped_models() -> list[str]:
    """Names of the recognisers in the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))


def find_model(name: str) -> Path:
    """The folder of a recogniser, by its name or path; CheckpointError where there is none."""
    for folder in (SHIPPED / name, Path(name)):
        if (folder / DESCRIPTION).is_file():
            return folder
    raise CheckpointError(
        f"no model {name!r}: give a folder with {DESCRIPTION}, or one of {', '.join(shipped_models()) or 'none'}"
    )

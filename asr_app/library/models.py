"""Where recognisers lie on this machine: the ones that ship, the ones that were pulled, and folders a user names."""

import os
from pathlib import Path

from asr_app.errors import CheckpointError

SHIPPED = Path(__file__).parents[1] / "resources"
DEFAULT_MODEL = "english"
DESCRIPTION = "model.json"
"""models.checkpoint.DESCRIPTION, which cannot be had without torch: `asr models list` is quick."""
LM_FILE, LEXICON_FILE = "lm.bin", "lexicon.txt.gz"
"""What a search needs beside the weights."""
CONFIG = "config.json"
"""models.wav2vec2_huggingface.CONFIG: what describes a folder of the transformers library."""


def models_folder() -> Path:
    """Where pulled recognisers lie, each a folder; what is still being fetched lies in a hidden one."""
    import platformdirs  # `asr --help` is quick

    return platformdirs.user_data_path("asr") / "models"


def shipped_models() -> list[str]:
    """Names of the recognisers in the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))


def installed_models() -> list[str]:
    """Names of the recognisers that were pulled."""
    folder = models_folder()
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if not name.startswith(".") and _is_model(folder / name))


def find_model(name: str) -> Path:
    """The folder of a recogniser, by its name or path; CheckpointError where there is none."""
    if name in (installed := installed_models()):
        return models_folder() / name
    for folder in (SHIPPED / name, Path(os.path.expanduser(name))):  # noqa: PTH111  # of an unknown user: as it is
        if _is_model(folder):
            return folder
    names = ", ".join([*shipped_models(), *installed]) or "none here"
    raise CheckpointError(
        f"no model {name!r}: give a folder with {DESCRIPTION}, or the name of one that is here ({names}); "
        "`asr models list` shows what `asr models pull` fetches"
    )


def takes_words(folder: Path) -> bool:
    """Whether a recogniser can be told words to expect: it has a lexicon that they can be put into."""
    return (folder / LEXICON_FILE).is_file()


def _is_model(folder: Path) -> bool:
    try:
        return any((folder / name).is_file() for name in (DESCRIPTION, CONFIG))
    except OSError:  # a name too long, a folder that may not be read
        return False

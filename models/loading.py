"""Which kind of checkpoint a folder holds."""

from pathlib import Path

from models.checkpoint import DESCRIPTION, Checkpoint, load_checkpoint, read_description
from models.wav2vec2_checkpoint import ARCHITECTURE, Wav2Vec2Checkpoint, load_wav2vec2
from models.wav2vec2_huggingface import CONFIG, load_huggingface


def load_acoustic_model(folder: Path, language: str | None = None) -> Checkpoint | Wav2Vec2Checkpoint:
    """Read and verify the acoustic model of a folder; ValueError says in one line what is wrong with it.

    language: for a network with adapters for several.
    """
    if (folder / CONFIG).is_file() and not (folder / DESCRIPTION).is_file():
        return load_huggingface(folder, language)
    if language is not None:
        raise ValueError(f"{folder} is for one language: leave {language!r} out, or choose a model that has it")
    return load_wav2vec2(folder) if ARCHITECTURE in read_description(folder) else load_checkpoint(folder)

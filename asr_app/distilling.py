"""A slow exact recogniser teaches the fast live one on recordings of the user's own; nothing leaves the machine.

First the teacher hears every recording, and what it says becomes training data in the run's folder: features of the
segments, with their words where it is sure of them. Then the student trains on them.
"""

import logging
import shutil
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import models.recipes
from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.errors import AudioFormatError, ConfigError
from asr_app.events import Event, Final
from asr_app.file_names import as_text
from asr_app.files.inputs import Recording, recordings
from asr_app.library.models import LEXICON_FILE
from asr_app.recognizer import Recognizer
from models.checkpoint import Checkpoint, save_decoding
from models.frontend import Frontend, FrontendConfig
from models.loading import load_acoustic_model
from models.recipes.data.features import Store, StoreWriter
from models.recipes.data.prepare import log_mel
from models.recipes.data.samples import HEADS
from models.recipes.loop.rank import Rank
from models.recipes.recipe import Distillation, Recipe, read_recipe
from models.recipes.train import Trainer
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint

logger = logging.getLogger(__name__)

RECIPE = Path(models.recipes.__file__).parent / "distil.toml"
TRAIN, DEV = "train", "dev"
"""Stores of what is learnt, and of what the student is only measured on: about one segment in twenty."""

_BEFORE_S, _AFTER_S = 0.2, 0.3
"""What is kept of a recording around a segment's words, whose times are not that exact."""
_PIECE_S = 10.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two recognisers' folders, the SHA-256 of the weights that teach, and the checkpoint that learns.

    shares_labels: whether the teacher's posteriors are over the student's labels, so that it can learn them, too.
    """

    teacher: Path
    student: Path
    teaching: str
    start: Checkpoint
    shares_labels: bool


def paired(teacher: Path, student: Path) -> Pair:
    """Teacher and student; ConfigError where the one cannot teach the other, ValueError for a bad checkpoint."""
    teaching, taught = load_acoustic_model(teacher), load_acoustic_model(student)
    if isinstance(taught, Wav2Vec2Checkpoint) or taught.heads != HEADS or taught.frontend != FrontendConfig():
        raise ConfigError(f"the student {student} is no streaming model that this program trains: choose another")
    rate = (teaching.config if isinstance(teaching, Wav2Vec2Checkpoint) else teaching.frontend).sample_rate
    if rate != taught.frontend.sample_rate:
        raise ConfigError(
            f"the teacher hears {rate} Hz, the student {taught.frontend.sample_rate} Hz: choose another teacher"
        )
    languages = [one.provenance.get("language") for one in (teaching, taught)]
    if all(languages) and languages[0] != languages[1]:
        raise ConfigError(
            f"the teacher's language is {languages[0]!r}, the student's {languages[1]!r}: choose another teacher"
        )
    same = isinstance(teaching, Checkpoint) and (teaching.heads, teaching.frontend) == (taught.heads, taught.frontend)
    return Pair(teacher, student, teaching.sha256, taught, same)


def recordings_of(folder: Path) -> list[Recording]:
    """The recordings of a folder; ConfigError where it has none."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder: name the one that your recordings are in")
    found = [one for one in recordings([str(folder)]) if isinstance(one, Recording)]
    if not found:
        raise ConfigError(f"{folder} has no recordings in it: name the folder that your recordings are in")
    return found


def hear(teacher: Recognizer, found: Sequence[Recording], output: Path, confidence: float) -> Iterator[Recording]:
    """Write what a teacher hears as stores under output; gives each recording when it is done.

    confidence: a segment whose words are less sure on average is kept without them. What this teacher has heard in an
    earlier run is not heard again.
    """
    frontend = Frontend(FrontendConfig())
    folder = output / heard_by(teacher.sha256)
    stores = {name: StoreWriter(folder / name, frontend.config.num_mels, np.uint8) for name in (TRAIN, DEV)}
    keys = {key for store in stores.values() for key in store.keys}
    try:
        for recording in found:
            name = as_text(f"audio/{recording.place.as_posix()}")
            heard = [] if f"{name}#0" in keys else list(enumerate(_segments(teacher, recording, confidence)))
            for number, (samples, text) in reversed(heard):  # the first comes last: where it is, all are
                key = f"{name}#{number}"
                store = stores[DEV if zlib.crc32(key.encode()) % 20 == 0 else TRAIN]
                if key not in keys:
                    store.add(key, log_mel(samples, frontend), text, "")
            yield recording
    finally:
        for store in stores.values():
            store.close()


def heard_by(sha256: str) -> str:
    """The folder of what the teacher with these weights heard."""
    return f"heard-by-{sha256[:12]}"


def _segments(teacher: Recognizer, recording: Recording, confidence: float) -> list[tuple[Samples, str | None]]:
    """The samples of each segment of a recording, with its words where they are sure; none of one that is damaged."""
    rate = teacher.sample_rate
    try:
        samples = read_audio(recording.path, rate)
    except AudioFormatError as error:
        logger.warning("left out: %s", error)
        return []
    session, events = teacher.session(), list[Event]()
    for start in range(0, len(samples), round(_PIECE_S * rate)):
        events += session.accept(AudioChunk(samples[start : start + round(_PIECE_S * rate)], rate, start))
    segments = []
    for final in events + session.finish():
        if isinstance(final, Final) and final.words:
            first = max(0, round((final.words[0].start_s - _BEFORE_S) * rate))
            last = round((final.words[-1].end_s + _AFTER_S) * rate)
            sure = np.mean([word.confidence for word in final.words]) >= confidence
            segments.append((samples[first:last], final.text.lower() if sure else None))
    return segments


def learner(pair: Pair, output: Path, steps: int, rank: Rank) -> Trainer:
    """The student's run on what hear() wrote; ConfigError where that is nothing."""
    stores = heard_by(pair.teaching)
    if not pair.shares_labels and not any(entry.text for entry in Store(output / stores / TRAIN).entries):
        raise ConfigError("the teacher was sure of no words in these recordings: lower --confidence, or choose others")
    return Trainer(_recipe(pair, stores, steps), output, output, rank, pair.start)


def completed(pair: Pair, run: Trainer) -> Path:
    """The folder of the recogniser that came out: the checkpoint, and what lies beside the student's."""
    folder = run.output / "checkpoint"
    save_decoding(folder, pair.start.decoding, pair.start.label_priors)
    for file in pair.student.iterdir():
        if file.is_file() and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)
    return folder


def _recipe(pair: Pair, stores: str, steps: int) -> Recipe:
    """The shipped recipe for this pair."""
    recipe = read_recipe(RECIPE)
    warmup_steps = min(recipe.optimisation.warmup_steps, steps // 10)
    lexicon = pair.student / LEXICON_FILE
    return replace(
        recipe,
        stores=(f"{stores}/{TRAIN}",),
        dev_stores=(f"{stores}/{DEV}",),
        encoder=pair.start.encoder,
        optimisation=replace(recipe.optimisation, steps=steps, warmup_steps=warmup_steps),
        lexicon=str(lexicon.resolve()) if lexicon.exists() else "",
        distillation=Distillation(str(pair.teacher.resolve())) if pair.shares_labels else None,
        provenance={"language": pair.start.provenance.get("language", ""), "taught by": pair.teaching},
    )

"""A store of training features: 8-bit log-mel frames of every utterance, packed into one file.

Eight bits keep a log-mel value to 0.05, far below the noise of speech, and make 10 hours 290 MB: small enough
to hold in memory or to carry to another machine.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.model_files import write_atomically
from models.recipes.file_errors import naming

LOG_MEL_LOW, LOG_MEL_HIGH = -17.0, 8.0
STEP = (LOG_MEL_HIGH - LOG_MEL_LOW) / 255
"""Between two values that are stored."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One utterance in a store: where its frames lie and what is said in it.

    key: corpus, file and speed. offset, frames: its rows in the file. text: None where not transcribed.
    """

    key: str
    offset: int
    frames: int
    text: str | None
    speaker: str


def quantise(features: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Log-mel values to 8 bits."""
    unit = (features - LOG_MEL_LOW) / (LOG_MEL_HIGH - LOG_MEL_LOW)
    levels: npt.NDArray[np.uint8] = np.clip(np.rint(unit * 255), 0, 255).astype(np.uint8)
    return levels


def dequantise(stored: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """8 bits back to log-mel values."""
    return stored.astype(np.float32) * STEP + LOG_MEL_LOW


class StoreWriter:
    """Appends arrays of rows to a store; what is already in it is kept, so a stopped run goes on.

    keys, rows: what is in it, and how many rows that makes.
    """

    def __init__(self, folder: Path, width: int, dtype: npt.DTypeLike) -> None:
        """Raise ValueError where the folder has a store of other rows, or one that cannot be read."""
        folder.mkdir(parents=True, exist_ok=True)
        _settle_shape(folder, {"width": width, "dtype": np.dtype(dtype).name})
        index, data = folder / "index.jsonl", folder / "rows.bin"
        index.touch()
        _keep_whole_lines(index)
        entries = Store(folder).entries
        self.keys = {entry.key for entry in entries}
        self.rows = _rows_of(entries)
        self._data = data.open("r+b" if data.exists() else "w+b")
        self._data.truncate(self.rows * width * np.dtype(dtype).itemsize)
        self._data.seek(0, 2)
        self._index = index.open("a", encoding="utf-8")

    def add(self, key: str, rows: npt.NDArray[np.generic], text: str | None, speaker: str) -> None:
        """Append the rows (T, width) of one utterance."""
        self._data.write(np.ascontiguousarray(rows).tobytes())
        self._data.flush()
        entry = Entry(key, self.rows, len(rows), text, speaker)
        self._index.write(json.dumps(asdict(entry)) + "\n")
        self._index.flush()
        self.rows += len(rows)
        self.keys.add(key)

    def close(self) -> None:
        """Close the files."""
        self._data.close()
        self._index.close()


class Store:
    """A store opened for reading; rows are mapped, not loaded. OSError or ValueError where it is none."""

    def __init__(self, folder: Path) -> None:
        data = folder / "rows.bin"
        with naming(folder):
            shape = json.loads((folder / "shape.json").read_text())
            self.entries = list(_read_index(folder / "index.jsonl"))
            size = (_rows_of(self.entries), shape["width"])  # a kill may have left more than the entries tell of
            self._rows: npt.NDArray[np.generic] = np.zeros((0, shape["width"]), shape["dtype"])
            if size[0]:  # an empty file cannot be mapped
                self._rows = np.memmap(data, dtype=shape["dtype"], mode="r", shape=size)

    def rows(self, entry: Entry) -> npt.NDArray[np.generic]:
        """The rows (T, width) of one utterance, as they were written."""
        return self._rows[entry.offset : entry.offset + entry.frames]

    def log_mel(self, entry: Entry) -> npt.NDArray[np.float32]:
        """The log-mel frames (T, F) of one utterance, from a store of features."""
        return dequantise(self.rows(entry))  # type: ignore[arg-type]


def _settle_shape(folder: Path, shape: dict[str, object]) -> None:
    """Note the shape of a new store's rows; ValueError where the store has rows of another one."""
    path = folder / "shape.json"
    if not path.exists():
        write_atomically(path, json.dumps(shape).encode())
    with naming(path):
        found = json.loads(path.read_text())
    if found != shape:
        raise ValueError(f"{folder} has rows of {found}, not of {shape}: choose another --output, or delete it")


def _keep_whole_lines(path: Path) -> None:
    """Take away a line that a kill cut; in place, so that another kill takes nothing else."""
    with path.open("r+b") as index:
        index.truncate(index.read().rfind(b"\n") + 1)


def _rows_of(entries: Sequence[Entry]) -> int:
    """How many rows the entries of a store have together."""
    return entries[-1].offset + entries[-1].frames if entries else 0


def _read_index(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # a line without its end was cut by a kill
                yield Entry(**json.loads(line))

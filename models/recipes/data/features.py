"""A store of training features: 8-bit log-mel frames of every utterance, packed into one file.

Eight bits keep a log-mel value to 0.05, far below the noise of speech, and make 10 hours 290 MB: small enough
to hold in memory or to carry to another machine.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.recipes.file_errors import naming

LOG_MEL_LOW, LOG_MEL_HIGH = -17.0, 8.0


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
    return stored.astype(np.float32) * ((LOG_MEL_HIGH - LOG_MEL_LOW) / 255) + LOG_MEL_LOW


class StoreWriter:
    """Appends arrays of rows to a store; what is already in it is kept, so a stopped run goes on.

    keys, rows: what is in it, and how many rows that makes.
    """

    def __init__(self, folder: Path, width: int, dtype: npt.DTypeLike) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._index_path, self._data_path = folder / "index.jsonl", folder / "rows.bin"
        (folder / "shape.json").write_text(json.dumps({"width": width, "dtype": np.dtype(dtype).name}))
        self._row_bytes = width * np.dtype(dtype).itemsize
        entries = _whole_lines_only(self._index_path) if self._index_path.exists() else []
        self.keys = {entry.key for entry in entries}
        self.rows = entries[-1].offset + entries[-1].frames if entries else 0
        self._data = self._data_path.open("r+b" if self._data_path.exists() else "w+b")
        self._data.truncate(self.rows * self._row_bytes)
        self._data.seek(0, 2)
        self._index = self._index_path.open("a", encoding="utf-8")

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
            rows: npt.NDArray[np.generic] = np.zeros(0, shape["dtype"])
            if data.stat().st_size:  # an empty file cannot be mapped
                rows = np.memmap(data, dtype=shape["dtype"], mode="r")
            self._rows = rows.reshape(-1, shape["width"])

    def rows(self, entry: Entry) -> npt.NDArray[np.generic]:
        """The rows (T, width) of one utterance, as they were written."""
        return self._rows[entry.offset : entry.offset + entry.frames]

    def log_mel(self, entry: Entry) -> npt.NDArray[np.float32]:
        """The log-mel frames (T, F) of one utterance, from a store of features."""
        return dequantise(self.rows(entry))  # type: ignore[arg-type]


def _whole_lines_only(path: Path) -> list[Entry]:
    """The entries of an index, from which a line that a kill cut is taken away."""
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"\n") + 1])
    return list(_read_index(path))


def _read_index(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # a line without its end was cut by a kill
                yield Entry(**json.loads(line))

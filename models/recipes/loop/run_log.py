"""The figures of a run: JSON lines, and TensorBoard's events where its package is installed."""

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.model_files import write_atomically

logger = logging.getLogger(__name__)

LOG, EVENTS = "log.jsonl", "tensorboard"


class RunLog:
    """Appends to the log of a run's folder; `tensorboard --logdir FOLDER` draws it."""

    def __init__(self, folder: Path) -> None:
        self._lines, self._events = folder / LOG, folder / EVENTS
        self._writer: Any = None
        self._drawn = True

    def forget_after(self, step: int) -> None:
        """Drop the lines of later steps: a killed run did them after its last save, and does them again."""
        if not self._lines.exists():
            return
        lines = self._lines.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        kept = [line for line in lines if _step_of(line) <= step]
        if len(kept) < len(lines):
            write_atomically(self._lines, "".join(kept).encode())

    def write(self, step: int, hours: float, figures: Mapping[str, float]) -> None:
        """Add the figures of a step, up to which so many hours were heard."""
        line = {"step": step, "hours": round(hours, 3), **figures}
        with self._lines.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if self._writer is None and self._drawn:
            self._open(step)
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name.replace(" ", "/"), value, step)
            self._writer.flush()

    def close(self) -> None:
        """Finish the events; a later write begins another file of them."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._drawn = False
            logger.warning("the figures go to %s alone: tensorboard (the extra `train`) is not installed", LOG)
            return
        # of a run that goes on from an earlier step, what came after that step is drawn no more
        self._writer = SummaryWriter(self._events, purge_step=step)


def _step_of(line: str) -> float:
    """The step of a line; that of one that was cut never came."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf

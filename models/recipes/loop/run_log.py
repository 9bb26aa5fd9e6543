"""The figures of a run: JSON lines, and TensorBoard's events where its package is installed."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

LOG, EVENTS = "log.jsonl", "tensorboard"


class RunLog:
    """Appends to the log of a run's folder; `tensorboard --logdir FOLDER` draws it."""

    def __init__(self, folder: Path) -> None:
        self._lines, self._events = folder / LOG, folder / EVENTS
        self._writer: Any = None
        self._drawn = True

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

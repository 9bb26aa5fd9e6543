"""Ray Data: the work is shared out, and what a killed worker had goes to another one."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from loudness import Loudness

from asr_app.audio.types import Samples
from asr_app.cluster.batch import ClusterError
from asr_app.cluster.sharing import LOCAL, Cluster, load_ray
from asr_app.cluster.transcriber import Work
from asr_app.errors import AudioFormatError
from asr_app.files.batch import Listening


class Fragile(Loudness):
    """A detector that ends its process, as a lack of memory would: once, and whenever it hears a certain sound."""

    heard = 0

    def __init__(self, grave: Path) -> None:
        Fragile.heard += 1
        if Fragile.heard == 2 and not grave.exists():
            grave.touch()
            end()

    def probabilities(self, frames: Samples) -> Samples:
        if frames.max() > 0.9:
            end()
        return super().probabilities(frames)


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_killed_worker_loses_nothing(
    run: Callable[..., Any],
    work: Work,
    speech: Path,
    expected: dict[str, bytes],
    files_of: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("ray", reason="the extra [cluster] is not installed")
    folders = (Path(__file__).parent, Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))  # where the workers find Fragile
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine starves them
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "300000")
    soundfile.write(speech / "poison.wav", np.full(16_000, 0.95), 16_000)
    fragile = replace(work, listening=Listening(partial(Fragile, tmp_path / "grave")))
    cluster = Cluster(load_ray(), LOCAL, fragile, gpus=False, actors=1)
    tally, told = run(speech, f"local://{tmp_path}/cluster", cluster)
    assert (tmp_path / "grave").exists()
    assert tally.finished == 3
    assert {recording.place.name: type(error) for recording, error in tally.failures} == {
        "broken.wav": AudioFormatError,
        "poison.wav": ClusterError,
    }
    assert "poison.wav: no worker" in told[-1]
    assert files_of(tmp_path / "cluster") == expected

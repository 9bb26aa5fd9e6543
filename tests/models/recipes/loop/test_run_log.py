import json
import logging
import sys
from contextlib import closing
from pathlib import Path

import pytest

from models.recipes.loop.run_log import EVENTS, LOG, RunLog


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


def test_figures_become_lines_and_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard (the extra `train`) is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with closing(RunLog(tmp_path)) as log:
        log.write(20, 0.12345, {"phonemes": 2.5, "chunk": 4})
        log.write(40, 0.25, {"dev tones phonemes": 31.5})
    assert lines(tmp_path) == [
        {"step": 20, "hours": 0.123, "phonemes": 2.5, "chunk": 4},
        {"step": 40, "hours": 0.25, "dev tones phonemes": 31.5},
    ]
    drawn = EventAccumulator(str(tmp_path / EVENTS))
    drawn.Reload()
    assert sorted(drawn.Tags()["scalars"]) == ["chunk", "dev/tones/phonemes", "phonemes"]
    assert [(one.step, one.value) for one in drawn.Scalars("dev/tones/phonemes")] == [(40, 31.5)]


def test_steps_that_are_done_again_are_told_once(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text('{"step": 20}\n{"step": 25}\n{"step": 40}\n{"step": 6')
    log = RunLog(tmp_path)
    log.forget_after(25)
    assert [line["step"] for line in lines(tmp_path)] == [20, 25]
    (tmp_path / LOG).unlink()
    log.forget_after(25)
    assert not (tmp_path / LOG).exists()


def test_without_tensorboard_there_are_lines_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with caplog.at_level(logging.WARNING), closing(RunLog(tmp_path)) as log:
        log.write(20, 0.1, {"phonemes": 2.5})
        log.write(40, 0.2, {"phonemes": 2.0})
    assert [line["step"] for line in lines(tmp_path)] == [20, 40]
    assert not (tmp_path / EVENTS).exists()
    assert len(caplog.messages) == 1
    assert "tensorboard" in caplog.messages[0]

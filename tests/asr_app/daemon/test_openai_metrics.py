"""The counters for Prometheus, after a long time."""

from asr_app.daemon.openai_metrics import Metrics
from asr_app.engine.engine import EngineStatus


def test_a_counter_goes_on_above_a_million() -> None:
    metrics = Metrics()
    metrics.heard(1_234_567.25, 12_345.5)
    engine = EngineStatus(live=1, waiting_s=0.5, steps=12_345_678, chunks=87_654_321, busy_s=0.0, failure=None)
    lines = metrics.text(engine, 0).splitlines()
    assert "asr_audio_seconds_total 1234567.25" in lines
    assert "asr_steps_total 12345678" in lines
    assert "asr_ready 1" in lines

"""Counters of the OpenAI server in Prometheus' text form (prometheus.io/docs/instrumenting/exposition_formats)."""

from collections import Counter
from collections.abc import Iterable, Iterator

from asr_app.engine.engine import EngineStatus


class Metrics:
    """What was asked and heard since the start; names nothing that a user said or sent."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._audio_s = self._work_s = 0.0

    def answered(self, route: str, status: int) -> None:
        """A request to a route of ours was answered."""
        self._requests[route, status] += 1

    def heard(self, audio_s: float, work_s: float) -> None:
        """A recording of so many seconds was transcribed in so many."""
        self._audio_s += audio_s
        self._work_s += work_s

    def text(self, engine: EngineStatus | None, recordings: int) -> str:
        """All of it; engine: how it stands, None while it is being loaded. recordings: how many are being heard."""
        requests = [
            (f'{{route="{route}",status="{status}"}}', count)
            for (route, status), count in sorted(self._requests.items())
        ]
        lines = [
            *_metric("asr_requests_total", "counter", "Requests by status.", requests),
            *_metric("asr_audio_seconds_total", "counter", "Sound of recordings heard.", [("", self._audio_s)]),
            *_metric("asr_processing_seconds_total", "counter", "Time it took.", [("", self._work_s)]),
        ]
        if self._audio_s:
            factor = self._work_s / self._audio_s
            lines += _metric("asr_real_time_factor", "gauge", "Time for a second of sound.", [("", factor)])
        ready = engine is not None and engine.failure is None
        lines += _metric("asr_ready", "gauge", "Whether the recogniser works.", [("", int(ready))])
        if engine:
            streams = [('{priority="live"}', engine.live), ('{priority="file"}', recordings)]
            lines += _metric("asr_streams", "gauge", "Open streams.", streams)
            lines += _metric("asr_waiting_seconds", "gauge", "Sound not heard yet.", [("", engine.waiting_s)])
            lines += _metric("asr_steps_total", "counter", "Batches stepped.", [("", engine.steps)])
            lines += _metric("asr_chunks_total", "counter", "Chunks in them.", [("", engine.chunks)])
        return "\n".join([*lines, ""])


def _metric(name: str, kind: str, help_text: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
    yield from (f"{name}{labels} {value}" for labels, value in samples)  # all digits, or counters would stand still

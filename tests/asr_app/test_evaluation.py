import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

import asr_app.evaluation as evaluation
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError
from asr_app.evaluation import Heard, hear, peak_memory_mb, report
from asr_app.events import Event, Final, Partial
from asr_app.recognizer import Recognizer
from decoder.metrics import character_errors, word_errors
from decoder.types import Word
from models.recipes.data.manifest import Utterance

Load = Callable[..., Recognizer]
Whistle = Callable[..., Samples]


@pytest.fixture
def utter(tmp_path: Path, whistle: Whistle) -> Callable[[str, str], Utterance]:
    """A function (whistled, transcript) -> the utterance."""

    def make(whistled: str, text: str) -> Utterance:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.wav"
        samples = whistle(whistled)
        soundfile.write(path, samples, 16_000)
        return Utterance("corpus", path, text, "nobody", len(samples) / 16_000, "test")

    return make


def heard(reference: str, text: str, **changes: Any) -> Heard:
    times: dict[str, Any] = {"audio_s": 2.0, "compute_s": 0.1, "first_partial_s": 1.0, "final_lag_s": 0.2}
    return Heard(
        utterance=Utterance("corpus", Path("a.wav"), reference, "", 2.0, "test"),
        reference=reference,
        text=text,
        words=word_errors(reference, text),
        characters=character_errors(reference, text),
        **(times | changes),
    )


def test_an_utterance_is_heard_and_compared(load: Load, utter: Callable[[str, str], Utterance]) -> None:
    one = hear(load(), utter("_tan_sat_", "Tan, ant!"))
    assert (one.reference, one.text) == ("tan ant", "tan sat")
    assert (one.words.hits, one.words.substitutions) == (1, 1)
    assert [right for _, right in one.confidences] == [True, False]
    assert one.audio_s == pytest.approx(1.8)
    assert 0 < one.compute_s < 60
    assert one.first_partial_s is not None
    assert one.first_partial_s > 0.64  # the encoder waits for its chunk
    assert one.final_lag_s > 0


def test_all_segments_are_compared(load: Load, utter: Callable[[str, str], Utterance]) -> None:
    assert hear(load(), utter("tan_______sat", "tan sat")).words.errors == 0


def test_silence(load: Load, utter: Callable[[str, str], Utterance]) -> None:
    one = hear(load(), utter("_____", "tan sat"))
    assert one.text == ""
    assert one.first_partial_s is None
    assert one.words.deletions == 2


def test_a_recording_that_is_not_there(load: Load) -> None:
    with pytest.raises(AudioFormatError, match="does not exist"):
        hear(load(), Utterance("corpus", Path("none.wav"), "tan", "", 1.0, "test"))


def test_the_live_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.05, 0.0, 0.5, 0.0, 0.1])
    monkeypatch.setattr(evaluation.time, "perf_counter", lambda: next(now))  # type: ignore[attr-defined]
    clock = evaluation._LiveClock()
    word = Word("tan", 0.0, 0.1, 1.0)

    def work(*events: Event) -> Callable[[], list[Event]]:
        return lambda: list(events)

    clock.run(0.1, work(Partial(0, 1, ())))
    assert clock.now_s == pytest.approx(0.15)
    clock.run(0.2, work(Partial(0, 2, (word,))))
    assert clock.now_s == pytest.approx(0.7)  # audio that arrives meanwhile has to wait
    clock.run(0.3, work(Final(0, 3, (word,))))
    assert clock.now_s == pytest.approx(0.8)
    assert clock.first_partial_s == pytest.approx(0.7)
    assert clock.busy_s == pytest.approx(0.65)
    assert [final.text for final in clock.finals] == ["tan"]


def test_a_report() -> None:
    sure = {"confidences": ((1.0, True), (0.8, True))}
    figures = report(
        [heard("tan sat", "tan sat", **sure), heard("tan ant", "tan", first_partial_s=None, final_lag_s=0.4)]
    )
    memory = figures.pop("peak_memory_mb")
    assert 10 < memory < 10_000
    low, high = figures.pop("wer_ci95")
    assert 0.0 == low <= 25.0 <= high == 50.0
    assert figures == {
        "utterances": 2,
        "words": 4,
        "audio_s": 4.0,
        "wer": 25.0,
        "substitutions": 0.0,
        "deletions": 25.0,
        "insertions": 0.0,
        "cer": pytest.approx(100 * 4 / 14, abs=0.01),
        "confidence_error": 0.1,
        "rtf": 0.05,
        "first_partial_s_p50": 1.0,
        "final_lag_s_p50": 0.3,
        "final_lag_s_p95": 0.39,
    }


def test_nobody_was_heard() -> None:
    figures = report([heard("tan", "", first_partial_s=None)])
    assert figures["first_partial_s_p50"] is None
    assert figures["wer"] == 100.0


def test_every_figure_is_finite() -> None:
    figures = report([heard("tan", "tan sat sat sat")])
    assert figures["wer"] == 300.0
    values = [value for value in figures.values() if isinstance(value, float)]
    assert all(map(math.isfinite, values))


def test_peak_memory_only_rises() -> None:
    before = peak_memory_mb()
    assert 10 < before <= peak_memory_mb()

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_app.audio.types import Samples
from asr_app.errors import ConfigError
from asr_app.events import Event, Final
from asr_app.recognizer import Recognizer
from asr_app.tuning import Weights, calibrate, hear, tune
from models.recipes.data.manifest import Utterance

Load = Callable[..., Recognizer]
Listen = Callable[..., list[Event]]
Whistle = Callable[..., Samples]


@pytest.fixture
def utterances(tmp_path: Path, whistle: Whistle) -> list[Utterance]:
    """Three utterances of two corpora; the last transcript has a word too many."""
    rows = [("a", "_tan_sat_", "tan sat"), ("a", "nas", "nas"), ("b", "_ant", "ant ant")]
    made = []
    for number, (corpus, whistled, text) in enumerate(rows):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, whistle(whistled), 16_000)
        made.append(Utterance(corpus, path, text, "", 1.0, "dev"))
    return made


@pytest.mark.parametrize("chunk_ms", [320, None])
def test_all_weights_are_tried(load: Load, utterances: list[Utterance], chunk_ms: int | None) -> None:
    grid = [Weights(alpha, beta, prior) for alpha in (0.0, 0.5) for beta in (0.0, 1.0, 1.5) for prior in (0.0, 0.3)]
    trials = list(tune(*hear(load(chunk_ms=chunk_ms), utterances), grid))
    assert [trial.weights for trial in trials] == grid
    assert trials[-1].corpora == {"a": 0.0, "b": 50.0}
    assert trials[-1].wer == 25.0  # of the corpora, not of the words


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, -30.0), (20.0, 0.0), (0.0, 30.0)])
def test_absurd_weights_are_survived(load: Load, utterances: list[Utterance], alpha: float, beta: float) -> None:
    (trial,) = tune(*hear(load(), utterances), [Weights(alpha, beta, 0.0)])
    assert 0 <= trial.wer < 1000


def test_it_hears_what_a_session_hears(
    load: Load, listen: Listen, whistle: Whistle, utterances: list[Utterance]
) -> None:
    recognizer = load()
    finals = [event.text for event in listen(recognizer, whistle("nas")) if isinstance(event, Final)]
    assert finals == ["nas"]  # the last label comes with the silence after the stream
    (trial,) = tune(*hear(recognizer, utterances[1:2]), [Weights(0.5, 1.0, 0.3)])
    assert trial.corpora == {"a": 0.0}


def test_the_search_over_characters_is_tuned(load: Load, utterances: list[Utterance]) -> None:
    searched, heard = hear(load(decoder="characters"), utterances)
    grid = [Weights(0.0, 1.0, 0.0), Weights(0.5, 1.0, 0.3)]
    trials = list(tune(searched, heard, grid))
    assert [trial.weights for trial in trials] == grid
    assert all(trial.corpora.keys() == {"a", "b"} for trial in trials)


def test_priors_are_those_of_what_was_heard(load: Load, utterances: list[Utterance]) -> None:
    decoder, heard = hear(load(), utterances)
    priors = decoder.options.label_priors
    assert sum(priors) == pytest.approx(1.0, abs=1e-4)
    corpora = [[np.exp(one) for utterance, one in heard if utterance.corpus == name] for name in ("a", "b")]
    assert priors == pytest.approx(np.mean([np.concatenate(each).mean(0) for each in corpora], axis=0), abs=1e-5)


def test_greedy_decoding_has_nothing_to_tune(load: Load, utterances: list[Utterance]) -> None:
    with pytest.raises(ConfigError, match="nothing to tune"):
        hear(load(decoder="greedy"), utterances)


def test_confidences_are_calibrated_on_right_and_wrong_words(load: Load, utterances: list[Utterance]) -> None:
    wrong = replace(utterances[2], text="tan")
    decoder, heard = hear(load(), [*utterances, wrong])
    calibration = calibrate(decoder, heard)
    assert 0.6 < calibration(1.0) < 0.95  # four of five words are right, all with the same share
    with pytest.raises(ValueError, match="that are wrong"):
        calibrate(decoder, heard[:2])

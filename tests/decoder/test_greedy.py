import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.greedy import GreedyDecoder

LABELS = ("", "|", "a", "b")
PATHS = st.lists(st.integers(0, 3), max_size=20)


def log_probs(path: list[int], sharpness: float = 0.9) -> np.ndarray:
    probs = np.full((len(path), len(LABELS)), (1 - sharpness) / 3)
    probs[np.arange(len(path)), path] = sharpness
    return np.log(probs).astype(np.float32)


def decoder() -> GreedyDecoder:
    return GreedyDecoder(LABELS, 0, 0.5, "|")


def test_repeats_collapse_and_blanks_separate():
    session = decoder().session()
    session.accept(log_probs([2, 2, 0, 2, 1, 1, 0, 3, 3, 2]))
    words = session.finish().words
    assert [word.text for word in words] == ["aa", "ba"]
    assert [(word.start_s, word.end_s) for word in words] == [(0.0, 2.0), (3.5, 5.0)]
    assert words[0].confidence == pytest.approx(0.9, abs=1e-5)


def test_only_the_last_word_can_change():
    session = decoder().session()
    assert session.accept(log_probs([2, 0])).stable_words == 0
    hypothesis = session.accept(log_probs([1, 3]))
    assert hypothesis.text == "a b"
    assert hypothesis.stable_words == 1
    assert session.finish().stable_words == 2


@given(PATHS, st.lists(st.integers(0, 5), max_size=10))
def test_chunks_equal_the_whole(path, cuts):
    frames = log_probs(path)
    whole, parts = decoder().session(), decoder().session()
    whole.accept(frames)
    at = 0
    for cut in cuts:
        parts.accept(frames[at : at + cut])
        at += cut
    parts.accept(frames[at:])
    assert parts.finish() == whole.finish()


def test_score_is_that_of_the_best_path():
    session = decoder().session()
    assert session.accept(log_probs([2, 0, 1])).acoustic_score == pytest.approx(3 * np.log(0.9), abs=1e-5)


def test_bad_input():
    with pytest.raises(ValueError, match="shape"):
        decoder().session().accept(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="floats"):
        decoder().session().accept(np.zeros((2, 4), np.int64))
    with pytest.raises(ValueError, match="NaN"):
        decoder().session().accept(np.full((2, 4), np.nan, np.float32))
    session = decoder().session()
    session.finish()
    with pytest.raises(ValueError, match="finished"):
        session.accept(log_probs([1]))


def test_bad_labels():
    with pytest.raises(ValueError, match="delimiter"):
        GreedyDecoder(LABELS, 0, 0.5, "_")
    with pytest.raises(ValueError, match="blank"):
        GreedyDecoder(LABELS, 4, 0.5, "|")
    with pytest.raises(ValueError, match="distinct"):
        GreedyDecoder(("", "|", "|"), 0, 0.5, "|")
    with pytest.raises(ValueError, match="duration"):
        GreedyDecoder(LABELS, 0, 0.0, "|")

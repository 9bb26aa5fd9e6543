import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import beam_session
from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.lm import NgramLM

LABELS = ("", " ", "a", "b", "c", "d")


def random_log_probs(seed: int, frames: int, sharpness: float = 3.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, sharpness, (frames, len(LABELS)))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


@pytest.fixture(scope="module")
def lm(tiny_arpa, tiny_words):
    return NgramLM(tiny_arpa, tiny_words)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 9), max_size=12), st.booleans())
def test_chunks_equal_the_whole(seed, cuts, committing):
    frames = random_log_probs(seed, 40)
    options = CharacterBeamOptions(beam_width=12, commit_after_s=0.4 if committing else math.inf)
    decoder = CharacterBeamDecoder(LABELS, 0, None, 0.04, options)
    whole, parts = decoder.session(), decoder.session()
    whole.accept(frames)
    at = 0
    for cut in cuts:
        parts.accept(frames[at : at + cut])
        at += cut
    parts.accept(frames[at:])
    assert parts.nbest(12) == whole.nbest(12)
    assert parts.finish() == whole.finish()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 2.0))
def test_the_stable_prefix_never_changes(lm, seed, commit_after_s):
    frames = random_log_probs(seed, 90, 2.0)
    options = CharacterBeamOptions(beam_width=12, commit_after_s=commit_after_s)
    session = CharacterBeamDecoder(LABELS, 0, lm, 0.04, options).session()
    stable: tuple = ()
    for frame in frames:
        hypothesis = session.accept(frame[None])
        assert hypothesis.words[: len(stable)] == stable
        stable = hypothesis.words[: hypothesis.stable_words]
    final = session.finish()
    assert final.words[: len(stable)] == stable
    assert final.stable_words == len(final.words)
    assert stable


def test_words_have_times_in_order_and_confidences(lm):
    session = CharacterBeamDecoder(LABELS, 0, lm, 0.04, CharacterBeamOptions(beam_width=20)).session()
    session.accept(random_log_probs(3, 200))
    words = session.finish().words
    times = [time for word in words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] <= 8.0 + 1e-9
    assert all(0.0 <= word.confidence <= 1.0 for word in words)


def test_a_clear_utterance():
    path = [2, 2, 0, 1, 3, 2, 2, 5, 0, 0]
    probs = np.full((len(path), len(LABELS)), 0.002)
    probs[np.arange(len(path)), path] = 0.99
    session = CharacterBeamDecoder(LABELS, 0, None, 0.1).session()
    session.accept(np.log(probs))
    words = session.finish().words
    assert [word.text for word in words] == ["a", "bad"]
    assert [(word.start_s, word.end_s) for word in words] == [
        pytest.approx((0.0, 0.2)),
        pytest.approx((0.4, 0.8)),
    ]
    assert min(word.confidence for word in words) > 0.9


@pytest.mark.parametrize(("sharpness", "minutes"), [(2.0, 0.5), (20.0, 60)], ids=["doubtful", "an hour"])
def test_dead_histories_are_forgotten(monkeypatch, sharpness, minutes):
    monkeypatch.setattr(beam_session, "_REMEMBERED_SCORES", 1000)
    session = CharacterBeamDecoder(LABELS, 0, None, 0.04, CharacterBeamOptions(beam_width=6)).session()
    half_minute = random_log_probs(0, 750, sharpness)
    for _ in range(round(minutes * 2)):
        session.accept(half_minute)
        assert session._search.histories < 300
        assert session._search.remembered <= 1000
    words = session.finish().words
    assert words[-1].end_s > 59 * minutes
    assert len(words) > 50 * minutes


def test_letters_of_dead_words_are_forgotten_where_no_word_ends():
    rng = np.random.default_rng(0)
    session = CharacterBeamDecoder(LABELS, 0, None, 0.04, CharacterBeamOptions(beam_width=6)).session()
    remembered = []
    for _ in range(40):
        logits = rng.normal(0, 2, (250, len(LABELS)))
        logits[:, LABELS.index(" ")] = -30.0
        session.accept(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        remembered.append(session._search.remembered)
    text = session.finish().text
    assert " " not in text
    assert len(text) < max(remembered) < 10 * len(text)


def test_a_session_takes_no_input_after_its_end():
    session = CharacterBeamDecoder(LABELS, 0, None, 0.04).session()
    assert session.finish().text == ""
    with pytest.raises(ValueError, match="finished"):
        session.accept(random_log_probs(0, 1))


def test_labels_without_a_beginning_of_words():
    with pytest.raises(ValueError, match="delimiter '▁'"):
        CharacterBeamDecoder(LABELS, 0, None, 0.04, word_delimiter="▁")


@pytest.mark.parametrize(
    "bad", [{"beam_width": 0}, {"beam_prune_logp": 1.0}, {"token_min_logp": 0.0}, {"commit_after_s": 0.0}]
)
def test_bad_options(bad):
    with pytest.raises(ValueError, match=r"beam|commit"):
        CharacterBeamOptions(**bad)


def test_forgetting_scores_does_not_change_the_result(lm, monkeypatch):
    frames = random_log_probs(7, 200)
    finals = []
    for limit in (1_000_000, 1):
        monkeypatch.setattr(beam_session, "_REMEMBERED_SCORES", limit)
        session = CharacterBeamDecoder(LABELS, 0, lm, 0.04, CharacterBeamOptions(beam_width=12)).session()
        for start in range(0, len(frames), 5):
            session.accept(frames[start : start + 5])
        finals.append(session.finish())
    assert finals[0] == finals[1]

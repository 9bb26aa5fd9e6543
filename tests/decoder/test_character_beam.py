import logging
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyctcdecode.alphabet import Alphabet
from pyctcdecode.decoder import BeamSearchDecoderCTC
from pyctcdecode.language_model import LanguageModel

from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.lm import LN10, NgramLM

LABELS = ("", " ", "a", "b", "c", "d")
WHOLE = CharacterBeamOptions(beam_width=40, commit_after_s=math.inf)


def random_log_probs(seed: int, frames: int, sharpness: float = 3.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, sharpness, (frames, len(LABELS)))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


class SentenceEnds(LanguageModel):
    """pyctcdecode's model, which scores "" as an unknown word where the last word was already complete."""

    def score(self, prev_state, word, is_last_word=False):
        if word:
            return super().score(prev_state, word, is_last_word=is_last_word)
        return self.alpha * self._get_raw_end_score(prev_state) * LN10, prev_state


@pytest.fixture(scope="module")
def oracles(tiny_arpa, tiny_words):
    import kenlm

    logging.getLogger("pyctcdecode").setLevel(logging.ERROR)
    config = kenlm.Config()
    config.show_progress = False
    alphabet = Alphabet(list(LABELS), False)
    model = SentenceEnds(kenlm.Model(str(tiny_arpa), config), tiny_words)
    return BeamSearchDecoderCTC(alphabet), BeamSearchDecoderCTC(alphabet, model)


@pytest.fixture(scope="module")
def lm(tiny_arpa, tiny_words):
    return NgramLM(tiny_arpa, tiny_words)


@pytest.mark.parametrize("with_lm", [False, True], ids=["no LM", "LM"])
@pytest.mark.parametrize("seed", range(8))
def test_equals_pyctcdecode(oracles, lm, with_lm, seed):
    frames = random_log_probs(seed, 30, 2.0 + seed % 3)
    session = CharacterBeamDecoder(LABELS, 0, lm if with_lm else None, 0.04, WHOLE).session()
    session.accept(frames)
    session.finish()
    expected = oracles[with_lm].decode_beams(frames, beam_width=40)
    got = session.nbest(40)
    assert [h.text for h in got] == [beam[0] for beam in expected]
    assert [h.acoustic_score for h in got] == pytest.approx([beam[3] for beam in expected], abs=1e-4)
    assert [h.acoustic_score + h.lm_score for h in got] == pytest.approx([b[4] for b in expected], abs=1e-4)


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


def test_dead_histories_are_forgotten():
    session = CharacterBeamDecoder(LABELS, 0, None, 0.04, CharacterBeamOptions(beam_width=10)).session()
    for seed in range(12):
        session.accept(random_log_probs(seed, 100, 2.0))
    seen, open_histories = set(), [beam.history for beam in session._beams]
    while open_histories:
        history = open_histories.pop()
        if id(history) not in seen:
            seen.add(id(history))
            open_histories += [*history.children.values(), *([history.parent] if history.parent else [])]
    assert len(seen) < 300


def test_a_session_takes_no_input_after_its_end():
    session = CharacterBeamDecoder(LABELS, 0, None, 0.04).session()
    assert session.finish().text == ""
    with pytest.raises(ValueError, match="finished"):
        session.accept(random_log_probs(0, 1))


@pytest.mark.parametrize(
    "bad", [{"beam_width": 0}, {"beam_prune_logp": 1.0}, {"token_min_logp": 0.0}, {"commit_after_s": 0.0}]
)
def test_bad_options(bad):
    with pytest.raises(ValueError, match=r"beam|commit"):
        CharacterBeamOptions(**bad)

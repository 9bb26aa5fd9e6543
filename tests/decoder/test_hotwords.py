import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.hotwords import START, Hotwords
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import NgramLM

NUMBERS = {"a": 0, "b": 1, "c": 2}
PHRASES = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(" ".join), st.floats(0.5, 9.0), max_size=8
)


def earned(hotwords: Hotwords, words: list[str]) -> float:
    """What words earn from the start of a sentence to its end."""
    place, total = START, 0.0
    for word in words:
        place, bonus = hotwords.advance(place, NUMBERS[word])
        total += bonus
    return total - hotwords.unearned(place)


@given(PHRASES, st.lists(st.sampled_from("abc"), max_size=12))
def test_each_phrase_that_occurs_earns_its_weight_for_each_word(weights, words):
    text = " ".join(words)
    occurrences = {
        phrase: sum(words[at : at + len(phrase.split())] == phrase.split() for at in range(len(words)))
        for phrase in weights
    }
    expected = sum(count * weights[phrase] * len(phrase.split()) for phrase, count in occurrences.items())
    assert earned(Hotwords(weights, NUMBERS), text.split()) == pytest.approx(expected, abs=1e-9)


def test_a_phrase_earns_while_it_is_said_and_loses_it_where_it_breaks_off():
    hotwords = Hotwords({"a b c": 2.0}, NUMBERS)
    place, first = hotwords.advance(START, 0)
    place, second = hotwords.advance(place, 1)
    assert (first, second, hotwords.unearned(place)) == (2.0, 2.0, 4.0)
    assert hotwords.advance(place, 2)[1] == 2.0
    assert hotwords.advance(place, 1) == (START, -4.0)
    again, lost = hotwords.advance(place, 0)  # breaks off, and begins anew
    assert (hotwords.unearned(again), lost) == (2.0, -2.0)


def test_words_that_begin_a_phrase():
    hotwords = Hotwords({"a b": 2.0, "a": 1.0, "c": 4.0}, NUMBERS)
    assert hotwords.starts() == {0: 3.0, 2: 4.0}
    assert hotwords.words == {0, 1, 2}


@given(PHRASES, st.lists(st.sampled_from("abc"), max_size=12))
def test_no_word_earns_more_than_the_most(weights, words):
    hotwords, place = Hotwords(weights, NUMBERS), START
    most = hotwords.most()
    for word in words:
        place, bonus = hotwords.advance(place, NUMBERS[word])
        assert bonus <= most.get(NUMBERS[word], 0.0) + 1e-9


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a zebra": 1.0}, "'a zebra': the lexicon has no word 'zebra'"),
        ({"  ": 1.0}, "no word in it"),
        ({"a": 0.0}, "'a': the weight must be a number above 0"),
        ({"a b": float("nan")}, "'a b': the weight"),
    ],
)
def test_a_bad_hotword_is_named(weights, message):
    with pytest.raises(ValueError, match=message):
        Hotwords(weights, NUMBERS)


LABELS = ("", "A", "B", "C")
LEXICON = Lexicon.build(
    [("a", [1]), ("ab", [1, 2]), ("bad", [2, 1]), ("cab", [3]), ("cab", [3, 1]), ("dad", [1, 1]), ("caab", [3, 1, 1])]
)
WIDE = LexiconBeamOptions(beam_width=1_000_000, beam_prune_logp=-np.inf, token_min_logp=-np.inf, recombine=False)


def random_log_probs(seed: int, frames: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, 2.0, (frames, len(LABELS)))
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


@pytest.fixture(scope="module")
def lm(tiny_arpa):
    return NgramLM(tiny_arpa, LEXICON.words)


@pytest.mark.parametrize("with_lm", [False, True], ids=["no LM", "LM"])
def test_hotwords_add_their_weights_and_nothing_else(lm, with_lm):
    weights = {"cab": 1.5, "a bad": 2.0, "bad a cab": 0.7}
    plain = LexiconBeamDecoder(LEXICON, LABELS, 0, lm if with_lm else None, 0.04, WIDE)
    scores = []
    for decoder in (plain, plain.with_hotwords(weights)):
        session = decoder.session()
        session.accept(random_log_probs(3, 6))
        session.finish()
        scores.append({h.text: h for h in session.nbest(1_000_000)})
    before, after = scores
    assert before.keys() == after.keys()
    expected = Hotwords(weights, LEXICON.numbers)
    for text, one in after.items():
        place, total = START, 0.0
        for word in text.split():
            place, bonus = expected.advance(place, LEXICON.numbers[word])
            total += bonus
        assert one.acoustic_score == pytest.approx(before[text].acoustic_score, abs=1e-6)
        assert one.lm_score - before[text].lm_score == pytest.approx(total - expected.unearned(place), abs=1e-4)


def test_a_hotword_that_the_language_model_lacks_is_a_rare_word_and_not_an_impossible_one(lm):
    frames = np.log(np.full((5, 4), 0.02, np.float32))
    frames[np.arange(5), [3, 1, 0, 1, 0]] = np.log(0.94)
    decoder = LexiconBeamDecoder(LEXICON, LABELS, 0, lm, 0.04)
    texts = []
    for one in (decoder, decoder.with_hotwords({"caab": 8.0})):
        session = one.session()
        session.accept(frames)
        texts.append(session.finish().text)
    assert texts == ["cab a a", "caab"]


def test_a_narrow_beam_keeps_a_hotword_before_it_is_complete(lm):
    """Its bonus counts from its first label on, or the beam would have lost it at its second."""
    lexicon = Lexicon.build([("bad", [2, 1, 3]), ("caab", [2, 3, 1])])
    frames = np.log(np.full((3, 4), 0.01, np.float32))
    frames[0, 2], frames[2, [1, 3]] = np.log(0.97), np.log([0.9, 0.08])
    frames[1, [1, 3]] = np.log([0.7, 0.28])
    options = LexiconBeamOptions(beam_width=2)
    decoder = LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, options).with_hotwords({"caab": 15.0})
    session = decoder.session()
    session.accept(frames)
    assert session.finish().text == "caab"


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 9), max_size=6))
def test_chunks_equal_the_whole(seed, cuts):
    decoder = LexiconBeamDecoder(LEXICON, LABELS, 0, None, 0.04, LexiconBeamOptions(beam_width=12))
    decoder = decoder.with_hotwords({"cab a": 2.0, "bad": 1.0})
    frames = random_log_probs(seed, 40)
    whole, parts = decoder.session(), decoder.session()
    whole.accept(frames)
    at = 0
    for cut in [*cuts, 40]:
        parts.accept(frames[at : at + cut])
        at += cut
    assert parts.finish() == whole.finish()

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import beam_session
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import LN10, NgramLM

LABELS = ("", "A", "B", "C")
ENTRIES = (("a", [1]), ("ab", [1, 2]), ("bad", [2, 1]), ("cab", [3]), ("cab", [3, 1]), ("dad", [1, 1]))
EVERYTHING = LexiconBeamOptions(
    alpha=0.7,
    beta=0.4,
    beam_width=1_000_000,
    beam_prune_logp=-math.inf,
    token_min_logp=-math.inf,
    recombine=False,
    commit_after_s=math.inf,
)


def random_log_probs(seed: int, frames: int, sharpness: float = 2.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, sharpness, (frames, len(LABELS)))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits.astype(np.float32)


@pytest.fixture(scope="module")
def lexicon():
    return Lexicon.build(ENTRIES)


@pytest.fixture(scope="module")
def lm(tiny_arpa):
    return NgramLM(tiny_arpa)


@pytest.fixture(scope="module")
def beam(lexicon, lm):
    options = LexiconBeamOptions(beam_width=12, commit_after_s=0.6)
    return LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, options)


def segmentations(labels: tuple[int, ...]) -> list[tuple[str, ...]]:
    """All the ways to read labels as words of ENTRIES, one for each choice of pronunciations."""
    if not labels:
        return [()]
    return [
        (word, *rest)
        for word, spelled in ENTRIES
        if labels[: len(spelled)] == tuple(spelled)
        for rest in segmentations(labels[len(spelled) :])
    ]


def sums_over_all_paths(frames: np.ndarray) -> dict[str, float]:
    """The log-probability of each word sequence, by going through every label path."""
    by_labels: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(len(LABELS)), repeat=len(frames)):
        collapsed = tuple(label for label, _ in itertools.groupby(path) if label)
        by_labels[collapsed] += math.exp(sum(float(frames[t, label]) for t, label in enumerate(path)))
    by_words: dict[str, float] = defaultdict(float)
    for labels, prob in by_labels.items():
        for words in segmentations(labels):
            by_words[" ".join(words)] += prob
    return {words: math.log(prob) for words, prob in by_words.items()}


def lm_score(lm: NgramLM, text: str, options: LexiconBeamOptions) -> float:
    state, total = lm.bos_state(), 0.0
    for word in text.split():
        log_prob, state = lm.score(state, word)
        unknown = 0.0 if lm.known(word) else options.unk_score_offset * LN10
        total += options.alpha * (log_prob + unknown) + options.beta
    return total + options.alpha * lm.eos(state)


@pytest.mark.parametrize("with_lm", [False, True], ids=["no LM", "LM"])
@pytest.mark.parametrize("frame_count", [1, 2, 5, 7])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_wide_beam_sums_over_all_paths(lexicon, lm, with_lm, frame_count, seed):
    frames = random_log_probs(seed, frame_count)
    decoder = LexiconBeamDecoder(lexicon, LABELS, 0, lm if with_lm else None, 0.04, EVERYTHING)
    session = decoder.session()
    session.accept(frames)
    session.finish()
    got = session.nbest(1_000_000)
    expected = sums_over_all_paths(frames)
    assert {h.text: h.acoustic_score for h in got} == pytest.approx(expected, abs=1e-4)
    totals = {h.text: h.lm_score for h in got}
    assert totals == pytest.approx(
        {text: lm_score(lm, text, EVERYTHING) if with_lm else 0.0 for text in expected}, abs=1e-4
    )
    ranks = [h.acoustic_score + h.lm_score for h in got]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_recombination_does_not_lose_the_best(lexicon, lm, seed):
    frames = random_log_probs(seed, 12)
    best = []
    for recombine in (False, True):
        options = LexiconBeamOptions(beam_width=3000, beam_prune_logp=-60.0, token_min_logp=-60.0, recombine=recombine)
        session = LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, options).session()
        session.accept(frames)
        best.append(session.finish())
    assert best[0].text == best[1].text
    # what lost to another history elsewhere is missing from the sum
    assert -1e-3 < best[0].acoustic_score - best[1].acoustic_score < 0.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 9), max_size=12))
def test_chunks_equal_the_whole(beam, seed, cuts):
    frames = random_log_probs(seed, 60)
    whole, parts = beam.session(), beam.session()
    whole.accept(frames)
    at = 0
    for cut in cuts:
        parts.accept(frames[at : at + cut])
        at += cut
    for frame in frames[at:]:
        parts.accept(frame[None])
    assert parts.nbest(12) == whole.nbest(12)
    assert parts.finish() == whole.finish()
    assert parts.nbest(12) == whole.nbest(12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 3.0), st.booleans())
def test_the_stable_prefix_never_changes(lexicon, lm, seed, commit_after_s, recombine):
    options = LexiconBeamOptions(beam_width=16, commit_after_s=commit_after_s, recombine=recombine)
    session = LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, options).session()
    stable: tuple = ()
    for number, frame in enumerate(random_log_probs(seed, 120, 1.5), 1):
        hypothesis = session.accept(frame[None])
        assert hypothesis.words[: len(stable)] == stable
        stable = hypothesis.words[: hypothesis.stable_words]
        # what ended long ago cannot change any more, give or take the frames between two commits
        late = number * 0.04 - commit_after_s - 0.5
        assert all(word.end_s > late for word in hypothesis.words[hypothesis.stable_words :])
    final = session.finish()
    assert final.words[: len(stable)] == stable
    assert final.stable_words == len(final.words)


def test_interleaved_sessions_do_not_touch_each_other(beam):
    streams = [random_log_probs(seed, 80) for seed in (1, 2)]
    alone = []
    for stream in streams:
        session = beam.session()
        session.accept(stream)
        alone.append(session.finish())
    sessions = [beam.session(), beam.session()]
    for t in range(0, 80, 5):
        for session, stream in zip(sessions, streams, strict=True):
            session.accept(stream[t : t + 5])
    assert [session.finish() for session in sessions] == alone


def test_memory_does_not_grow_with_the_stream(beam, monkeypatch):
    monkeypatch.setattr(beam_session, "_REMEMBERED_SCORES", 20)
    session = beam.session()
    sizes = []
    for seed in range(40):
        session.accept(random_log_probs(seed, 100))
        search = session._search
        sizes.append(search.histories + search.remembered + len(session._words._contexts))
    assert max(sizes) < 400
    hypothesis = session.finish()
    assert len(hypothesis.words) > 500
    assert hypothesis.words[-1].end_s > 155.0


def test_forgetting_scores_does_not_change_the_result(beam, monkeypatch):
    frames = random_log_probs(7, 200)
    finals = []
    for limit in (1_000_000, 1):
        monkeypatch.setattr(beam_session, "_REMEMBERED_SCORES", limit)
        session = beam.session()
        session.accept(frames)
        finals.append(session.finish())
    assert finals[0] == finals[1]


def clear(path: list[int], sharpness: float = 0.97) -> np.ndarray:
    probs = np.full((len(path), len(LABELS)), (1 - sharpness) / 3)
    probs[np.arange(len(path)), path] = sharpness
    return np.log(probs).astype(np.float32)


def test_words_have_the_times_of_their_labels(lexicon):
    session = LexiconBeamDecoder(lexicon, LABELS, 0, None, 0.1).session()
    session.accept(clear([0, 2, 2, 0, 1, 0, 0, 3, 3, 0]))
    words = session.finish().words
    assert [word.text for word in words] == ["bad", "cab"]
    times = [(word.start_s, word.end_s) for word in words]
    assert times == [pytest.approx((0.1, 0.5)), pytest.approx((0.7, 0.8))]
    assert all(0.5 < word.confidence <= 1.0 for word in words)


def test_a_doubtful_word_has_a_low_confidence(lexicon):
    frames = clear([0, 2, 0, 1, 0, 0, 3, 0, 0])
    doubt = np.log(np.array([0.01, 0.47, 0.05, 0.47], np.float32))
    frames[6] = doubt
    session = LexiconBeamDecoder(lexicon, LABELS, 0, None, 0.1).session()
    session.accept(frames)
    words = session.finish().words
    assert words[0].confidence > 0.8
    assert words[-1].confidence < 0.7


def test_the_language_model_chooses_between_homophones(lm):
    homophones = Lexicon.build([("dad", [1]), ("a", [1]), ("bad", [2]), ("ab", [2])])
    session = LexiconBeamDecoder(homophones, LABELS, 0, lm, 0.04).session()
    session.accept(clear([1, 0, 2, 0]))
    assert session.finish().text == "a bad"


def test_an_unfinished_word_is_not_shown():
    lexicon = Lexicon.build([("cab", [3, 1, 2]), ("bad", [2])])
    session = LexiconBeamDecoder(lexicon, LABELS, 0, None, 0.04).session()
    assert session.accept(clear([2, 0, 3, 1])).text == "bad"
    assert session.accept(clear([2])).text == "bad cab"


def test_the_last_word_before_a_pause_is_shown_although_it_might_go_on():
    session = an_a_that_may_go_on(end_margin_logp=0.0, pause_s=0.2)
    assert session.accept(clear([1, 0, 0, 0, 0])).words == ()
    assert [word.text for word in session.accept(clear([0])).words] == ["a"]
    assert session.accept(clear([2])).words == ()


def test_a_word_that_might_go_on_is_shown_at_once_where_its_end_is_about_as_likely():
    session = an_a_that_may_go_on(end_margin_logp=2.0)
    assert [word.text for word in session.accept(clear([1])).words] == ["a"]
    assert session.accept(clear([2])).words == ()


def an_a_that_may_go_on(**options):
    """A session in which the word "a" may become "abc", and where a word costs, so that none is cheaper."""
    lexicon = Lexicon.build([("a", [1]), ("abc", [1, 2, 3])])
    return LexiconBeamDecoder(lexicon, LABELS, 0, None, 0.04, LexiconBeamOptions(beta=-3.0, **options)).session()


def test_without_a_complete_hypothesis_the_complete_words_count():
    lexicon = Lexicon.build([("cab", [3, 1, 2]), ("bad", [2])])
    options = LexiconBeamOptions(beam_width=1)
    session = LexiconBeamDecoder(lexicon, LABELS, 0, None, 0.04, options).session()
    session.accept(clear([2, 0, 3, 1], 0.999))
    assert session.finish().text == "bad"


def test_an_unknown_word_costs_its_offset(lm):
    lexicon = Lexicon.build([("zebra", [1])])
    options = LexiconBeamOptions()
    session = LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, options).session()
    session.accept(clear([1]))
    final = next(h for h in [session.finish(), *session.nbest(9)] if h.text == "zebra")
    assert final.lm_score == pytest.approx(lm_score(lm, "zebra", options), abs=1e-5)


def test_nothing_heard(beam):
    session = beam.session()
    assert session.accept(np.zeros((0, 4), np.float32)).words == ()
    assert session.accept(clear([0] * 50, 0.999)).words == ()
    final = session.finish()
    assert final.words == ()
    assert final.stable_words == 0
    assert session.finish() == final


def test_impossible_labels_do_no_harm(beam):
    frames = np.full((400, len(LABELS)), -1000.0, np.float32)
    frames[np.arange(400), np.arange(400) % 4] = 0.0
    session = beam.session()
    session.accept(frames)
    assert len(session.finish().words) > 50


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.full((2, 4), np.nan, np.float32), "NaN"),
        (np.full((2, 4), -np.inf, np.float32), "infinity"),
        (np.zeros((2, 5), np.float32), r"shape \(frames, 4\)"),
        (np.zeros(4, np.float32), "shape"),
        (np.zeros((2, 4), np.int32), "floats"),
    ],
)
def test_bad_input_is_refused_and_does_no_harm(beam, frames, message):
    session = beam.session()
    with pytest.raises(ValueError, match=message):
        session.accept(frames)
    assert session.accept(clear([1, 0])).text == "a"


def test_a_session_takes_no_input_after_its_end(beam):
    session = beam.session()
    session.finish()
    with pytest.raises(ValueError, match="finished"):
        session.accept(clear([1]))


def test_a_lexicon_of_another_model(lexicon):
    with pytest.raises(ValueError, match="lexicon"):
        LexiconBeamDecoder(lexicon, LABELS[:3], 0, None, 0.04)
    with pytest.raises(ValueError, match="lexicon"):
        LexiconBeamDecoder(lexicon, LABELS, 1, None, 0.04)


@pytest.mark.parametrize(
    "bad",
    [
        {"beam_width": 0},
        {"beam_prune_logp": 0.0},
        {"token_min_logp": 1.0},
        {"commit_after_s": 0.0},
        {"confidence_delay_s": -1.0},
        {"beam_width": 2**32},
        {"alpha": np.nan},
        {"beta": np.inf},
        {"prior_scale": np.nan},
        {"unk_score_offset": -1e300},
    ],
)
def test_bad_options(bad):
    with pytest.raises(ValueError, match=next(iter(bad)).replace("_width", " width")):
        LexiconBeamOptions(**bad)


def test_a_language_model_that_allows_no_word(tmp_path, lexicon):
    path = tmp_path / "none.arpa"
    words = "".join(f"-inf\t{word}\n" for word in ("<unk>", "</s>", *lexicon.words))
    counts = f"ngram 1={len(lexicon.words) + 3}\nngram 2=1"
    path.write_text(f"\\data\\\n{counts}\n\n\\1-grams:\n-99\t<s>\t0\n{words}\n\\2-grams:\n-inf\t<s> a\n\n\\end\\\n")
    session = LexiconBeamDecoder(lexicon, LABELS, 0, NgramLM(path), 0.04).session()
    assert session.accept(random_log_probs(0, 100)).words == ()
    assert session.finish().words == ()


def test_words_are_added_to_a_decoder_and_a_running_session_keeps_its_own(lexicon, lm):
    plain = LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04)
    richer = plain.with_vocabulary([("zed", ["B", "C"]), ("zed", ["C", "B", "C"]), ("ab", ["C", "C"])])
    richer = richer.with_hotwords({"zed": 9.0})
    frames = clear([0, 3, 0, 2, 0, 3, 0], 0.99)
    sessions = plain.session(), richer.session()
    assert [session.accept(frames).text for session in sessions] == [plain_text(plain, frames), "zed"]
    assert richer.lexicon.words[: len(lexicon.words)] == lexicon.words
    assert plain.lexicon is lexicon
    assert plain_text(richer.with_options(richer.options), frames) == "zed"


def plain_text(decoder: LexiconBeamDecoder, frames: np.ndarray) -> str:
    session = decoder.session()
    session.accept(frames)
    return session.finish().text


@pytest.mark.parametrize("label", ["", "D"])
def test_a_pronunciation_of_other_labels_is_named(beam, label):
    with pytest.raises(ValueError, match=f"'zed' has '{label}', which the model does not have"):
        beam.with_vocabulary([("zed", ["A", label])])

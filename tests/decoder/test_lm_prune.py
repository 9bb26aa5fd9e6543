import math
import random
from pathlib import Path

import numpy as np
import pytest

from decoder.arpa import BackoffModel, read_arpa, write_arpa
from decoder.kneser_ney import estimate
from decoder.lm import NgramLM
from decoder.lm_prune import Floats, prune_to_size, prune_to_threshold
from decoder.perplexity import measure

SENTENCES = (Path(__file__).parent / "lmplz" / "text.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def model() -> BackoffModel:
    """A trigram of most of the text."""
    return estimate(SENTENCES[:140], 3).model


def load(model: BackoffModel, folder: Path) -> NgramLM:
    write_arpa(model, folder / "model.arpa")
    return NgramLM(folder / "model.arpa")


def ngrams(model: BackoffModel) -> int:
    return sum(map(len, model.orders))


def total(lm: NgramLM, history: list[str], vocabulary: tuple[str, ...]) -> float:
    """The probabilities of all words, of the sentence end and of <unk> after a history."""
    state = lm.bos_state()
    for word in history:
        _, state = lm.score(state, word)
    return sum(math.exp(lm.score(state, word)[0]) for word in vocabulary if word != "<s>")


@pytest.mark.parametrize("threshold", [1e-9, 1e-4, 1e-3, 1e-2])
def test_probabilities_sum_to_one(model, tmp_path, threshold):
    pruned = prune_to_threshold(model, threshold)
    lm = load(pruned, tmp_path)
    draw = random.Random(3)
    texts = [sentence.split() for sentence in SENTENCES]
    histories = [text[: draw.randint(0, len(text))] for text in draw.sample(texts, 20)]
    histories += [draw.choices(model.vocabulary[3:], k=3) for _ in range(20)]
    assert [total(lm, history, model.vocabulary) for history in histories] == pytest.approx([1.0] * 40, abs=1e-4)


def test_a_higher_threshold_leaves_less(model):
    sizes = [ngrams(prune_to_threshold(model, threshold)) for threshold in (1e-9, 1e-5, 1e-4, 1e-3)]
    assert sizes == sorted(sizes, reverse=True)
    assert ngrams(model) >= sizes[0] > sizes[-1]


def test_weights_of_a_whole_model_are_those_it_had(model):
    whole = prune_to_threshold(model, 1e-300)
    for before, after in zip(model.orders, whole.orders, strict=True):
        assert after.backoffs == pytest.approx(before.backoffs, abs=1e-3)


def test_the_cost_is_the_relative_entropy():
    """Of each bigram alone, by the distributions after its first word with and without it, over all words."""
    model = estimate(["a b", "a b", "a c", "c a", "b"], 2).model
    single, bigrams = 10.0 ** model.orders[0].log_probs.astype(np.float64), model.orders[1]
    begin, end = model.vocabulary.index("<s>"), model.vocabulary.index("</s>")
    predicted = np.where(np.arange(len(single)) == begin, 0.0, single)
    said = np.where(np.arange(len(single)) == begin, single[end], single)

    def distribution(rows: Floats) -> Floats:
        words, probs = bigrams.words[rows], 10.0 ** bigrams.log_probs[rows].astype(np.float64)
        after = predicted * (1 - probs.sum()) / (1 - predicted[words].sum())
        after[words] = probs
        return np.delete(after, begin)

    costs = []
    for row, context in enumerate(bigrams.contexts):
        rows = np.flatnonzero(bigrams.contexts == context)
        before, after = distribution(rows), distribution(rows[rows != row])
        costs.append(math.expm1(said[context] * np.sum(before * np.log(before / after))))
    for limit in np.convolve(sorted(costs), [0.5, 0.5], "valid"):  # between two costs
        left = prune_to_threshold(model, limit).orders[1]
        kept = np.array(costs) >= limit
        assert left.contexts.tolist() == bigrams.contexts[kept].tolist()
        assert left.words.tolist() == bigrams.words[kept].tolist()


def test_a_size_is_kept_and_used(model, tmp_path):
    write_arpa(model, tmp_path / "whole.arpa")
    whole = (tmp_path / "whole.arpa").stat().st_size
    for share in (0.4, 0.6, 0.9):
        write_arpa(prune_to_size(model, int(share * whole)), tmp_path / "less.arpa")
        assert 0.8 * share * whole < (tmp_path / "less.arpa").stat().st_size <= share * whole
    assert ngrams(prune_to_size(model, 2 * whole)) == ngrams(model)


def test_a_smaller_model_predicts_other_text_nearly_as_well(model, tmp_path):
    pruned = prune_to_threshold(model, 1e-4)
    assert ngrams(pruned) < 0.8 * ngrams(model)
    whole, smaller = (measure(load(one, tmp_path), SENTENCES[140:]).perplexity for one in (model, pruned))
    assert smaller < 1.1 * whole


def test_what_cannot_be_pruned(model, tiny_arpa, tmp_path):
    with pytest.raises(ValueError, match="above 0"):
        prune_to_threshold(model, 0.0)
    with pytest.raises(ValueError, match="single words would be left"):
        prune_to_threshold(model, 1e9)
    with pytest.raises(ValueError, match="allow more"):
        prune_to_size(model, 100)
    text = tiny_arpa.read_text().replace("ngram 2=7", "ngram 2=6").replace("-0.6\tbad cab\t-0.1\n", "")
    (tmp_path / "open.arpa").write_text(text)
    with pytest.raises(ValueError, match="no n-gram"):
        prune_to_threshold(read_arpa(tmp_path / "open.arpa"), 1e-7)  # it has `a bad cab` without `bad cab`

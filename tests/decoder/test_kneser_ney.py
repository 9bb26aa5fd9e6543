import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from decoder.arpa import BackoffModel, read_arpa
from decoder.kneser_ney import FALLBACK, estimate

LMPLZ = Path(__file__).parent / "lmplz"
SENTENCES = (LMPLZ / "text.txt").read_text().splitlines()


def entries(model: BackoffModel) -> dict[str, tuple[float, float]]:
    """Probability and back-off weight of every n-gram, by its words."""
    found = {}
    for order, ngrams in enumerate(model.orders, 1):
        columns = [[model.vocabulary[word] for word in words] for words in model.columns(order, slice(None))]
        texts = [" ".join(reversed(words)) for words in zip(*columns, strict=True)]
        found.update(zip(texts, zip(ngrams.log_probs.tolist(), ngrams.backoffs.tolist(), strict=True), strict=True))
    return found


def assert_same(model: BackoffModel, reference: BackoffModel, tolerance: float = 1e-5) -> None:
    own, other = entries(model), entries(reference)
    assert own.keys() == other.keys()
    assert np.array([own[text] for text in other]) == pytest.approx(np.array(list(other.values())), abs=tolerance)


def test_every_entry_is_that_of_lmplz():
    assert_same(estimate(SENTENCES, 3).model, read_arpa(LMPLZ / "order3.arpa"))


def test_every_entry_of_a_pruned_model_is_that_of_lmplz():
    assert_same(estimate(SENTENCES, 4, (0, 0, 1)).model, read_arpa(LMPLZ / "order4_prune001.arpa"))


@pytest.mark.skipif(shutil.which("lmplz") is None, reason="KenLM's lmplz is not on the PATH (scripts/build-kenlm)")
@pytest.mark.parametrize(
    ("order", "prune"),
    [(2, (0,)), (2, (0, 1)), (3, (0, 1, 1)), (4, (0,)), (5, (0, 0, 1, 2)), (5, (0, 1, 1, 2, 3))],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2])
def test_lmplz_itself_agrees_on_random_text(order, prune, seed, tmp_path):
    draw = random.Random(seed)
    words = [f"w{number}" for number in range(60)]
    weights = [1 / rank for rank in range(1, 61)]
    sentences = [" ".join(draw.choices(words, weights, k=draw.randint(0, 12))) for _ in range(400)]
    command = ["lmplz", "-o", str(order), "-S", "64M", "-T", str(tmp_path), "--discount_fallback", "--prune"]
    text = "".join(f"{sentence}\n" for sentence in sentences)
    arpa = tmp_path / "lmplz.arpa"
    with arpa.open("w") as out:
        subprocess.run([*command, *map(str, prune)], input=text, text=True, stdout=out, stderr=-3, check=True)
    assert_same(estimate(sentences, order, prune).model, read_arpa(arpa))


def test_probabilities_by_hand():
    """Two sentences, `a b` and `a`, as bigrams; all discounts fall back to 0.5, 1 and 1.5."""
    estimated = estimate(["a b", "a"], 2)
    assert estimated.fallback == (1, 2)
    found = {text: 10 ** np.array(logs) for text, logs in entries(estimated.model).items()}
    # Left neighbours: one of a (<s>), one of b (a), two of </s> (a, b): (1 - 0.5) / 4, and 2 of 4 to all four words.
    once, twice, _ = FALLBACK
    spread = (2 * once + twice) / 4 / 4
    assert found["a"][0] == pytest.approx((1 - once) / 4 + spread)
    assert found["</s>"][0] == pytest.approx((2 - twice) / 4 + spread)
    assert found["<unk>"][0] == pytest.approx(spread)
    assert found["<s> a"][0] == pytest.approx((2 - twice) / 2 + twice / 2 * found["a"][0])
    assert found["<s>"] == pytest.approx([1, twice / 2])
    assert found["a b"][0] == pytest.approx((1 - once) / 2 + found["a"][1] * found["b"][0])
    assert found["b </s>"][1] == 1


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_orders(order):
    model = estimate(SENTENCES, order).model
    assert len(model.orders) == order
    assert np.all(model.orders[-1].backoffs == 0)


def test_order_of_the_sentences_does_not_matter():
    assert_same(estimate(SENTENCES, 3).model, estimate(reversed(SENTENCES), 3).model)


@pytest.mark.parametrize(
    ("sentences", "order", "prune", "message"),
    [
        ([], 3, (), "no words"),
        (["", "  "], 3, (), "no words"),
        (["a </s> b"], 3, (), "cannot be words"),
        (["a"], 6, (), "1 to 5"),
        (["a"], 0, (), "1 to 5"),
        (["a"], 2, (0, 1, 1), "cut-offs"),
        (["a"], 3, (0, 2, 1), "cut-offs"),
        (["a"], 3, (1,), "cut-offs"),
    ],
)
def test_what_cannot_be_estimated(sentences, order, prune, message):
    with pytest.raises(ValueError, match=message):
        estimate(sentences, order, prune)

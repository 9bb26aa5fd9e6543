import math
from pathlib import Path

import numpy as np
import pytest

from decoder.arpa import BackoffModel, write_arpa
from decoder.kneser_ney import estimate
from decoder.lm import NgramLM
from decoder.lm_mix import mix
from decoder.lm_prune import prune_to_threshold

SENTENCES = (Path(__file__).parent / "lmplz" / "text.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def models() -> list[BackoffModel]:
    """Of two texts that know different words, and of different orders."""
    return [estimate(SENTENCES[:60], 3).model, estimate(SENTENCES[60:140], 2).model]


def load(model: BackoffModel, path: Path) -> NgramLM:
    write_arpa(model, path)
    return NgramLM(path)


def test_probabilities_are_weighted_means(models: list[BackoffModel], tmp_path: Path) -> None:
    """Of n-grams that either model has, here of how sentences begin."""
    mixed = mix(models, [3, 1])
    assert set(mixed.vocabulary) == set(models[0].vocabulary) | set(models[1].vocabulary)
    lms = [load(model, tmp_path / f"{number}.arpa") for number, model in enumerate([*models, mixed])]
    beginnings = {sentence.split()[0] for sentence in SENTENCES[:140]} & set.intersection(
        *(set(model.vocabulary) for model in models)
    )
    assert len(beginnings) > 5
    for word in beginnings:
        first, second, both = (math.exp(lm.score(lm.bos_state(), word)[0]) for lm in lms)
        assert both == pytest.approx(0.75 * first + 0.25 * second, rel=1e-3)


def test_probabilities_sum_to_one(models: list[BackoffModel], tmp_path: Path) -> None:
    mixed = mix(models, [1, 1])
    lm = load(mixed, tmp_path / "mixed.arpa")
    for sentence in SENTENCES[50:70]:
        words = sentence.split()[:3]
        state = lm.bos_state()
        for word in words:
            _, state = lm.score(state, word)
        total = sum(math.exp(lm.score(state, word)[0]) for word in mixed.vocabulary if word != "<s>")
        assert total == pytest.approx(1.0, abs=1e-3)


def test_one_model_is_itself(models: list[BackoffModel]) -> None:
    for before, after in zip(models[0].orders, mix(models[:1], [2.0]).orders, strict=True):
        assert len(before) == len(after)
        assert np.sort(after.log_probs) == pytest.approx(np.sort(before.log_probs), abs=1e-5)


def test_what_cannot_be_mixed(models: list[BackoffModel]) -> None:
    with pytest.raises(ValueError, match="a share above 0"):
        mix(models, [1, 0])
    with pytest.raises(ValueError, match="a share above 0"):
        mix(models, [1])


def test_a_mixture_can_be_pruned(models: list[BackoffModel]) -> None:
    mixed = mix(models, [1, 1])
    assert len(prune_to_threshold(mixed, 1e-4).orders[1]) < len(mixed.orders[1])

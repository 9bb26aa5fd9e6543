from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from asr_app.errors import CheckpointError
from asr_app.text.itn_model import ModelRewriter, spans
from asr_app.text.punctuation import ModelTagger
from models.tagger import CASES, MARKS, SPANS, TaggerConfig, TaggerNetwork, Vocabulary, WordTagger

CONFIG = TaggerConfig(affixes=16, embedding=4, dim=8, hidden=8, layers=2, heads=2)


class Scripted:
    """A model that says what its words say: "cat.C" is a capital and a full stop."""

    def __init__(self, cases: str, marks: Sequence[str]) -> None:
        self._cases, self._marks = cases, marks

    def log_probs(self, words: Sequence[str], look_ahead: int | None = None) -> dict[str, Tensor]:
        case = torch.tensor(["lcu".index(one) for one in self._cases])
        mark = torch.tensor([MARKS.index(one) for one in self._marks])
        assert len(words) == len(case)
        return {"case": torch.eye(len(CASES))[case], "mark": torch.eye(len(MARKS))[mark]}


def tag(words: list[str], cases: str, marks: Sequence[str]) -> list[tuple[str, str]]:
    model: Any = Scripted(cases, marks)
    return ModelTagger(model).tag(words)


def test_marks_and_case_of_each_word() -> None:
    assert tag(["well", "nato", "won"], "cul", [",", "", "."]) == [("Well", ","), ("NATO", ""), ("won", ".")]


def test_what_another_step_wrote_keeps_its_form_and_is_one_word() -> None:
    words = ["on", "March 3, 2021", "$5"]
    assert tag(words, "clllu", ["", "", "", ",", "."]) == [("On", ""), ("March 3, 2021", ","), ("$5", ".")]


@pytest.mark.parametrize(("full_stop", "mark"), [(0.01, ""), (0.2, ".")])
def test_a_pause_makes_the_end_of_a_sentence_likelier(full_stop: float, mark: str) -> None:
    class Paused(Scripted):
        def log_probs(self, words: Sequence[str], look_ahead: int | None = None) -> dict[str, Tensor]:
            marks = torch.tensor([[1 - full_stop - 0.002, 0.001, full_stop, 0.001]]).log().repeat(len(words), 1)
            return {**super().log_probs(words), "mark": marks}

    model: Any = Paused("lll", ["", "", ""])
    words = ["we", "went", "home"]
    assert ModelTagger(model).tag(words) == [("we", ""), ("went", ""), ("home", mark)]
    assert ModelTagger(model).live.tag(words)[-1] == ("home", "")  # words in progress are not at their end


def test_no_word_is_changed_whatever_it_is() -> None:
    torch.manual_seed(0)
    vocabulary = Vocabulary(("a", "the"), CONFIG.affixes)
    model = WordTagger(CONFIG, vocabulary, TaggerNetwork(CONFIG, vocabulary.size).eval())
    words = ["straße", "🙂", "日本語", "a", "it's", "İstanbul", ""] * 20
    for tagger in (ModelTagger(model), ModelTagger(model).live):
        tagged = tagger.tag(words)
        assert [word.casefold() for word, _ in tagged] == [word.casefold() for word in words]
    assert ModelTagger(model).tag([]) == []


def test_spans_begin_where_they_must() -> None:
    labels = ["outside", "begins", "goes on", "begins", "outside", "goes on"]
    log_probs = torch.eye(3)[torch.tensor([SPANS.index(label) for label in labels])]
    assert list(spans(log_probs)) == [(1, 3), (3, 4), (5, 6)]
    assert list(spans(torch.zeros(0, 3))) == []


def test_models_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tagger\.json"):
        ModelTagger.load(tmp_path)
    with pytest.raises(CheckpointError, match=r"tagger\.json"):
        ModelRewriter.load(tmp_path, tmp_path)

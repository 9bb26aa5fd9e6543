"""The recipes of the text models, from texts to a model that loads: small ones, and those that the docs name."""

import gzip
import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models import recipes
from models.recipes.recipe import Optimisation
from models.recipes.texts import itn
from models.recipes.texts.itn import ItnRecipe, ItnTrainer, read_itn_recipe
from models.recipes.texts.itn_pairs import found_spans, proteno
from models.recipes.texts.mark_biases import Judged, best_biases
from models.recipes.texts.punctuation import (
    MODEL,
    TEXT,
    PunctuationRecipe,
    PunctuationTrainer,
    held_back_pieces,
    read_punctuation_recipe,
)
from models.recipes.texts.tagger_data import PAIRS, Corpus, TagBatches, prepare
from models.seq2seq import Seq2seqConfig
from models.span_writer import load_span_writer
from models.tagger import MARKS, TaggerConfig, Vocabulary, load_tagger

SHIPPED = Path(recipes.__file__).parent
LINES = [
    "We left, and it cost $5.",
    "Did Tom pay twenty dollars?",
    "It was the 3rd of May.",
    "He came home late again.",
]
SOURCE = "tatoeba-eng"
FEW = Optimisation(steps=2, save_every=1, evaluate_every=2, warmup_steps=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts: 52 blocks of 50 lines, of which one is dev and two are test."""
    folder = tmp_path_factory.mktemp("run")
    with lzma.open(folder / f"{SOURCE}.txt.xz", "wt", encoding="utf-8", preset=0) as file:
        file.writelines(f"{LINES[number * len(LINES) // 2600]}\n" for number in range(2600))
    (folder / "lexicon.txt").write_text("left\tl ɛ f t\nlate\tl eɪ t\n", encoding="utf-8")
    return folder


def corpus_of(run: Path) -> Corpus:
    return prepare({SOURCE: 2000}, 600, run, run / "lexicon.txt", run / TEXT, lambda _: None)


def test_a_tagger_from_texts(run: Path) -> None:
    network = TaggerConfig(affixes=16, embedding=4, dim=8, hidden=8, layers=1, heads=2)
    recipe = PunctuationRecipe(
        "small", {SOURCE: 2000}, {"all": [SOURCE]}, held_back=600, words=20, batch_words=160, network=network,
        pretraining=FEW, optimisation=FEW,
    )  # fmt: skip
    PunctuationTrainer(recipe, corpus_of(run), run).run()
    assert load_tagger(run / MODEL).provenance["steps"] == 2
    lines = (run / "training" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert "all live macro" in json.loads(lines[-1])
    longer = replace(recipe, optimisation=replace(FEW, steps=3))
    PunctuationTrainer(longer, corpus_of(run), run).run()
    earlier = load_tagger(run / MODEL)
    assert earlier.provenance["steps"] == 3
    other = replace(recipe, words=10, optimisation=replace(FEW, learning_rate=0.0, muon_learning_rate=0.0))
    PunctuationTrainer(other, corpus_of(run), run / "other", earlier).run()
    later = load_tagger(run / "other" / MODEL)
    assert later.vocabulary.words == earlier.vocabulary.words
    assert later.provenance["start"] == earlier.provenance
    torch.testing.assert_close(later.network.encoder.state_dict(), earlier.network.encoder.state_dict())
    with pytest.raises(ValueError, match="another network"):
        PunctuationTrainer(replace(recipe, network=TaggerConfig()), corpus_of(run), run, earlier).run()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"groups": {"all": ["novels"]}}, "groups name 'novels', which is none of the sources"),
        ({"weights": {"mark": 1.0}}, "weights must name the heads"),
    ],
)
def test_a_tagger_s_recipe_names_what_there_is(wrong: dict[str, Any], complaint: str) -> None:
    """Not after hours, at the first look."""
    with pytest.raises(ValueError, match=complaint):
        PunctuationRecipe(**{"name": "small", "sources": {SOURCE: 2000}, "groups": {"all": [SOURCE]}, **wrong})


def test_biases_give_marks_in_doubt_a_chance() -> None:
    """A comma that is right in 4 of 10 places of its kind is never the likeliest; F1 wants it there."""
    log_probs = np.log(np.array([[0.6, 0.4]] * 10 + [[0.95, 0.05]] * 90, np.float32))
    judged = Judged(log_probs, np.array([1] * 4 + [0] * 95 + [1]))
    assert judged.macro_f1 == 0
    biases = best_biases([judged])
    assert judged.biased(biases).macro_f1 == pytest.approx(8 / 15)
    assert biases[0] == 0 < 0.4 < biases[1] < 2


def test_pieces_end_where_sentences_need_not(run: Path) -> None:
    corpus = corpus_of(run)
    batches = TagBatches(corpus, Vocabulary(corpus.words, 16), 800, 1)
    marks = [row[row >= 0][-1] for step in range(60) for row in batches.of_step(step).labels[..., 0]]
    ends = (corpus.stream("train").labels[:, 0] >= MARKS.index(".")).mean()
    assert np.mean([mark >= MARKS.index(".") for mark in marks]) == pytest.approx(ends, abs=0.1)


def test_held_back_pieces_are_whole_sentences_in_no_order_that_tells(run: Path) -> None:
    corpus = corpus_of(run)
    (words, labels), *_ = held_back_pieces(corpus, "test", [SOURCE])
    assert len(words) == len(labels) >= 400
    assert MARKS[labels[-1, 0]] in (".", "?")
    lengths = np.diff(np.flatnonzero(labels[:, 0] >= MARKS.index("."))).tolist()
    assert lengths not in (sorted(lengths), sorted(lengths, reverse=True))


def test_a_span_writer_from_what_the_tagger_found(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(itn, "_SCORED", 3)
    corpus_of(run)
    aligned = run / "aligned.jsonl.gz"
    with gzip.open(aligned, "wt", encoding="utf-8") as file:
        file.write(json.dumps({"written": ["in", "1984"], "spoken": ["in", "nineteen eighty four"]}) + "\n")
    found = [*found_spans(run / TEXT / PAIRS), *((*pair, 1) for pair in proteno(aligned))]
    assert ("five dollars", "$5") in [pair[:2] for pair in found]
    assert ("nineteen eighty four", "1984", 1) in found
    recipe = ItnRecipe("small", batch=4, network=Seq2seqConfig("transformer", 8, 8, heads=2), optimisation=FEW)
    output = run / "itn"
    ItnTrainer(recipe, found, output).run()
    assert load_span_writer(output / "model").provenance["steps"] == 2


def test_the_recipes_of_the_docs_can_be_read() -> None:
    for name in ("punctuation", "punctuation-second", "punctuation-third"):
        tagger = read_punctuation_recipe(SHIPPED / f"{name}.toml")
        assert {source for group in tagger.groups.values() for source in group} == set(tagger.sources)
    assert read_itn_recipe(SHIPPED / "itn.toml").network.kind == "transformer"

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.recipes.data.features import StoreWriter
from models.recipes.data.phonemes import PHONEMES
from models.recipes.data.samples import (
    HEADS,
    Labeller,
    dev_samples,
    read_transcripts,
    training_samples,
    weight_of,
)
from models.recipes.recipe import Recipe

pytestmark = pytest.mark.usefixtures("tone_words")


def recipe(**changes: object) -> Recipe:
    fields: dict[str, object] = {
        "stores": ("real",),
        "teacher_stores": (),
        "dev_stores": (),
        "noise_stores": (),
        "weights": {},
    }
    return Recipe("tiny", 1, **fields | changes)  # type: ignore[arg-type]


def spelt(head: int, labels: dict[str, np.ndarray] | None) -> list[str]:  # type: ignore[type-arg]
    assert labels is not None
    return [HEADS[head].labels[label] for label in labels[HEADS[head].name]]


def test_heads_have_the_blank_first() -> None:
    assert [head.name for head in HEADS] == ["phonemes", "characters"]
    assert [head.labels[0] for head in HEADS] == ["<blank>", "<blank>"]
    assert HEADS[0].labels[1:] == PHONEMES
    assert "".join(HEADS[1].labels[1:]) == "|'abcdefghijklmnopqrstuvwxyz"


def test_labels_of_a_text() -> None:
    labels = Labeller(["my bee", "ha"]).labels("my bee ha")
    assert spelt(0, labels) == ["m", "aɪ", "b", "iː", "h", "ɑː"]
    assert spelt(1, labels) == list("my|bee|ha")


def test_there_is_one_delimiter_between_words() -> None:
    assert spelt(1, Labeller(["my bee"]).labels(" my  bee ")) == list("my|bee")


@pytest.mark.parametrize("text", ["", "  ", "my cat", "my 7", "Ha"])
def test_what_cannot_be_labelled_has_no_labels(text: str) -> None:
    assert Labeller(["my bee ha zoo", text]).labels(text) is None


def test_transcripts(tmp_path: Path) -> None:
    lines = [{"key": "a/1", "text": "ha", "confidence": 0.9}, {"key": "ö/2", "text": "bee"}]
    for number, line in enumerate(lines):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert read_transcripts([tmp_path / "0.jsonl", tmp_path / "1.jsonl"]) == {"a/1": "ha", "ö/2": "bee"}


@pytest.mark.parametrize("line", ["", "words", "[1]", '{"text": "ha"}', '{"key": "a/1", "text": 7}'])
def test_transcripts_of_another_kind_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "told.jsonl").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"told\.jsonl is damaged or of another kind"):
        read_transcripts([tmp_path / "told.jsonl"])


def test_a_line_of_transcripts_ends_where_the_line_ends(tmp_path: Path) -> None:
    told = json.dumps({"key": "a/1", "text": "ha\u2028bee"}, ensure_ascii=False)
    (tmp_path / "told.jsonl").write_text(f"{told}\r\n", encoding="utf-8")
    assert read_transcripts([tmp_path / "told.jsonl"]) == {"a/1": "ha\u2028bee"}


@pytest.mark.parametrize(("key", "weight"), [("a/1", 2.0), ("a/b/1", 0.5), ("c/1", 1.0), ("b/a/", 1.0)])
def test_the_longest_beginning_of_a_key_decides_its_weight(key: str, weight: float) -> None:
    assert weight_of(key, {"a/": 2.0, "a/b/": 0.5}) == weight


def test_training_samples(
    tmp_path: Path, write_speech: Callable[..., None], write_targets: Callable[..., None]
) -> None:
    write_speech(tmp_path / "real", ["ha bee", "cat", None, None, "my"], "tones")
    write_speech(tmp_path / "silent", [""], "hum")
    write_speech(tmp_path / "taught", ["ha bee", "cat"], "tones")
    write_targets(tmp_path / "teacher", tmp_path / "taught")
    told = {"key": "tones/2", "text": "zoo"}
    (tmp_path / "told.jsonl").write_text(json.dumps(told) + "\n")
    found = training_samples(
        recipe(
            teacher_stores=("teacher",),
            nonspeech_stores=("silent",),
            transcripts=("told.jsonl",),
            weights={"hum/": 3.0},
        ),
        tmp_path,
    )
    by_key = {sample.entry.key: sample for sample in found}
    # 3 has neither text nor targets: there is nothing to learn from it.
    assert sorted(by_key) == ["hum/0@1", "tones/0@1", "tones/1@1", "tones/2@1", "tones/4@1"]
    assert by_key["hum/0@1"].weight == 3.0
    assert spelt(0, dict(by_key["hum/0@1"].labels or {})) == []
    assert by_key["tones/1@1"].labels is None  # a word without a pronunciation
    assert spelt(1, dict(by_key["tones/2@1"].labels or {})) == list("zoo")
    assert {key for key, sample in by_key.items() if sample.targets is not None} == {"tones/0@1", "tones/1@1"}


def test_dev_samples_are_those_with_labels(tmp_path: Path, write_speech: Callable[..., None]) -> None:
    write_speech(tmp_path / "dev", ["ha", None, "cat", "my zoo"], "tones")
    found = dev_samples(recipe(dev_stores=("dev",)), tmp_path)
    assert [sample.entry.text for sample in found] == ["ha", "my zoo"]


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="real"):
        training_samples(recipe(), tmp_path)


def test_stores_may_be_of_another_width(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "real", 5, np.uint8)
    writer.add("a/1@1", np.zeros((30, 5), np.uint8), "ha", "")
    writer.close()
    (sample,) = training_samples(recipe(), tmp_path)
    assert sample.features.rows(sample.entry).shape == (30, 5)

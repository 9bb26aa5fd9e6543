"""What is trained on where networks hear samples."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.recipes.data.batches import BatchConfig
from models.recipes.finetuning.waveforms import LABELS, Recordings, labels_of, waveform_batches
from models.recipes.loop.rank import Rank

SAID = [("ha bee", "train"), ("zoo", "dev"), (None, "unlabelled"), ("my ha", "test"), ("HA 2", "train")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, write_recordings: Callable[..., None]) -> Path:
    """A manifest with all splits."""
    folder = tmp_path_factory.mktemp("speech")
    write_recordings(folder / "tones", SAID)
    return folder


def test_the_splits_of_a_recipe(corpus: Path) -> None:
    found = Recordings(("tones/manifest.jsonl",), ("tones/manifest.jsonl",), weights={"tones/": 0.5, "tones/2": 2.0})
    train = found.train(corpus)
    assert [one.key for one in train] == ["tones/0.wav", "tones/2.wav", "tones/4.wav"]
    assert [one.is_transcribed for one in train] == [True, False, False]  # HA 2 has letters that are no labels
    assert [one.weight for one in train] == [0.5, 2.0, 0.5]
    assert [one.key for one in found.dev(corpus)] == ["tones/1.wav"]


def test_transcripts_beside_the_manifest(corpus: Path) -> None:
    (corpus / "heard.jsonl").write_text(json.dumps({"key": "tones/2.wav", "text": "ha zoo"}) + "\n")
    found = Recordings(("tones/manifest.jsonl",), transcripts=("heard.jsonl",)).train(corpus)
    assert found[1].labels is not None
    assert "".join(LABELS[label] for label in found[1].labels) == "ha|zoo"


def test_nothing_to_train_on(corpus: Path) -> None:
    with pytest.raises(ValueError, match="no recordings to train on"):
        Recordings(()).train(corpus)


def test_a_batch_holds_samples_and_the_labels_of_those_that_have_any(corpus: Path) -> None:
    recordings = Recordings(("tones/manifest.jsonl",)).train(corpus)
    batches = waveform_batches(recordings, BatchConfig(frames=1000), 1, Rank(torch.device("cpu")))
    batch = batches.make(0)
    assert batch.samples.shape == (3, int(batch.lengths.max()))
    assert sorted(batch.label_lengths.tolist()) == [6]
    assert batch.transcribed.sum() == 1
    assert "".join(LABELS[label] for label in batch.labels) == "ha|bee"
    assert batch.seconds == pytest.approx(float(batch.lengths.sum()) / 16000)
    row = int(batch.lengths.argmin())
    assert not batch.samples[row, batch.lengths[row] :].any()


def test_labels_of_a_text() -> None:
    assert labels_of(None) is labels_of("") is labels_of("über") is None
    np.testing.assert_array_equal(labels_of("a b"), [3, 1, 4])

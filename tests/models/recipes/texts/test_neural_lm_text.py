"""The text of a neural language model is the n-gram's, and every sentence is heard once an epoch."""

import json
from pathlib import Path

import numpy as np
import pytest

from decoder.lm_recipe import parse_recipe
from models.recipes.texts.neural_lm_text import IGNORED, TOKENS, Batches, Text, prepare, token_batch
from models.word_pieces import BOUNDARY

SENTENCES = [f"The {animal} saw {number} dogs." for number in range(2, 30) for animal in ("cat", "cow", "owl")]
RECIPE = parse_recipe(
    {
        "text": {"held_back_every": 4, "block_lines": 2},
        "exclude": {"manifests": ["speech/*.jsonl"], "shared_words": 4},
        "evaluate": {"manifests": ["speech/*.jsonl"]},
        "estimate": {"vocabulary": 60},
        "source": [{"name": "animals", "path": "animals.txt"}, {"name": "twice", "path": "twice.txt", "weight": 2}],
    }
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "speech").mkdir(parents=True)
    (folder / "animals.txt").write_text("\n".join(SENTENCES))
    (folder / "twice.txt").write_text("Two owls.\nIt's late.\n")
    rows = [{"text": "the cat saw two dogs", "split": "dev"}, {"text": "every owl saw three dogs", "split": "test"}]
    (folder / "speech" / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def silent(line: str) -> None:
    assert line


def sentences(text: Text) -> list[str]:
    """The training sentences, read from their pieces."""
    parts = np.split(text.tokens, text.starts[1:-1])
    return ["".join(text.pieces.pieces[n - 1] for n in part).replace("▁", " ").strip() for part in parts]


def test_the_text_is_the_n_grams(data: Path, tmp_path: Path) -> None:
    text = prepare(RECIPE, 100, data, tmp_path / "text", silent)
    learnt = sentences(text)
    assert len(text.pieces) <= 100
    assert learnt.count("two owls") == learnt.count("it's late") == 2
    assert "the cat saw two dogs" not in learnt  # of the dev split
    assert "the owl saw three dogs" not in learnt  # shares four words with the test split
    assert text.dev == {"speech": ["the cat saw two dogs"]}
    assert list(text.held_back) == ["animals"]
    assert not set(text.held_back["animals"]) & set(learnt)
    assert len(text.held_back["animals"]) + sum(one.endswith("dogs") for one in learnt) == len(SENTENCES) - 2
    assert "cat" in text.words


def test_it_is_made_once(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "text"
    first = prepare(RECIPE, 100, data, folder, silent)
    (data / "animals.txt").unlink()
    second = prepare(RECIPE, 100, data, folder, silent)
    assert np.array_equal(first.tokens, second.tokens)
    assert first.pieces.pieces == second.pieces.pieces
    with pytest.raises(ValueError, match=r"of another recipe.*delete it to make it again"):
        prepare(RECIPE, 90, data, folder, silent)
    (folder / TOKENS).write_bytes(b"")
    with pytest.raises(ValueError, match="delete it to make it again"):
        prepare(RECIPE, 100, data, folder, silent)


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is the data folder the right one"):
        prepare(RECIPE, 100, tmp_path, tmp_path / "text", silent)


def test_an_epoch_has_every_sentence_once(data: Path, tmp_path: Path) -> None:
    text = prepare(RECIPE, 100, data, tmp_path / "text", silent)
    batches = Batches(text, 64, seed=1)
    seen: list[list[list[int]]] = []
    for epoch in range(2):
        rows = []
        for step in range(epoch * len(batches), (epoch + 1) * len(batches)):
            batch = batches.of_step(step)
            assert batch.inputs.numel() <= 2 * 64
            assert batch.inputs[:, 0].eq(BOUNDARY).all()
            for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
                spoken = [one for one in targets if one != IGNORED]
                assert spoken[-1] == BOUNDARY
                assert inputs[1 : len(spoken)] == spoken[:-1]
                rows.append(spoken[:-1])
        seen.append(rows)
    assert (
        sorted(seen[0]) == sorted(seen[1]) == sorted(part.tolist() for part in np.split(text.tokens, text.starts[1:-1]))
    )
    assert seen[0] != seen[1]
    again = Batches(text, 64, seed=1).of_step(len(batches))
    assert again.inputs.equal(batches.of_step(len(batches)).inputs)


def test_what_pads_a_batch() -> None:
    batch = token_batch([[5, 6], [7]])
    assert batch.inputs.tolist() == [[BOUNDARY, 5, 6], [BOUNDARY, 7, BOUNDARY]]
    assert batch.targets.tolist() == [[5, 6, BOUNDARY], [7, BOUNDARY, IGNORED]]


def test_no_text() -> None:
    text = Text(None, frozenset(), np.zeros(0, np.int16), np.zeros(1, np.int64), {}, {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no sentences to train on"):
        Batches(text, 64, 1)

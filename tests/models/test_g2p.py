import gzip
import hashlib
import itertools
import json
from math import exp
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from models.g2p import (
    END,
    FILES,
    LABELS_PER_LETTER,
    MAX_LETTERS,
    G2p,
    G2pConfig,
    Pronunciation,
    build_network,
    load_g2p,
    read_lexicon,
    save_g2p,
)

SMALL = G2pConfig(embedding=4, encoder=6, encoder_layers=1, decoder=5, dropout=0.5)


def made(letters: str = "abc'", labels: tuple[str, ...] = ("p", "q", "r"), spread: float = 1.0) -> G2p:
    """A random network; with a larger spread it is surer of what it says."""
    network = build_network(SMALL, letters, labels).eval().requires_grad_(False)
    for tensor in network.parameters():
        tensor.normal_(0, spread)
    return G2p(SMALL, letters, labels, network, {"words": 3})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_g2p(tmp_path, made())
    return tmp_path


def test_training_and_search_see_the_same_network() -> None:
    network = made().network
    words, labels = torch.tensor([[0, 1, 2], [2, 2, 1]]), torch.tensor([[END, 1, 2, 3], [END, 3, 3, 1]])
    logits = network(words, labels)
    assert logits.shape == (2, 4, 4)
    memory, state = network.encode(words[1:])
    assert memory.shape == (1, 3, 2 * SMALL.encoder)
    for place in range(4):
        step, state = network.step(labels[1:, place], memory, state)
        torch.testing.assert_close(step[0], logits[1, place])


def probability(g2p: G2p, word: str, said: Pronunciation) -> float:
    """The product of the labels' probabilities, by teacher forcing."""
    labels = torch.tensor([END, *(1 + g2p.labels.index(label) for label in said), END])
    logits = g2p.network(torch.tensor([g2p.letter_indices(word)]), labels[None, :-1])
    return exp(logits[0].log_softmax(-1).gather(1, labels[1:, None]).sum())


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_best_of_all_pronunciations(seed: int) -> None:
    torch.manual_seed(seed)
    g2p = made(labels=("p", "q"))
    longest = 7
    every = [said for length in range(1, longest + 1) for said in itertools.product("pq", repeat=length)]
    found = g2p.pronounce("ab", beam=2**longest, share=0.1)
    best = max(every, key=lambda said: probability(g2p, "ab", said))
    said, chance = found[0]
    assert len(said) > longest or said == best
    assert chance == pytest.approx(probability(g2p, "ab", said), rel=1e-4)
    for other, chance in found:
        assert chance == pytest.approx(probability(g2p, "ab", other), rel=1e-4)


def test_variants_are_distinct_sorted_and_above_their_share() -> None:
    g2p = made()
    found = g2p.pronounce("abcab", beam=16, share=0.05)
    chances = [chance for _, chance in found]
    assert len(found) == len({said for said, _ in found}) > 2
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] >= 0.05 * chances[0]
    assert sum(chances) <= 1
    assert g2p.pronounce("abcab", beam=16, share=1.0) == found[:1]


@pytest.mark.parametrize("ends", [-50.0, 50.0], ids=["never", "at once"])
def test_pronunciations_are_neither_endless_nor_empty(ends: float) -> None:
    g2p = made(spread=0.1)
    g2p.network.output.bias[END] = ends
    for said, _ in g2p.pronounce("abc", beam=4):
        assert 1 <= len(said) < LABELS_PER_LETTER * 4


@pytest.mark.parametrize("word", ["", "'", "''", "a" * (MAX_LETTERS + 1), "cab1", "ça", "a b", "CAB"])
def test_what_is_no_word_is_named(word: str) -> None:
    with pytest.raises(ValueError, match=r": (use only abc'|spell it otherwise)") as caught:
        made().pronounce(word)
    assert repr(word[:MAX_LETTERS]) in str(caught.value)


def test_round_trip(folder: Path) -> None:
    torch.manual_seed(0)
    saved, loaded = made(), load_g2p(folder)
    assert (loaded.letters, loaded.labels, loaded.config) == (saved.letters, saved.labels, saved.config)
    assert loaded.provenance == {"words": 3}
    assert not loaded.network.training
    for name, tensor in saved.network.state_dict().items():
        torch.testing.assert_close(loaded.network.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)
    assert loaded.pronounce("cab")[0][0] == saved.pronounce("cab")[0][0]
    assert sorted(path.name for path in folder.iterdir()) == [FILES.description, FILES.weights]


def describe(folder: Path, **changes: Any) -> None:
    description = json.loads((folder / FILES.description).read_text(encoding="utf-8"))
    (folder / FILES.description).write_text(json.dumps(description | changes), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError, match=r"g2p\.json is damaged \(.+\): fetch the model again") as caught:
        load_g2p(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"7", b"{}", b'{"format": ' + b"[" * 100_000])
def test_a_description_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    (folder / FILES.description).write_bytes(content)
    refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "onnx"},
        {"version": 2},
        {"sha256": "0"},
        {"letters": "ab"},
        {"labels": ["p"]},
        {"labels": None},
        {"network": {"embedding": 8}},
        {"network": {"width": 8}},
        {"network": {"embedding": "wide"}},
        {"network": None},
    ],
    ids=str,
)
def test_a_description_that_does_not_fit_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    describe(folder, **changes)
    refusal(folder)


@pytest.mark.parametrize("key", ["format", "version", "letters", "labels", "network", "provenance", "sha256"])
def test_a_missing_part_of_the_description_is_named(folder: Path, key: str) -> None:
    description = json.loads((folder / FILES.description).read_text(encoding="utf-8"))
    del description[key]
    (folder / FILES.description).write_text(json.dumps(description))
    assert repr(key) in refusal(folder)


def test_changed_cut_and_foreign_weights_are_refused(folder: Path) -> None:
    content = (folder / FILES.weights).read_bytes()
    (folder / FILES.weights).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "SHA-256" in refusal(folder)
    for other in (b"", content[:100], content[:-2], safetensors.torch.save({"x": torch.zeros(1)})):
        (folder / FILES.weights).write_bytes(other)
        describe(folder, sha256=hashlib.sha256(other).hexdigest())
        refusal(folder)


def test_missing_files_are_missing(folder: Path) -> None:
    for name in (FILES.weights, FILES.description):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=name):
            load_g2p(folder)


def test_a_lexicon_has_the_variants_of_a_word_in_their_order(tmp_path: Path) -> None:
    text = "the\tð ə\ncat\tk æ t\nthe\tð iː\n"
    (tmp_path / "lexicon.txt").write_text(text, encoding="utf-8")
    (tmp_path / "lexicon.txt.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("lexicon.txt", "lexicon.txt.gz"):
        assert read_lexicon(tmp_path / name) == {"the": ("ð ə", "ð iː"), "cat": ("k æ t",)}


@pytest.mark.parametrize(
    "content", [b"the\n", b"the\t\n", b"\n", gzip.compress(b"the\t\xff\n"), gzip.compress(b"the\ta\n")[:-9]]
)
def test_a_damaged_lexicon_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lexicon.txt.gz"
    path.write_bytes(content if content.startswith(b"\x1f\x8b") else gzip.compress(content))
    with pytest.raises(ValueError, match=r"lexicon\.txt\.gz(, line 1: expected| is damaged)") as caught:
        read_lexicon(path)
    assert "\n" not in str(caught.value)

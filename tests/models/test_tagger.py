import json
from pathlib import Path

import pytest
import torch

from models.tagger import (
    FEATURES,
    FILES,
    HEADS,
    LOOK_AHEAD,
    PADDING,
    TaggerConfig,
    TaggerNetwork,
    Vocabulary,
    WordTagger,
    load_tagger,
    save_tagger,
)

SMALL = TaggerConfig(affixes=64, embedding=8, dim=16, hidden=32, layers=3, heads=2)
TEXT = "the cat sat on a mat and then it was 0 00"
WORDS = tuple(TEXT.split())


def made(config: TaggerConfig = SMALL) -> WordTagger:
    torch.manual_seed(0)
    vocabulary = Vocabulary(WORDS, config.affixes)
    network = TaggerNetwork(config, vocabulary.size).eval().requires_grad_(False)
    return WordTagger(config, vocabulary, network, {"steps": 1})


def text(words: int) -> list[str]:
    return [WORDS[(7 * place + place // 5) % len(WORDS)] + "s" * (place % 3 == 0) for place in range(words)]


def test_rows_of_words_fold_case_and_digits_and_stay_inside() -> None:
    vocabulary = Vocabulary(WORDS, 64)
    assert vocabulary.rows("Cat") == vocabulary.rows("cat")
    assert vocabulary.rows("17") == vocabulary.rows("42")
    assert vocabulary.rows("kipling")[0] == vocabulary.rows("austen")[0] != vocabulary.rows("cat")[0]
    for word in (*WORDS, "kipling", "$23.05", "日本語", "🙂", "x" * 1000, ""):
        rows = vocabulary.rows(word)
        assert len(rows) == FEATURES
        assert all(0 <= row < vocabulary.size for row in rows)


@pytest.mark.parametrize("shared", [False, True])
def test_live_labels_depend_on_two_words_ahead_and_no_more(shared: bool) -> None:
    tagger = made(TaggerConfig(affixes=64, embedding=8, dim=16, hidden=32, layers=3, heads=2, shared=shared))
    words = text(90)
    whole = tagger.log_probs(words, LOOK_AHEAD)
    for length in (1, 3, 31, 33, 50, 66):
        part = tagger.log_probs(words[:length], LOOK_AHEAD)
        for name in HEADS:
            fixed = max(0, length - LOOK_AHEAD)
            torch.testing.assert_close(part[name][:fixed], whole[name][:fixed], rtol=1e-4, atol=1e-5)
    changed = tagger.log_probs([*words[:20], "mat", *words[21:]], LOOK_AHEAD)["mark"]
    assert not torch.allclose(changed[18], whole["mark"][18])


def test_final_labels_see_further() -> None:
    tagger, words = made(), text(20)
    other = [*words[:-1], "kipling"]
    assert not torch.allclose(tagger.log_probs(words)["mark"][5], tagger.log_probs(other)["mark"][5])


def test_padding_is_not_seen() -> None:
    tagger = made()
    rows = torch.tensor([[tagger.vocabulary.rows(word) for word in text(6)]])
    padded = torch.cat([rows, torch.full((1, 3, FEATURES), PADDING)], 1)
    for ahead in (None, LOOK_AHEAD):
        alone, beside = tagger.network(rows, ahead), tagger.network(padded, ahead)
        for name in HEADS:
            torch.testing.assert_close(beside[name][:, :6], alone[name])


def test_any_number_of_words_is_tagged() -> None:
    tagger = made()
    for length in (0, 1, 32, 33, 700):
        for name, log_probs in tagger.log_probs(text(length)).items():
            assert log_probs.shape == (length, len(HEADS[name]))
            torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(length))


def test_shared_layers_are_fewer_weights() -> None:
    separate = made().network.encoder
    shared = made(TaggerConfig(affixes=64, embedding=8, dim=16, hidden=32, layers=3, heads=2, shared=True))
    assert len(separate.blocks) == 3
    assert len(shared.network.encoder.blocks) == 1


def test_round_trip(tmp_path: Path) -> None:
    tagger = made()
    save_tagger(tmp_path, tagger)
    loaded = load_tagger(tmp_path)
    assert (loaded.config, loaded.vocabulary.words, loaded.provenance) == (SMALL, WORDS, {"steps": 1})
    for name, log_probs in loaded.log_probs(text(9)).items():
        torch.testing.assert_close(log_probs, tagger.log_probs(text(9))[name], rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "changes", [{"format": "onnx"}, {"version": 9}, {"sha256": "0"}, {"words": "a b"}, {"network": {}}, {"heads": {}}]
)
def test_a_damaged_description_is_refused_in_one_line(tmp_path: Path, changes: dict[str, object]) -> None:
    save_tagger(tmp_path, made())
    description = json.loads((tmp_path / FILES.description).read_text(encoding="utf-8"))
    (tmp_path / FILES.description).write_text(json.dumps(description | changes), encoding="utf-8")
    with pytest.raises(ValueError, match=r"tagger\.json is damaged \(.+\): fetch the model again") as caught:
        load_tagger(tmp_path)
    assert "\n" not in str(caught.value)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    save_tagger(tmp_path, made())
    (tmp_path / FILES.weights).write_bytes(b"")
    with pytest.raises(ValueError, match="SHA-256"):
        load_tagger(tmp_path)


@pytest.mark.parametrize("change", [{"heads": 3}, {"layers": 0}, {"dim": 18}])
def test_what_cannot_be_built_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"heads|sizes"):
        TaggerConfig(**{"dim": 16, "heads": 4, **change})

import random
from pathlib import Path

import pytest
import torch

from models.recipes.texts.itn import CHARACTERS, Pairs, exact, losses, read_itn_recipe
from models.recipes.texts.itn_pairs import KINDS, found_spans, made
from models.seq2seq import Seq2seq
from models.span_writer import Alphabets, SpanWriter, load_span_writer, save_span_writer

RECIPE = Path(__file__).parents[4] / "models" / "recipes" / "itn.toml"
FOUND = [("two dollars", "$2", 3), ("u s", "U.S.", 2), ("nineteen eighty", "1980", 9), ("five", "5", 1)] * 3


def test_every_made_pair_can_be_read_and_most_written() -> None:
    alphabets = Alphabets(["twenty"], CHARACTERS)
    choice = random.Random(0)
    for kind, (_, make) in KINDS.items():
        pairs = [make(choice) for _ in range(200)]
        assert len(set(pairs)) > 20, kind
        for spoken, written in pairs:
            assert not set(spoken) - set("abcdefghijklmnopqrstuvwxyz' "), spoken
            assert not set(written) - set(CHARACTERS), written
            assert "  " not in spoken
            if kind in ("cardinal", "date", "time", "telephone"):
                assert any(character.isdigit() for character in written)
        assert sum(alphabets.write(written) is not None for _, written in pairs) > 190


def test_the_same_seed_makes_the_same_batches() -> None:
    recipe = read_itn_recipe(RECIPE)
    first, second = Pairs(recipe, FOUND), Pairs(recipe, FOUND)
    assert first.of_step(7) == second.of_step(7) != first.of_step(8)
    assert made(random.Random(1)) == made(random.Random(1))


def test_a_network_starts_at_chance_and_gives_gradients() -> None:
    torch.manual_seed(0)
    recipe = read_itn_recipe(RECIPE)
    pairs = Pairs(recipe, FOUND)
    network = Seq2seq(recipe.network, pairs.alphabets.sources, pairs.alphabets.targets)
    loss = losses(network, pairs.of_step(0))["characters"]
    assert 3.0 < loss.item() < 6.0
    loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_alphabets_spell_words_without_a_symbol() -> None:
    alphabets = Alphabets(["twenty", "dollars"], "$0123456789")
    one, several = alphabets.read("twenty dollars"), alphabets.read("twenty yen")
    assert one is not None
    assert several is not None
    assert (len(one), len(several)) == (2, 1 + 4)
    assert alphabets.read("zwölf") is None
    assert alphabets.read("") is None
    assert alphabets.read("yen " * 40) is None
    assert alphabets.text(alphabets.write("$23") or []) == "$23"
    assert alphabets.write("20 %") is None


def test_a_writer_is_saved_and_damage_is_found(tmp_path: Path) -> None:
    recipe = read_itn_recipe(RECIPE)
    pairs = Pairs(recipe, FOUND)
    network = Seq2seq(recipe.network, pairs.alphabets.sources, pairs.alphabets.targets)
    writer = SpanWriter(recipe.network, pairs.alphabets, network.eval(), {"steps": 0})
    save_span_writer(tmp_path, writer)
    loaded = load_span_writer(tmp_path)
    assert loaded.alphabets.words == writer.alphabets.words
    assert loaded.provenance == {"steps": 0}
    assert loaded.search("日本", 1) == []
    assert exact(loaded, [("日本", "x")]) == 0.0
    (tmp_path / "span_writer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"span_writer\.json is damaged \(.+\): fetch the model again"):
        load_span_writer(tmp_path)


def test_days_of_found_dates_have_no_ending(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text('["march third", "March 3rd", 2]\n["third", "3rd", 1]')
    assert list(found_spans(path)) == [("march third", "March 3", 2), ("third", "3rd", 1)]

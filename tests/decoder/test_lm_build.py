import json
import lzma
import shutil
from pathlib import Path

import pytest

from decoder import lm_build, lm_text
from decoder.lm import NgramLM
from decoder.lm_info import inspect
from decoder.lm_recipe import ExcludeOptions, Generated, Source, TextOptions, load_recipe, parse_recipe
from decoder.perplexity import measure

RECIPES = Path(lm_build.__file__).parent / "recipes"
SENTENCES = [f"The {animal} saw {number} dogs." for number in range(2, 30) for animal in ("cat", "cow", "owl")]

RECIPE = """
[text]
held_back_every = 4
block_lines = 2
[exclude]
manifests = ["speech/*/manifest.jsonl"]
shared_words = 4
[evaluate]
manifests = ["speech/tiny/manifest.jsonl"]
[estimate]
vocabulary = 60
order = 3
memory = "64M"
[[source]]
name = "animals"
path = "text/animals.txt.xz"
weight = 1.5
[[source]]
name = "spoken"
path = "speech/*/manifest.jsonl"
split = "train"
[[generated]]
kind = "digits"
sentences = 50
[[generated]]
kind = "spelling"
sentences = 50
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "text").mkdir(parents=True)
    (folder / "speech" / "tiny").mkdir(parents=True)
    with lzma.open(folder / "text" / "animals.txt.xz", "wt") as file:
        file.write("\n".join([*SENTENCES, "Odd = bad."]))
    rows = [
        {"audio": "a.wav", "text": "the cat saw two dogs", "split": "dev"},
        {"audio": "b.wav", "text": "every owl saw three dogs today", "split": "test"},
        {"audio": "c.wav", "text": "every cow sleeps", "split": "train"},
        {"audio": "d.wav", "text": "every cow sleeps", "split": "train"},
        {"audio": "e.wav", "label": "noise", "split": "test"},
    ]
    (folder / "speech" / "tiny" / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return folder


def read(data: Path, work: Path) -> list[lm_text.SourceText]:
    work.mkdir()
    recipe = load_recipe(data.parent / "recipe.toml")
    return lm_text.read_sources(recipe, data, work, lm_text.exclusion(recipe.exclude, data), lambda message: None)


def test_the_division_is_the_same_every_time(data, tmp_path):
    first, second = read(data, tmp_path / "one"), read(data, tmp_path / "two")
    assert [text.counts for text in first] == [text.counts for text in second]
    assert first[0].held_back.read_text() == second[0].held_back.read_text()
    held = first[0].held_back.read_text().splitlines()
    training = first[0].training.read_text().splitlines()
    assert held[:2] == ["the cat saw four dogs", "the cow saw four dogs"]
    assert not set(held) & set(training)
    assert first[0].sentences == len(training)


def test_whole_blocks_are_held_back():
    options = TextOptions(held_back_every=3, block_lines=2)
    assert [line for line in range(14) if lm_text.is_held_back(line, options)] == [4, 5, 10, 11]


def test_no_sentence_of_a_test_transcript_is_learnt(data, tmp_path):
    animals, spoken = read(data, tmp_path / "work")
    learnt = animals.training.read_text() + animals.held_back.read_text()
    assert "the cat saw two dogs" not in learnt  # equal to a dev transcript
    assert "owl saw three dogs" not in learnt  # four words in a row of a test transcript
    assert "the cow saw three dogs" in learnt
    assert (animals.excluded, animals.unreadable) == (2, 1)
    assert spoken.training.read_text() == "every cow sleeps\n"


def test_exclusion_finds_equal_and_shared_runs():
    kept_out = lm_text.Exclusion(["one two three four five", "yes"], shared_words=4)
    assert kept_out.hits("yes")
    assert kept_out.hits("zero one two three four")
    assert not kept_out.hits("one two three")
    assert not kept_out.hits("two three four yes")


def test_letters_and_digits_are_always_in_the_vocabulary(data, tmp_path):
    recipe = load_recipe(data.parent / "recipe.toml")
    vocabulary = lm_text.choose_vocabulary(read(data, tmp_path / "work"), recipe)
    assert {"a", "q", "z", "zero", "nine", "oh", "the", "dogs"} <= set(vocabulary)
    assert len(vocabulary) <= recipe.estimate.vocabulary
    assert list(vocabulary.values()) == sorted(vocabulary.values(), reverse=True)


def test_generated_text_is_digits_or_letters_and_repeatable():
    digits = list(lm_text.generate(Generated("digits", 100), []))
    assert digits == list(lm_text.generate(Generated("digits", 100), []))
    assert {word for line in digits for word in line.split()} == {*lm_text.DIGITS, "oh"}
    words = [f"word{letter}" for letter in "abc"] * 200
    spelled = list(lm_text.generate(Generated("spelling", 5), words))
    assert all(line.startswith("w o r d ") for line in spelled)


def test_weights_repeat_and_thin_out(tmp_path):
    source = tmp_path / "part.train"
    source.write_text("".join(f"line {number}\n" for number in "abcdefgh"))
    recipe = parse_recipe({"source": [{"name": "part", "path": "-"}], "text": {"block_lines": 2}})
    text = lm_text.SourceText("part", "", 1.5, source, source)
    lm_text.write_training([text], recipe, [], lm_text.Exclusion([], 7), tmp_path / "corpus")
    lines = (tmp_path / "corpus").read_text().split("\n")
    assert lines.count("line a") + lines.count("line c") == 3
    assert len(lines) - 1 == 8 + 4 + len(lm_text.ALWAYS_KNOWN)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "at least one"),
        ({"source": [{"name": "a"}]}, "path"),
        ({"source": [{"name": "a", "path": "b", "wait": 1}]}, "unknown key 'wait'"),
        ({"source": [{"name": "a", "path": 3}]}, "wrong type"),
        ({"source": [{"name": "a", "path": "b", "weight": -1}]}, "negative"),
        ({"source": [{"name": "a", "path": "b"}, {"name": "a", "path": "c"}]}, "same name"),
        ({"source": [{"name": "a", "path": "b"}], "estimates": {}}, "unknown table 'estimates'"),
        ({"source": [{"name": "a", "path": "b"}], "estimate": {"order": 9}}, "order"),
        ({"source": [{"name": "a", "path": "b"}], "estimate": {"prune": [1, 0]}}, "prune"),
        (
            {"source": [{"name": "a", "path": "b"}], "generated": [{"kind": "x", "sentences": 1}]},
            "digits or spelling",
        ),
        ({"source": [{"name": "a", "path": "b"}], "text": []}, "must be a table"),
        ({"source": [{"name": "a", "path": "b", "model": "c"}]}, "each source one of the models"),
        ({"source": [{"name": "a", "path": "b"}], "model": [{}, {"name": "c"}]}, "each .*model"),
        ({"source": [{"name": "a", "path": "b"}], "model": [{"share": 0}]}, "above 0"),
        ({"source": [{"name": "a", "path": "b"}], "model": [{"prune": [1, 0]}]}, "prune"),
    ],
)
def test_a_wrong_recipe_is_named(content, message):
    with pytest.raises(ValueError, match=message):
        parse_recipe(content)


@pytest.mark.parametrize("name", ["lm_english.toml", "lm_english_books.toml"])
def test_the_recipes_keep_test_transcripts_out(name):
    recipe = load_recipe(RECIPES / name)
    assert recipe.exclude == ExcludeOptions(("speech/*/manifest.jsonl",), ("dev", "test"), 7)
    assert all(isinstance(source, Source) and source.weight > 0 for source in recipe.sources)


def test_missing_tools_and_data_are_told(data, tmp_path):
    with pytest.raises(FileNotFoundError, match="scripts/build-kenlm"):
        lm_build.build_language_model(tmp_path / "recipe.toml", data, tmp_path / "lm.bin", tools=tmp_path)
    with pytest.raises(FileNotFoundError, match="data folder"):
        lm_text.find(tmp_path, "speech/*/manifest.jsonl")
    damaged = data / "text" / "animals.txt.xz"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(OSError, match="damaged"):
        read(data, tmp_path / "work")
    bad = tmp_path / "bad.toml"
    bad.write_text("[source")
    with pytest.raises(ValueError, match=r"bad\.toml"):
        load_recipe(bad)


@pytest.mark.skipif(shutil.which("lmplz") is None, reason="KenLM's lmplz is not on the PATH (scripts/build-kenlm)")
def test_a_tiny_model_is_built_and_measured(data, tmp_path):
    steps: list[str] = []
    output = tmp_path / "out" / "lm.bin"
    build = lm_build.build_language_model(tmp_path / "recipe.toml", data, output, progress=steps.append)
    assert build.size_bytes == output.stat().st_size > 0
    assert sorted(path.name for path in output.parent.iterdir()) == ["lm.bin", "words.txt.gz"]
    assert steps[0] == "reading animals"
    assert build.held_back["all"].perplexity < 30
    assert build.evaluated["tiny"].words == 5
    assert "animals" in lm_build.describe(build)
    model = NgramLM(output)
    assert model.order == 3
    assert model.known("q")
    forwards, backwards = (measure(model, [text]) for text in ("the cat saw five dogs", "dogs five saw cat the"))
    assert forwards.perplexity < backwards.perplexity
    assert measure(model, ["the unheard dogs"]).unknown_percent == pytest.approx(100 / 3)


@pytest.mark.skipif(shutil.which("lmplz") is None, reason="KenLM's lmplz is not on the PATH (scripts/build-kenlm)")
def test_two_models_are_mixed_and_pruned(data, tmp_path):
    mixed = RECIPE.replace('split = "train"', 'split = "train"\nmodel = "spoken"')
    mixed = mixed.replace('memory = "64M"', 'memory = "64M"\nngrams = 60')
    recipe = tmp_path / "mixed.toml"
    recipe.write_text(f'{mixed}[[model]]\nshare = 0.5\n[[model]]\nname = "spoken"\nprune = [0, 0, 1]\n')
    steps: list[str] = []
    lm_build.build_language_model(recipe, data, tmp_path / "lm.bin", progress=steps.append)
    assert steps.count("mixing and pruning") == 1
    model = NgramLM(tmp_path / "lm.bin")
    assert sum(inspect(tmp_path / "lm.bin").ngrams[1:]) <= 60
    assert measure(model, ["every cow sleeps"]).perplexity < measure(model, ["sleeps every cow"]).perplexity

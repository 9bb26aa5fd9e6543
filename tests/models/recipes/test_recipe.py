from dataclasses import replace
from pathlib import Path

import pytest

import models.recipes
from models.conformer import EncoderConfig
from models.recipes.recipe import Distillation, Optimisation, SequenceTraining, read_recipe

SHIPPED = Path(models.recipes.__file__).parent
LEAST = """
name = "tiny"
seed = 3
stores = ["a"]
teacher_stores = []
dev_stores = []
noise_stores = []
[weights]
"a/" = 2
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, LEAST))
    assert (recipe.name, recipe.seed, recipe.stores, recipe.weights) == ("tiny", 3, ("a",), {"a/": 2})
    assert recipe.encoder == EncoderConfig()
    assert recipe.optimisation == Optimisation()
    assert recipe.nonspeech_stores == ()
    assert (recipe.distillation, recipe.sequence) == (None, None)


def test_sections_are_read(tmp_path: Path) -> None:
    text = (
        LEAST
        + "[encoder]\ndim = 32\n[optimisation]\nchunks = [2, 0]\nhead_weights = { phonemes = 2.0 }\n"
        + "[batches]\ngap_frames = [1, 2]\n[augmentation]\nlevel_db = [-1.0, 1.0]\n"
        + '[provenance]\nlicence = "CC0"\n[distillation]\nteacher = "large"\n[sequence]\nlexicon = "words.txt"\n'
    )
    recipe = read_recipe(write(tmp_path, text))
    assert recipe.encoder.dim == 32
    assert recipe.optimisation.chunks == (2, 0)
    assert recipe.optimisation.head_weights == {"phonemes": 2.0}
    assert recipe.batches.gap_frames == (1, 2)
    assert recipe.augmentation.level_db == (-1.0, 1.0)
    assert recipe.provenance == {"licence": "CC0"}
    assert recipe.distillation == Distillation("large", temperature=2.0, weight=1.0, chunk_frames=0)
    assert recipe.sequence == SequenceTraining("words.txt", lm="", start_step=0)


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ('[distillation]\nteacher = "a"\ntemperature = 0.0', "the temperature must be above 0"),
        ('[distillation]\nteacher = "a"\nchunk_frames = -1', "chunk_frames must be 0"),
        ("[distillation]\nweight = 1.0", "'teacher'"),
        ("[optimisation]\nsave_every = 0", "save_every must be 1 or more"),
        ("[optimisation]\nchunks = []", "chunks must be encoder frames"),
        ("[optimisation]\nchunks = [-4]", "chunks must be encoder frames"),
        ("[batches]\ngap_frames = [0, 0]", "gap_frames must be a range"),
        ("[batches]\njoin_frames = [9, 4]", "join_frames must be a range"),
        ('[sequence]\nlexicon = "a"\nnbest = 1', "nbest must be 2 or more"),
    ],
)
def test_impossible_values_are_refused(tmp_path: Path, section: str, complaint: str) -> None:
    assert complaint in refusal(write(tmp_path, LEAST + section + "\n"))


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("[batches]\njoin_frames = [400]", "join_frames"),
        ("[augmentation]\nlevel_db = [1.0, 2.0, 3.0]", "level_db"),
        ("[optimisation]\nsteps = true", "steps"),
        ("[optimisation]\nchunks = [1.5]", "chunks"),
        ('[optimisation]\nhead_weights = { phonemes = "a" }', "head_weights"),
        ('"b/" = "often"', "weights"),
    ],
)
def test_what_is_in_a_value_is_checked(tmp_path: Path, section: str, key: str) -> None:
    message = refusal(write(tmp_path, LEAST + section + "\n"))
    assert f": {key} = " in message
    assert message.endswith("is of the wrong type")


@pytest.mark.parametrize("section", ["encoder", "batches", "augmentation", "optimisation", "distillation", "sequence"])
def test_an_unknown_key_of_a_section_is_named(tmp_path: Path, section: str) -> None:
    message = refusal(write(tmp_path, LEAST + f"[{section}]\nwidth = 3\n"))
    assert f"[{section}]: unknown key 'width'; known are " in message


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "sed = 1\n" + LEAST))
    assert "unknown key 'sed'" in message
    assert "seed" in message


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert "'seed'" in refusal(write(tmp_path, LEAST.replace("seed = 3", "")))


@pytest.mark.parametrize("text", ["name = ", "= 3", "[a"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    assert "cannot read the recipe" in refusal(write(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot read the recipe" in refusal(tmp_path / "missing.toml")
    (tmp_path / "folder.toml").mkdir()
    assert "cannot read the recipe" in refusal(tmp_path / "folder.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    assert "cannot read the recipe" in refusal(tmp_path / "latin.toml")


def test_a_section_that_is_no_section_is_refused(tmp_path: Path) -> None:
    assert "encoder" in refusal(write(tmp_path, "encoder = 3\n" + LEAST))


def test_a_recipe_differs_from_its_base_in_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(LEAST + "[optimisation]\nsteps = 7\nteacher_weight = 3.0\n")
    recipe = read_recipe(write(tmp_path, 'base = "base.toml"\nname = "other"\n[optimisation]\nsteps = 9\n'))
    assert (recipe.name, recipe.seed, recipe.stores) == ("other", 3, ("a",))
    assert (recipe.optimisation.steps, recipe.optimisation.teacher_weight) == (9, 3.0)


def test_a_base_that_is_missing_or_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read the recipe .*missing\.toml"):
        read_recipe(write(tmp_path, 'base = "missing.toml"\n'))
    path = write(tmp_path, "")
    path.write_text(f'base = "{path.name}"\n')
    assert "a base of itself" in refusal(path)


def test_each_ablation_differs_from_the_small_recipe() -> None:
    small = read_recipe(SHIPPED / "ablations" / "small.toml")
    others = [read_recipe(path) for path in (SHIPPED / "ablations").glob("*.toml") if path.stem != "small"]
    assert len({one.name for one in others}) == len(others) > 5
    for one in others:
        assert one.optimisation.steps == small.optimisation.steps
        assert replace(one, name=small.name) != small


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("english*.toml")), ids=lambda path: path.name)
def test_shipped_recipes_name_no_test_data(path: Path) -> None:
    """A store is a folder of one kind of data; models.recipes.data.prepare makes none of a test split."""
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    heard = {*recipe.stores, *recipe.teacher_stores, *recipe.noise_stores, *recipe.nonspeech_stores}
    kinds = {store.split("/")[0] for store in heard}
    assert kinds <= {"real", "train-clean-5", "an4", "open", "voices", "rooms", "synth", "noise"}
    assert {store.split("/")[0] for store in recipe.dev_stores} <= {"dev"}
    assert not any("test" in name for name in (*heard, *recipe.dev_stores, *recipe.transcripts))

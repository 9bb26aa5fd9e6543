"""Nothing that is evaluated on may have been trained on: the shared corpora, whoever prepares them."""

from pathlib import Path

import pytest

import models.recipes
from models.recipes.data.manifest import Utterance, read_manifest
from models.recipes.data.prepare import utterances_of
from models.recipes.recipe import read_recipe

SPEECH = Path(__file__).resolve().parents[4] / "shared" / "speech"
MANIFESTS = sorted(SPEECH.glob("*/manifest*.jsonl"))
ARCTIC = {"cmu_arctic", "kathleen"}  # the same voices read other sentences
OPEN = {"ami_pyannote", "common_voice_yourtts", "coswara_counting", "librispeech_tc100_26_27"}
OPEN |= {"ljspeech_part1", "ms_snsd", "scpcb", "vctk_bits"}  # other public recordings: docs/training.md
TRAINED = {"train", "unlabelled"}
HELD_BACK = {"dev", "test"}

pytestmark = pytest.mark.skipif(not MANIFESTS, reason="the shared speech corpora are not here")


@pytest.fixture(scope="module")
def utterances() -> list[tuple[str, Utterance]]:
    """Every utterance with its corpus."""
    return [(path.parent.name, one) for path in MANIFESTS for one in read_manifest(path)]


def test_every_split_is_known(utterances: list[tuple[str, Utterance]]) -> None:
    assert {one.split for _, one in utterances} <= TRAINED | HELD_BACK


def test_speakers_held_back_are_not_trained_on(utterances: list[tuple[str, Utterance]]) -> None:
    spoken = [(corpus, one) for corpus, one in utterances if corpus not in ARCTIC and one.speaker]
    heard = {one.speaker for _, one in spoken if one.split in TRAINED}
    held_back = {one.speaker for _, one in spoken if one.split in HELD_BACK}
    assert held_back
    assert heard & held_back == set()


def test_speakers_of_test_are_not_tuned_on(utterances: list[tuple[str, Utterance]]) -> None:
    splits = {
        split: {one.speaker for _, one in utterances if one.split == split and one.speaker} for split in HELD_BACK
    }
    assert splits["dev"] & splits["test"] == set()


def test_arctic_sentences_held_back_are_not_trained_on(utterances: list[tuple[str, Utterance]]) -> None:
    arctic = [one for corpus, one in utterances if corpus in ARCTIC]
    held_back = {one.text for one in arctic if one.split in HELD_BACK}
    assert len(held_back) >= 50
    assert held_back & {one.text for _, one in utterances if one.split in TRAINED} == set()


def test_no_recording_is_in_two_splits(utterances: list[tuple[str, Utterance]]) -> None:
    heard = {one.audio for _, one in utterances if one.split in TRAINED}
    assert heard & {one.audio for _, one in utterances if one.split in HELD_BACK} == set()


def test_what_is_prepared_by_default_is_not_held_back() -> None:
    found = [one for _, one in utterances_of(MANIFESTS, ["train", "unlabelled"])]
    assert {one.split for one in found} <= TRAINED
    assert len(found) > 1000


def test_the_shipped_recipe_weighs_corpora_that_exist(utterances: list[tuple[str, Utterance]]) -> None:
    recipe = read_recipe(Path(models.recipes.__file__).parent / "english.toml")
    keys = {key for key, _ in utterances_of(MANIFESTS, ["train", "unlabelled"])}
    keys |= {"synthetic/1-0", "train-clean-5/19/198/19-198-0000.flac", "an4/wav/an4_clstk/fash/an251-fash-b.wav"}
    keys |= {f"{corpus}/file" for corpus in OPEN}
    for prefix in recipe.weights:
        assert any(key.startswith(prefix) for key in keys), prefix

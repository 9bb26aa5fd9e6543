import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.recipes.data import prepare, synthesis
from models.recipes.data.features import Store
from models.recipes.data.synthesis import Manner, main, sentences, synthesise
from models.recipes.data.synthesisers import Synthesiser

needs_all = pytest.mark.skipif(
    not all(shutil.which(program) for program in ("espeak-ng", "flite", "festival")),
    reason="a synthesiser is not installed",
)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.txt"
    path.write_text("".join(f"this is sentence {word}\n" for word in ("one", "two", "three", "four", "five")))
    return path


@pytest.fixture
def _one_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def say(_: str, wav: Path, choice: random.Random) -> str:
        samples = np.random.default_rng(choice.randrange(1000)).normal(0, 0.1, 16000)
        soundfile.write(wav, samples, 16000)
        return "voice"

    monkeypatch.setattr(synthesis, "SYNTHESISERS", (Synthesiser(say, 1.0, 0.0),))
    monkeypatch.setattr(prepare, "ROOMS", 2)


def test_sentences_are_plain_and_shuffled_by_the_seed(tmp_path: Path) -> None:
    plain = [f"{first} {second}" for first in ("good", "it's") for second in ("day", "night", "morning")]
    path = tmp_path / "text"
    path.write_text("\n".join([*plain, "Not Lower", "a 7", "", " ".join(["long"] * 26)]))
    found = [list(sentences(path, random.Random(seed))) for seed in (1, 1, 2)]
    assert sorted(found[0]) == sorted(plain)
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.usefixtures("_one_second_each")
def test_a_store_is_filled_to_the_hours(tmp_path: Path, text: Path) -> None:
    synthesise(text, tmp_path / "store", 2.5 / 3600, seed=4, manner=Manner())
    store = Store(tmp_path / "store" / "features-4")
    assert len(store.entries) == 3
    assert [entry.key for entry in store.entries] == ["synthetic/4-0", "synthetic/4-1", "synthetic/4-2"]
    assert all((entry.text or "").startswith("this is sentence ") for entry in store.entries)
    assert {entry.speaker for entry in store.entries} == {"voice"}


@pytest.mark.usefixtures("_one_second_each")
def test_a_stopped_run_says_the_same(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesise(text, tmp_path / "whole", 1.0, seed=4, manner=Manner())
    synthesise(text, tmp_path / "stopped", 1.5 / 3600, seed=4, manner=Manner())
    synthesise(text, tmp_path / "stopped", 1.0, seed=4, manner=Manner())
    whole, stopped = (Store(tmp_path / name / "features-4") for name in ("whole", "stopped"))
    assert len(whole.entries) == 5
    assert stopped.entries == whole.entries
    for entry in whole.entries:
        assert np.array_equal(stopped.rows(entry), whole.rows(entry))


@pytest.mark.usefixtures("_one_second_each")
def test_a_stopped_run_stops_at_the_same_hours(tmp_path: Path, text: Path) -> None:
    for _ in range(2):
        synthesise(text, tmp_path / "store", 2.5 / 3600, seed=4, manner=Manner())
    assert len(Store(tmp_path / "store" / "features-4").entries) == 3


@pytest.mark.usefixtures("_one_second_each")
def test_distorted_features_are_as_long_as_clean_ones(tmp_path: Path, text: Path) -> None:
    synthesise(text, tmp_path / "clean", 1.0, seed=4, manner=Manner())
    synthesise(text, tmp_path / "heard", 1.0, seed=4, manner=Manner(noise=()))
    clean, heard = (Store(tmp_path / name / "features-4") for name in ("clean", "heard"))
    assert heard.entries == clean.entries
    assert not any(np.array_equal(heard.rows(entry), clean.rows(entry)) for entry in clean.entries)


@needs_all
@pytest.mark.slow
def test_what_is_said_does_not_depend_on_the_processes(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for jobs in (1, 2):
        arguments = [str(text), "--output", str(tmp_path / str(jobs)), "--hours", "0.0015", "--jobs", str(jobs)]
        monkeypatch.setattr("sys.argv", ["synthesis", *arguments])
        main()
    one, two = (Store(tmp_path / name / "features-1") for name in ("1", "2"))
    assert len(one.entries) > 1
    assert one.entries == two.entries
    assert all(np.array_equal(one.rows(entry), two.rows(entry)) for entry in one.entries)

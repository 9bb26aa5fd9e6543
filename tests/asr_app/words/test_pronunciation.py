import gzip
import json
import time
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from asr_app.cli.pronounce import pronounce
from asr_app.errors import CheckpointError, ConfigError
from asr_app.library.models import DEFAULT_MODEL, DESCRIPTION, LEXICON_FILE, SHIPPED
from asr_app.words.pronunciation import Pronouncer, Pronunciation
from models import g2p as module
from models.g2p import G2p, G2pConfig, build_network, save_g2p

LEXICON = "a\tə\na\teɪ\nb\tb iː\nc\ts iː\ncab\tk æ b\nthe\tð ə\nthe\tð iː\nus\tʌ s\nu\tj uː\ns\tɛ s\n"


def labels(text: str) -> Pronunciation:
    return tuple(text.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recogniser's folder with ten pronunciations and a random network."""
    torch.manual_seed(0)
    config = G2pConfig(4, 4, 1, 4)
    letters, phonemes = "abcdefghijklmnopqrstuvwxyz'", ("b", "k", "s", "æ", "iː")
    folder = tmp_path / "model"
    folder.mkdir()
    save_g2p(folder, G2p(config, letters, phonemes, build_network(config, letters, phonemes)))
    (folder / LEXICON_FILE).write_bytes(gzip.compress(LEXICON.encode()))
    (folder / DESCRIPTION).write_text("{}")
    return folder


@pytest.fixture
def pronouncer(folder: Path) -> Pronouncer:
    return Pronouncer.load(folder)


def test_the_lexicon_knows_better_than_the_network(pronouncer: Pronouncer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(G2p, "pronounce", None)
    assert pronouncer.pronounce("the") == (("ð", "ə"), ("ð", "iː"))
    assert pronouncer.pronounce("The") == pronouncer.pronounce("the")


def test_other_words_are_said_by_the_network(pronouncer: Pronouncer, folder: Path) -> None:
    said = module.load_g2p(folder).pronounce("cabs")
    assert pronouncer.pronounce("cabs") == tuple(form for form, _ in said)


def test_capitals_and_words_without_a_vowel_may_be_spelled(pronouncer: Pronouncer) -> None:
    assert pronouncer.pronounce("US") == (("ʌ", "s"), ("j", "uː", "ɛ", "s"))
    assert pronouncer.pronounce("us") == (("ʌ", "s"),)
    assert pronouncer.pronounce("cbs")[-1] == labels("s iː b iː ɛ s")
    assert pronouncer.pronounce("CAB")[-1] == labels("s iː eɪ b iː")  # the letter's name, not the article
    assert labels("s iː eɪ b iː ɛ s") not in pronouncer.pronounce("cabs")
    assert pronouncer.pronounce("B") == (("b", "iː"),)


def test_accents_do_not_count(pronouncer: Pronouncer) -> None:
    assert pronouncer.pronounce("Çàb") == pronouncer.pronounce("cab")
    assert pronouncer.pronounce("naïve") == pronouncer.pronounce("naive")


def test_what_it_sounds_like(pronouncer: Pronouncer) -> None:
    assert pronouncer.sounds_like("the cab us") == labels("ð ə k æ b ʌ s")
    assert pronouncer.sounds_like("cab-us") == labels("k æ b ʌ s")
    with pytest.raises(ValueError, match="nothing to say"):
        pronouncer.sounds_like(" - ")


@pytest.mark.parametrize("word", ["r2d2", "東京", "two words", "", "'", "x" * 41])
def test_what_is_no_word_is_named(pronouncer: Pronouncer, word: str) -> None:
    with pytest.raises(ValueError, match=r": (use only|spell it)") as caught:
        pronouncer.pronounce(word)
    assert repr(word[:40]) in str(caught.value)


@pytest.mark.parametrize("name", ["g2p.json", "g2p.safetensors", LEXICON_FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"it has no {name}: choose another model"):
        Pronouncer.load(folder)


@pytest.mark.parametrize("name", ["g2p.json", "g2p.safetensors", LEXICON_FILE])
def test_a_damaged_file_is_one_clear_error(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"is damaged .*: fetch the model again") as caught:
        Pronouncer.load(folder)
    assert "\n" not in str(caught.value)


def test_the_command(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASR_VOCABULARY", str(tmp_path / "none.txt"))
    app = typer.Typer()
    app.command()(pronounce)
    done = CliRunner().invoke(app, ["the", "US", "--model", str(folder)])
    assert done.output == "the\tð ə\nthe\tð iː\nUS\tʌ s\nUS\tj uː ɛ s\n"
    refused = CliRunner().invoke(app, ["r2d2", "--model", str(folder)])
    assert isinstance(refused.exception, ConfigError)
    assert "'r2d2'" in str(refused.exception)


def test_the_command_reads_the_vocabulary_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command()(pronounce)
    (tmp_path / "vocabulary.txt").write_text("Abc\nDe Bac\tthe cab-us\n")
    monkeypatch.setenv("ASR_VOCABULARY", str(tmp_path / "vocabulary.txt"))
    done = CliRunner().invoke(app, ["Bac", "cab", "--model", str(folder)])
    assert done.output == "Bac\tk æ b ʌ s\ncab\tk æ b\n"


def test_the_shipped_one_is_quick_to_load() -> None:
    folder = SHIPPED / DEFAULT_MODEL
    if not (folder / module.FILES.description).is_file():
        pytest.skip("no spelling-to-sound model ships in this checkout")
    spent = []
    for _ in range(5):
        started = time.process_time()
        Pronouncer.load(folder)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.2  # 0.07 s on an idle core


def test_the_shipped_one_says_what_the_recogniser_hears() -> None:
    folder = SHIPPED / DEFAULT_MODEL
    if not (folder / module.FILES.description).is_file():
        pytest.skip("no spelling-to-sound model ships in this checkout")
    heads = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))["heads"]
    (heard,) = (set(head["labels"]) for head in heads if head["name"] == "phonemes")
    assert heard.issuperset(module.load_g2p(folder).labels)

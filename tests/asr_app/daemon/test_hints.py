"""What a client expects: the names of a prompt, and phrases, beside the words of the daemon's own user."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from asr_app.daemon.hints import Hints, expecting, names_in
from asr_app.recognizer import Recognizer
from asr_app.words.vocabulary import Entry

KNOWN = "the talk is about which makes things like hello my name and i'm new york paris said to"


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("The talk is about OpenAI which makes things like GPT-3, and ChatGPT.", ["OpenAI", "GPT-3", "ChatGPT"]),
        ("Zyntriqix, Digique Plus, CynapseFive", ["Zyntriqix", "Digique Plus", "CynapseFive"]),
        ("Paris, New York", ["Paris", "New York"]),
        ("Hello! My name is Nguyen. I'm said to like Paris.", ["Nguyen", "Paris"]),
        ("kubectl makes things like Paris", ["kubectl", "Paris"]),
        ("the talk is about things\nHello", ["Hello"]),
        (" ,. - … \n", []),
    ],
)
def test_names_of_a_prompt(prompt: str, names: list[str]) -> None:
    assert list(names_in(prompt, KNOWN.split())) == names


def test_the_users_own_words_stay(load: Callable[..., Recognizer], model_folder: Path) -> None:
    own = load(hotwords=(Entry("nas", weight=3.0),))
    hints = Hints("Tan said \\ sat", ("[unk]", "tan sat", "8^)", "Tan", ""))
    heard = expecting(own, str(model_folder), hints, 100)
    assert heard is own  # "said" is new, and this model cannot say new words
    heard = expecting(own, str(model_folder), Hints("Tan, Ant", hints.phrases), 100)
    assert [entry.written for entry in heard.expected] == ["nas", "Tan", "Ant", "tan sat"]
    assert heard.acoustic is own.acoustic
    assert len(expecting(own, str(model_folder), Hints("Tan, Ant, Sat"), 2).expected) == 3


def test_a_long_phrase_is_expected_up_to_the_end_of_a_word(load: Callable[..., Recognizer], model_folder: Path) -> None:
    """Half of a word would be a new one, which nobody says."""
    heard = expecting(load(), str(model_folder), Hints(phrases=("sat tan " * 20, "x" * 90)), 100)
    assert [entry.text for entry in heard.expected] == [("sat tan " * 7 + "sat")]


def test_hints_that_cannot_be_taken_change_nothing_and_are_not_logged(
    load: Callable[..., Recognizer], model_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    greedy = load(decoder="greedy")
    assert expecting(greedy, str(model_folder), Hints("Tan"), 100) is greedy
    beam = load()
    with caplog.at_level(logging.DEBUG):
        assert expecting(beam, str(model_folder), Hints("Zyntriqix"), 100) is beam
        assert expecting(beam, "no such model", Hints("Tan"), 100) is beam
    assert "takes no hints" in caplog.text
    assert "yntriqix" not in caplog.text

"""The pipeline and its worker: whatever a stage does, every final comes out, in order and in time."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from asr_app.events import Final, Written
from asr_app.text.hook import Hook
from asr_app.text.postprocess import Pipeline, PostProcessor, WritingOptions, load_pipeline
from asr_app.text.punctuation import ModelTagger
from asr_app.text.stages import Token, Tokens
from decoder.types import Word
from models.tagger import TaggerConfig, TaggerNetwork, Vocabulary, WordTagger


def said(text: str, segment_id: int = 0) -> Final:
    words = tuple(Word(word, float(index), index + 1.0, 0.9) for index, word in enumerate(text.split(" ")))
    return Final(segment_id, 3, words)


class Does:
    """A stage that does what a function does."""

    name = "model"

    def __init__(self, work: Callable[[Tokens], Tokens]) -> None:
        self.apply = work


def crash(tokens: Tokens) -> Tokens:
    raise RuntimeError("out of memory")


LOCKED = Token("Hi", 0, 1, locked=True)


@pytest.mark.parametrize(
    "work",
    [
        crash,
        lambda tokens: tokens[:-1],
        lambda tokens: tokens[::-1],
        lambda tokens: (*tokens, Token("more", 2, 3)),
    ],
    ids=["crashes", "loses a word", "turns words round", "invents a word"],
)
def test_a_stage_that_fails_gives_the_raw_words_and_says_so(work: Callable[[Tokens], Tokens]) -> None:
    text = Pipeline([Does(work)]).write(said("hello there"))
    assert text.text == "hello there"
    assert text.words == said("hello there").words
    assert text.note.startswith("model failed (")
    assert "hello" not in text.note


def test_a_stage_may_not_touch_what_is_locked() -> None:
    stages = [Does(lambda tokens: (LOCKED, *tokens[1:])), Does(lambda tokens: (Token("Ho", 0, 1), *tokens[1:]))]
    assert "model failed" in Pipeline(stages).write(said("hi you")).note


def test_everything_together(tmp_path: Path) -> None:
    class Tagger:
        def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
            return [(w.capitalize() if i == 0 else w, "." if i == len(words) - 1 else "") for i, w in enumerate(words)]

    (tmp_path / "replacements.txt").write_text("my boss\tAda L.\n")
    options = WritingOptions(commands="en", replacements=tmp_path / "replacements.txt", hook=Hook("sed s/:/;/"))
    pipeline = load_pipeline(options, tagger=Tagger())
    text = pipeline.write(said("meet my boss at two thirty comma new line bring twenty dollars"))
    assert text.text == "Meet Ada L. at 2;30,\nBring $20."
    assert [word.text for word in text.raw][-1] == "dollars"
    assert pipeline.write(said("scratch that")).action == "scratch"
    assert load_pipeline(WritingOptions(numbers="off")).write(said("two comma twenty")).text == "two comma twenty"


def test_a_hook_that_fails_leaves_the_text_before_it() -> None:
    text = load_pipeline(WritingOptions(hook=Hook("false"))).write(said("twenty dollars"))
    assert text.text == "$20"
    assert "hook ended with code 1" in text.note


class Sentences:
    """A tagger that ends a sentence with each word "end"."""

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        return [(word, "." if word == "end" else "") for word in words]


def test_a_pause_need_not_end_a_sentence() -> None:
    told = Collector()
    processor = PostProcessor(load_pipeline(WritingOptions(commands="en"), tagger=Sentences()).write, told)
    said_so = [
        "we left",
        "in the end",
        "we stayed",
        "scratch that",
        "it rained",
        "undo that",
        "so what new line",
        "yes comma",
        "it is",
        "the end",
        "period",
        "it rained",
        "comma",
        "so it did",
    ]
    for segment_id, text in enumerate(said_so):
        processor.put(said(text, segment_id))
    processor.close()
    processor.join()
    texts = [text.text or text.action for text in told.written]
    assert texts[:8] == ["We left", "in the end.", "We stayed", "scratch", "It rained", "undo", "So what\n", "Yes,"]
    assert texts[8:] == ["it is", "the end.", "", "It rained", ",", "so it did"]
    assert processor.before.endswith("the end. It rained , so it did")


@pytest.mark.parametrize(
    "text",
    [" ".join(["word"] * 9_999 + ["twenty"]), "😀 🇩🇪 naïve 東京 שלום \u200d", "'", "zero " * 300, "a" * 5000],
)
def test_anything_passes(text: str) -> None:
    for tagger in (None, small_tagger()):
        pipeline = load_pipeline(WritingOptions(commands="en"), tagger=tagger)
        told = Collector()
        processor = PostProcessor(pipeline.write, told)
        processor.put(said(text.strip()))
        processor.close()
        processor.join()
        (out,) = told.written
        assert not out.note
        assert [word.text for word in out.raw] == text.strip().split(" ")
        assert out.words


def small_tagger() -> ModelTagger:
    """One that has learnt nothing."""
    torch.manual_seed(0)
    config = TaggerConfig(affixes=16, embedding=4, dim=8, hidden=8, layers=1, heads=2)
    vocabulary = Vocabulary(("a", "the"), config.affixes)
    return ModelTagger(WordTagger(config, vocabulary, TaggerNetwork(config, vocabulary.size).eval()))


class Collector:
    def __init__(self) -> None:
        self.written: list[Written] = []

    def __call__(self, text: Written) -> None:
        self.written.append(text)


def test_finals_come_out_in_order() -> None:
    told = Collector()
    processor = PostProcessor(load_pipeline(WritingOptions()).write, told)
    for segment_id in range(50):
        processor.put(said("twenty", segment_id))
    processor.close()
    processor.join()
    assert [(text.segment_id, text.text) for text in told.written] == [(i, "20") for i in range(50)]


def test_a_model_that_hangs_costs_its_time_once() -> None:
    release, told = threading.Event(), Collector()
    calls: list[int] = []

    def hang(tokens: Tokens) -> Tokens:
        calls.append(1)
        release.wait(30)
        return tokens

    processor = PostProcessor(Pipeline([Does(hang)]).write, told, timeout_s=0.1)
    began = time.monotonic()
    for segment_id in range(20):
        processor.put(said("hello", segment_id))
    assert time.monotonic() - began < 0.1  # nobody waits to put
    processor.close()
    processor.join()
    assert time.monotonic() - began < 5
    release.set()
    assert [text.segment_id for text in told.written] == list(range(20))
    assert {text.text for text in told.written} == {"hello"}
    assert "took longer" in told.written[0].note
    assert all("still busy" in text.note for text in told.written[1:])
    assert len(calls) == 1


def test_a_writer_that_breaks_altogether() -> None:
    def broken(final: Final, before: str = "") -> Written:
        raise MemoryError

    told = Collector()
    processor = PostProcessor(broken, told)
    processor.put(said("hello"))
    processor.close()
    processor.join()
    assert told.written[0].text == "hello"
    assert "MemoryError" in told.written[0].note

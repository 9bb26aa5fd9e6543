"""The text models that ship: what they weigh, how quick they are, and that they write what was recognised."""

import json
import time
from pathlib import Path

import pytest
import torch

from asr_app.events import Final
from asr_app.library.models import DEFAULT_MODEL, SHIPPED
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.text.beside import TAGGER, load_text_models, text_models_of
from asr_app.text.postprocess import Pipeline, WritingOptions, load_pipeline
from asr_app.transcription import transcribe_file
from decoder.normalize import normalize
from decoder.types import Word
from models.recipes.data.manifest import read_manifest

ENGLISH = SHIPPED / DEFAULT_MODEL
SPEECH = Path(__file__).resolve().parents[3] / "shared" / "speech"
SENTENCE = "the meeting is on tuesday at half past nine in london and i will bring the report with me"

pytestmark = pytest.mark.skipif(TAGGER not in text_models_of(ENGLISH), reason="no tagger ships in this checkout")


def final(text: str) -> Final:
    return Final(0, 0, tuple(Word(word, at, at + 1, 1.0) for at, word in enumerate(text.split())))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """As `asr dictate` has it."""
    models = load_text_models(ENGLISH)
    return load_pipeline(WritingOptions(commands="en"), models.rewriter, models.tagger)


def test_they_are_small() -> None:
    folders = text_models_of(ENGLISH)
    sizes = {name: sum(path.stat().st_size for path in folder.iterdir()) for name, folder in folders.items()}
    assert sizes[TAGGER] <= 4_000_000
    assert sum(sizes.values()) <= 15_000_000
    assert json.loads((folders[TAGGER] / "tagger.json").read_text(encoding="utf-8"))["provenance"]["data"]


def test_a_sentence_takes_a_few_milliseconds(pipeline: Pipeline) -> None:
    threads, spent = torch.get_num_threads(), []
    torch.set_num_threads(1)
    for _ in range(20):
        began = time.process_time()
        pipeline.write(final(SENTENCE))
        spent.append(time.process_time() - began)
    torch.set_num_threads(threads)
    assert min(spent) < 0.020


def test_sentences_read_as_such(pipeline: Pipeline) -> None:
    first = pipeline.write(final("what time is it")).text
    assert first == "What time is it?"
    assert pipeline.write(final("i think that"), first).text == "I think that"
    assert pipeline.write(final("she is coming to london on march third"), "I think that").text.endswith(
        "she is coming to London on March 3."
    )
    written = pipeline.write(final(SENTENCE)).text
    assert written.startswith("The meeting is on Tuesday")
    assert "London" in written
    assert " I will" in written


def test_writing_never_changes_the_word_error_rate() -> None:
    """Of what the recogniser makes of people: faulty texts, not edited ones."""
    manifest = SPEECH / "cmu_arctic" / "manifest.jsonl"
    if not manifest.is_file():
        pytest.skip("no shared speech lies beside the repository")
    recognizer = Recognizer.load(ENGLISH, RecognizerOptions(device="cpu"))
    write = load_pipeline(WritingOptions(numbers="off"), tagger=load_text_models(ENGLISH).tagger).write
    before = ""
    for utterance in [one for one in read_manifest(manifest) if one.split == "dev"][:4]:
        for heard in transcribe_file(recognizer, utterance.audio):
            written = write(Final(0, 0, heard.words), before)
            assert not written.note
            assert (normalize(written.text) or "") == heard.text
            before = written.text

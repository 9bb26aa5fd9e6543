"""Written text says what was recognised: normalised again it has the same words, so writing never changes the WER."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from asr_app.events import Final, Written
from asr_app.library.models import DEFAULT_MODEL, SHIPPED
from asr_app.text.beside import load_text_models
from asr_app.text.guard import admits
from asr_app.text.postprocess import WritingOptions, load_pipeline
from decoder.metrics import word_errors
from decoder.normalize import normalize

SPEECH = Path(__file__).resolve().parents[4] / "shared" / "speech"
Finals = Callable[[str], Final]

pytestmark = pytest.mark.skipif(not SPEECH.is_dir(), reason="needs ../shared/speech")


class Eager:
    """A tagger that puts every mark and many capitals."""

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        marks = ("", ",", "", ".", "", "?", "!")
        return [
            (word.capitalize() if place % 3 == 0 else word, marks[place % len(marks)])
            for place, word in enumerate(words)
        ]


@pytest.fixture(scope="module")
def transcripts() -> list[str]:
    """The recogniser's form of what is said in the parts that nothing was learnt from."""
    manifests = sorted(SPEECH.glob("*/manifest.jsonl"))
    rows = [json.loads(line) for path in manifests for line in path.read_text(encoding="utf-8").splitlines()]
    texts = {normalize(row["text"]) for row in rows if "text" in row and row.get("split") in ("dev", "test")} - {None}
    assert len(texts) > 500
    return sorted(text for text in texts if text)


def misheard(text: str) -> str:
    """A transcript as a recogniser might give it: each seventh word is lost, each fifth is another one."""
    words = text.split()
    return " ".join("the" if place % 5 == 4 else word for place, word in enumerate(words) if place % 7 != 6)


def test_punctuation_and_case_never_change_the_word_error_rate(transcripts: list[str], final: Finals) -> None:
    shipped = load_text_models(SHIPPED / DEFAULT_MODEL).tagger
    for tagger, texts in ((Eager(), transcripts), *([(shipped, transcripts[::5])] if shipped else [])):
        write = load_pipeline(WritingOptions(numbers="off"), tagger=tagger).write
        for text in texts:
            assert normalize(write(final(text)).text) == text
            written = normalize(write(final(misheard(text))).text) or ""
            assert word_errors(text, written) == word_errors(text, misheard(text))


def test_numbers_are_the_words_that_were_said(transcripts: list[str], final: Finals) -> None:
    """Figures have several readings (911, 1039): those aside, all words come back, and figures are those said."""
    write = load_pipeline(WritingOptions()).write
    figured = 0
    for text in transcripts:
        written = write(final(text))
        figured += any(character.isdigit() for character in written.text)
        assert all(_says_the_same(written, place) for place in range(len(written.tokens))), written.text
    assert figured > 50


def _says_the_same(written: Written, place: int) -> bool:
    token = written.tokens[place]
    said = [word.text for word in written.raw[token.start : token.end]]
    if any(character.isdigit() for character in token.text):
        return admits(said, token.text)
    read = normalize(token.text) or ""
    return read.replace(" ", "") == "".join(said)  # "p e" is PE, which could be a word


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("j a r e k f e r r a r i", "j a r e k f e r r a r i"),
        ("the u s b port of the p c", "the USB port of the PC"),
        ("visit our page at w w w dot example dot org", "visit our page at www.example.org"),
    ],
)
def test_what_once_came_back_otherwise(final: Finals, said: str, written: str) -> None:
    text = load_pipeline(WritingOptions()).write(final(said)).text
    assert text == written
    assert normalize(text) == said or "." in text

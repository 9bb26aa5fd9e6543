"""The recogniser that ships: the samples, and human speech where ../shared/speech is there."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk
from asr_app.events import Event, Final, Partial
from asr_app.library.models import DEFAULT_MODEL, DESCRIPTION, SHIPPED
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.transcription import transcribe_file
from decoder.metrics import ErrorCounts, word_errors
from decoder.normalize import normalize
from models.recipes.data.manifest import Utterance, read_manifest

ROOT = Path(__file__).parents[2]
SPEECH = ROOT.parent / "shared" / "speech"
SAMPLES = [line.split("\t") for line in (ROOT / "samples" / "expected.txt").read_text().splitlines()]

POCKETSPHINX = {"librispeech_bits": 60.9, "cmu_arctic": 29.4, "speechocean762": 93.0}
"""Word error rates in per cent of pocketsphinx: the whole test splits, ARCTIC with kathleen, 209 of speechocean762."""

UTTERANCES = 12

pytestmark = pytest.mark.skipif(
    not (SHIPPED / DEFAULT_MODEL / DESCRIPTION).is_file(), reason="no recogniser ships in this checkout"
)


@pytest.fixture(scope="module")
def english() -> Recognizer:
    """The default recogniser as `asr transcribe` opens it."""
    return Recognizer.load(SHIPPED / DEFAULT_MODEL, RecognizerOptions(device="cpu"))


def errors(recognizer: Recognizer, path: Path, transcript: str) -> ErrorCounts:
    heard = " ".join(final.text for final in transcribe_file(recognizer, path) if final.words)
    return word_errors(normalize(transcript) or "", heard)


def test_the_samples(english: Recognizer) -> None:
    counts = [errors(english, ROOT / "samples" / name, text) for name, text in SAMPLES]
    assert sum(counts, ErrorCounts()).rate < 0.35


def heard(recognizer: Recognizer, path: Path, size: int) -> list[Event]:
    session, samples, events = recognizer.session(), read_audio(path), []
    for start in range(0, len(samples), size):
        events += session.accept(AudioChunk(samples[start : start + size], 16_000, start))
    return events + session.finish()


def test_events_do_not_depend_on_how_audio_arrives(english: Recognizer) -> None:
    path = ROOT / "samples" / SAMPLES[0][0]
    whole = said(heard(english, path, 10**9))
    assert whole
    for size in (160, 1111, 16_000):
        assert said(heard(english, path, size)) == whole


def said(events: Iterable[Event]) -> list[tuple[str, int, int, str]]:
    kept = [event for event in events if isinstance(event, Partial | Final)]
    return [(event.type, event.segment_id, event.revision, event.text) for event in kept]


def test_words_lie_in_the_recording(english: Recognizer) -> None:
    for name, _ in SAMPLES:
        path = ROOT / "samples" / name
        words = [word for final in transcribe_file(english, path) for word in final.words]
        length_s = len(read_audio(path)) / 16_000
        assert all(0 <= word.start_s <= word.end_s <= length_s + 0.5 for word in words)
        assert all(0 <= word.confidence <= 1 for word in words)
        starts = [word.start_s for word in words]
        assert starts == sorted(starts)


def spread(utterances: list[Utterance]) -> list[Utterance]:
    """A few utterances from all over a split."""
    places = np.linspace(0, len(utterances) - 1, min(UTTERANCES, len(utterances))).astype(int)
    return [utterances[place] for place in places]


@pytest.mark.parametrize("corpus", POCKETSPHINX)
def test_it_hears_people_better_than_pocketsphinx(english: Recognizer, corpus: str) -> None:
    path = SPEECH / corpus / "manifest.jsonl"
    if not path.is_file():
        pytest.skip(f"no shared speech: {corpus} does not lie beside the repository")
    chosen = spread([one for one in read_manifest(path) if one.split == "test" and one.text])
    counts = [errors(english, one.audio, one.text or "") for one in chosen]
    assert 100 * sum(counts, ErrorCounts()).rate < POCKETSPHINX[corpus]


def test_silence_and_faint_noise_have_no_words(english: Recognizer) -> None:
    random = np.random.default_rng(0)
    for samples in (np.zeros(20 * 16_000), random.normal(0, 0.003, 20 * 16_000)):
        session = english.session()
        events = session.accept(AudioChunk(samples.astype(np.float32), 16_000, 0)) + session.finish()
        assert not [event for event in events if isinstance(event, Final) and event.words]

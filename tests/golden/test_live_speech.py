"""Live dictation of dev speech: the gate cuts off no word, and a long session loses nothing."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import asr_app.audio.microphone
from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.audio.voice_activity import SpeechGate, VoiceActivityOptions
from asr_app.library.models import DEFAULT_MODEL, DESCRIPTION, SHIPPED
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from decoder.alignment import align_words
from decoder.lexicon_beam import LexiconBeamDecoder
from models.recipes.data.manifest import read_manifests

TESTS = Path(__file__).parents[1]
SPEECH = TESTS.parents[1] / "shared" / "speech"
CORPORA = {"librispeech_bits": 3, "speechocean762": 12, "fsdd": 8}
CHUNK = 1600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SPEECH.is_dir(), reason="needs ../shared/speech"),
    pytest.mark.skipif(not (SHIPPED / DEFAULT_MODEL / DESCRIPTION).is_file(), reason="no recogniser ships here"),
]


def test_the_gate_cuts_off_neither_the_first_word_nor_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TESTS / "bench")
    posteriors: Any = importlib.import_module("posteriors")
    recognizer = Recognizer.load(SHIPPED / DEFAULT_MODEL, RecognizerOptions(chunk_ms=320, device="cpu"))
    decoder = recognizer.decoder
    assert isinstance(decoder, LexiconBeamDecoder)
    pronunciations = posteriors.pronunciations_of(decoder.lexicon)
    random = np.random.default_rng(0)
    margins = []
    for corpus, count in CORPORA.items():
        for one in read_manifests([SPEECH / corpus / "manifest.jsonl"], "dev")[:count]:
            words = [pronunciations.get(word) for word in (one.text or "").split()]
            if all(words):
                silence = random.normal(0.0, 1e-4, (2, 32_000)).astype(np.float32)
                samples = np.concatenate((silence[0], read_audio(one.audio), silence[1]))
                aligned = align_words(recognizer.log_probs(samples), words, decoder.blank)
                first_s, last_s = (frame * decoder.frame_duration_s for frame in (aligned[0][0], aligned[-1][1]))
                start_s, end_s = let_through(samples)
                margins.append((first_s - start_s, end_s - last_s))
    assert len(margins) > 10
    assert min(before for before, _ in margins) > 0.1, margins
    assert min(after for _, after in margins) > 0.5, margins


def let_through(samples: Samples) -> tuple[float, float]:
    """Seconds of the first and after the last sample that the gate lets through."""
    gate = SpeechGate(VoiceActivityOptions())
    chunks = [
        item
        for start in range(0, len(samples), CHUNK)
        for item in gate.accept(AudioChunk(samples[start : start + CHUNK], 16_000, start))
        if isinstance(item, AudioChunk)
    ]
    return chunks[0].start_sample / 16_000, (chunks[-1].start_sample + len(chunks[-1].samples)) / 16_000


def test_a_long_session_loses_no_sample_and_says_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TESTS / "bench")
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # what the soak puts in its place is taken back
    for name in ("_POLL_S", "_SLACK_S"):  # and what it sets
        monkeypatch.setattr(asr_app.audio.microphone, name, getattr(asr_app.audio.microphone, name))
    soak: Any = importlib.import_module("soak")
    figures = soak.soak(hours=0.07, silence_s=15.0)
    assert figures["cycles"] >= 3
    assert figures["words"] > 50
    assert figures["lost"] > 0
    assert (figures["accounted"], figures["same"]) == (True, True), figures  # too short to tell of memory

"""The character beam search gives what pyctcdecode's gives for whole utterances, however the stream is cut."""

import logging
import math
from pathlib import Path

import kenlm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyctcdecode.alphabet import Alphabet
from pyctcdecode.decoder import BeamSearchDecoderCTC
from pyctcdecode.language_model import LanguageModel

from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.lm import LN10, NgramLM

SPEECH = Path(__file__).parents[3] / "shared" / "speech" / "librispeech_bits" / "manifest.jsonl"
WHOLE = CharacterBeamOptions(beam_width=20, commit_after_s=math.inf)
LETTERS = (("", " ", "a", "b", "c", "d"), " ")
# without a bare "▁": pyctcdecode takes it for the end of a word, too, and breaks the next word of any beam
PIECES = (("", "▁a", "▁b", "ab", "b", "a", "d", "▁ca"), "▁")
KINDS = {"letters": LETTERS, "pieces": PIECES}


class SentenceEnds(LanguageModel):
    """pyctcdecode's model, which scores "" as an unknown word where the last word was already complete."""

    def score(self, prev_state, word, is_last_word=False):
        if word:
            return super().score(prev_state, word, is_last_word=is_last_word)
        return self.alpha * self._get_raw_end_score(prev_state) * LN10, prev_state


def pyctcdecode_search(labels: tuple[str, ...], delimiter: str, lm: NgramLM | None, words) -> BeamSearchDecoderCTC:
    logging.getLogger("pyctcdecode").setLevel(logging.ERROR)
    named = ["" if i == 0 else " " if label == delimiter != "▁" else label for i, label in enumerate(labels)]
    config = kenlm.Config()
    config.show_progress = False
    model = SentenceEnds(kenlm.Model(str(lm.path), config), words) if lm else None
    return BeamSearchDecoderCTC(Alphabet(named, delimiter == "▁"), model)


@pytest.fixture(scope="module")
def pairs(tiny_arpa, tiny_words):
    lm = NgramLM(tiny_arpa, tiny_words)
    return {
        (kind, bool(model)): (
            CharacterBeamDecoder(labels, 0, model, 0.04, WHOLE, delimiter),
            pyctcdecode_search(labels, delimiter, model, tiny_words),
        )
        for kind, (labels, delimiter) in KINDS.items()
        for model in (None, lm)
    }


def log_probs(seed: int, frames: int, width: int, sharpness: float) -> np.ndarray:
    """Random log-probabilities; at a sharpness of 8 most frames have one likely label."""
    logits = np.random.default_rng(seed).normal(0.0, sharpness, (frames, width))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def check(ours: CharacterBeamDecoder, theirs: BeamSearchDecoderCTC, frames: np.ndarray, sizes: list[int]) -> None:
    session, at = ours.session(), 0
    for size in [*sizes, len(frames)]:
        session.accept(frames[at : at + size])
        at += size
    session.finish()
    width = ours.options.beam_width
    expected = theirs.decode_beams(frames, beam_width=width)
    totals = pytest.approx([beam[4] for beam in expected], abs=1e-4)
    got = session.nbest(width)
    assert [h.acoustic_score + h.lm_score for h in got] == totals
    scores = {beam[0]: (beam[3], beam[4] - beam[3]) for beam in expected}
    assert [h.text for h in got] == list(scores)
    for hypothesis in got:
        assert (hypothesis.acoustic_score, hypothesis.lm_score) == pytest.approx(scores[hypothesis.text], abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    with_lm=st.booleans(),
    seed=st.integers(0, 100_000),
    sharpness=st.sampled_from([0.3, 2.0, 3.0, 8.0]),
    sizes=st.lists(st.integers(0, 7), max_size=8),
)
def test_equals_pyctcdecode(pairs, kind, with_lm, seed, sharpness, sizes):
    ours, theirs = pairs[kind, with_lm]
    check(ours, theirs, log_probs(seed, 24, len(ours.labels), sharpness), sizes)


@pytest.fixture(scope="module")
def speech() -> tuple[CharacterBeamDecoder, np.ndarray, list[str]]:
    """The shipped search, the log-probabilities of four seconds of dev speech, and what was said in them and after."""
    from asr_app.audio.file import read_audio
    from asr_app.library.models import DEFAULT_MODEL, find_model
    from asr_app.options import RecognizerOptions
    from asr_app.recognizer import Recognizer
    from models.recipes.data.manifest import read_manifests

    utterance = read_manifests([SPEECH], "dev")[0]
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(decoder="characters", device="cpu"))
    assert isinstance(recognizer.decoder, CharacterBeamDecoder)
    frames = recognizer.log_probs(read_audio(utterance.audio, recognizer.sample_rate)[: 4 * recognizer.sample_rate])
    return recognizer.decoder, frames, (utterance.text or "").split()


@pytest.mark.skipif(not SPEECH.exists(), reason="needs the shared recordings")
@pytest.mark.parametrize("with_lm", [False, True], ids=["no LM", "LM"])
def test_equals_pyctcdecode_on_speech(speech, with_lm):
    decoder, frames, words = speech
    lm = NgramLM(decoder.lm.path, words) if with_lm else None
    ours = CharacterBeamDecoder(decoder.labels, 0, lm, 0.04, WHOLE, "|")
    check(ours, pyctcdecode_search(decoder.labels, "|", lm, words), frames, [8] * 3)

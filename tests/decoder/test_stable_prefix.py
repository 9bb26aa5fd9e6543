"""A committed word never changes: thousands of random streams through both searches."""

import numpy as np
import pytest

from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import NgramLM
from decoder.types import Decoder

LABELS = ("", " ", "a", "b", "c", "d")
STREAMS = {"characters": 2000, "lexicon": 400}
FRAMES, CHUNK = 48, 4


@pytest.fixture
def searches(tiny_arpa, tiny_words) -> dict[str, Decoder]:
    lm = NgramLM(tiny_arpa, tiny_words)
    characters = CharacterBeamDecoder(LABELS, 0, lm, 0.04, CharacterBeamOptions(beam_width=5, commit_after_s=0.4))
    lexicon = Lexicon.build((word, [LABELS.index(letter) for letter in word]) for word in tiny_words)
    words = LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, LexiconBeamOptions(beam_width=8, commit_after_s=0.4))
    return {"characters": characters, "lexicon": words}


@pytest.mark.parametrize("search", sorted(STREAMS))
def test_committed_words_never_change(searches, search):
    random = np.random.default_rng(0)
    committed = 0
    for _ in range(STREAMS[search]):
        logits = random.normal(0.0, random.uniform(1.0, 6.0), (FRAMES, len(LABELS)))
        frames = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        session = searches[search].session()
        stable: tuple = ()
        for start in range(0, FRAMES, CHUNK):
            hypothesis = session.accept(frames[start : start + CHUNK])
            assert hypothesis.words[: len(stable)] == stable
            assert hypothesis.stable_words >= len(stable)
            stable = hypothesis.words[: hypothesis.stable_words]
        assert session.finish().words[: len(stable)] == stable
        committed += len(stable)
    assert committed > STREAMS[search]

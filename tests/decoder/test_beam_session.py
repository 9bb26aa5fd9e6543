"""What both searches have from their session."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from decoder import beam_session
from decoder.character_beam import CharacterBeamDecoder, CharacterBeamOptions
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import NgramLM
from decoder.types import Hypothesis

LABELS = ("", " ", "a", "b", "c", "d")


def random_log_probs(seed: int, frames: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, 2.5, (frames, len(LABELS)))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.fixture(params=["characters", "lexicon"])
def decoder(request, tiny_arpa, tiny_words):
    lm = NgramLM(tiny_arpa, tiny_words)
    if request.param == "characters":
        return CharacterBeamDecoder(LABELS, 0, lm, 0.04, CharacterBeamOptions(beam_width=12))
    lexicon = Lexicon.build((word, [LABELS.index(letter) for letter in word]) for word in tiny_words)
    return LexiconBeamDecoder(lexicon, LABELS, 0, lm, 0.04, LexiconBeamOptions(beam_width=12))


def decoded(decoder: CharacterBeamDecoder | LexiconBeamDecoder, frames: np.ndarray, chunk: int) -> Hypothesis:
    session = decoder.session()
    for start in range(0, len(frames), chunk):
        session.accept(frames[start : start + chunk])
    return session.finish()


def test_sessions_of_several_threads_do_not_touch_each_other(decoder):
    streams = [random_log_probs(seed, 200) for seed in range(8)]
    alone = [decoded(decoder, stream, 200) for stream in streams]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda stream: decoded(decoder, stream, 3), streams)) == alone


def test_a_long_chunk_is_searched_in_pieces(decoder, monkeypatch):
    frames = random_log_probs(1, 300)
    whole = decoded(decoder, frames, 300)
    monkeypatch.setattr(beam_session, "_FRAMES_AT_ONCE", 7)
    assert decoded(decoder, frames, 300) == whole


def test_the_layout_of_the_array_does_not_matter(decoder):
    frames = random_log_probs(2, 100)
    assert decoded(decoder, np.asfortranarray(frames), 100) == decoded(decoder, frames, 100)
    assert decoded(decoder, frames[::2], 50) == decoded(decoder, frames[::2].copy(), 50)


ENDS_WHILE_SEARCHING = """
import itertools, threading
import numpy as np
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions

words = [(str(spelled), spelled) for n in (2, 3) for spelled in itertools.product(range(1, 12), repeat=n)]
options = LexiconBeamOptions(beam_width=2000, beam_prune_logp=-60.0, token_min_logp=-30.0)
decoder = LexiconBeamDecoder(Lexicon.build(words), list(map(str, range(12))), 0, None, 0.04, options)
logits = np.random.default_rng(0).normal(size=(50, 12))
frames = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
begun, sessions = threading.Barrier(3), [decoder.session() for _ in range(2)]

def search(session):
    session.accept(frames)
    begun.wait()
    while True:
        session.accept(frames)

for session in sessions:
    threading.Thread(target=search, args=(session,), daemon=True).start()
begun.wait()
"""


def test_a_program_may_end_while_a_daemon_thread_searches():
    done = subprocess.run([sys.executable, "-c", ENDS_WHILE_SEARCHING], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")

"""What beams cost and what they are worth: word error rates of speech and processor time, by beam width.

python tests/bench/beam_accuracy.py [--beams 100 200 400 800] [--peer-beam 100] [--split dev]      (as decoders.py)

One JSON line a search and beam: WER of each corpus and their mean, milliseconds a 320 ms chunk. The search over
characters beside pyctcdecode's with the same language model, weights and beam.
"""

import argparse
import logging
import time
from dataclasses import replace

import numpy as np
from decoders import CHUNK_FRAMES, FRAME_S, Work, in_chunks, whole_utterance_search
from measure import record
from posteriors import CORPORA, Speech, heard

from decoder.character_beam import CharacterBeamDecoder
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.lm import NgramLM
from decoder.metrics import ErrorCounts, word_errors
from decoder.normalize import normalize


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beams", type=int, nargs="+", default=[100, 200, 400, 800])
    parser.add_argument("--peer-beam", type=int, default=100)
    parser.add_argument("--split", choices=CORPORA, default="dev")
    arguments = parser.parse_args()
    logging.getLogger("pyctcdecode").setLevel(logging.ERROR)
    phonemes = heard("beam", split=arguments.split)
    search = phonemes.recognizer.decoder
    assert isinstance(search, LexiconBeamDecoder)
    for beam in arguments.beams:
        decoder = search.with_options(replace(search.options, beam_width=beam))
        record("beam_accuracy", {"search": "lexicon", "beam": beam, **figures(in_chunks(decoder), phonemes)})

    characters = heard("characters", split=arguments.split)
    letters, beam = characters.recognizer.decoder, arguments.peer_beam
    assert isinstance(letters, CharacterBeamDecoder)
    options = replace(letters.options, beam_width=beam)
    ours = CharacterBeamDecoder(letters.labels, letters.blank, letters.lm, FRAME_S, options, letters.word_delimiter)
    assert isinstance(search.lm, NgramLM)
    peer = whole_utterance_search(ours, search.lm, search.lexicon.words)
    for name, work in {"characters": in_chunks(ours), "pyctcdecode": peer}.items():
        record("beam_accuracy", {"search": name, "beam": beam, **figures(work, characters)})


def figures(work: Work, speech: Speech) -> dict[str, object]:
    """Word error rates of each corpus in per cent and their mean, and milliseconds a chunk."""
    errors: dict[str, ErrorCounts] = {}
    started = time.process_time()
    for utterance, log_probs in zip(speech.utterances, speech.log_probs, strict=True):
        counts = word_errors(normalize(utterance.text or "") or "", work(log_probs))
        errors[utterance.corpus] = errors.get(utterance.corpus, ErrorCounts()) + counts
    spent = time.process_time() - started
    rates = {corpus: round(100 * counts.rate, 1) for corpus, counts in errors.items()}
    chunks = sum(map(len, speech.log_probs)) / CHUNK_FRAMES
    mean = float(np.mean([100 * counts.rate for counts in errors.values()]))
    return {"wer": rates, "mean_wer": round(mean, 2), "ms_a_chunk": round(1000 * spent / chunks, 3)}


if __name__ == "__main__":
    main()

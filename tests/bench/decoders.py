"""Processor time of the beam searches beside pyctcdecode's and flashlight-text's, on the same log-probabilities.

python tests/bench/decoders.py [--runs 3] [--each 10]      (extra `bench`; real speech needs ../shared/speech)

One JSON line a case: milliseconds a 320 ms chunk (the minimum of interleaved runs) and ratios to the peer. Cases:
dev speech, and 1000 frames of 32 labels that are clean, noisy (five likely labels a frame) or uniform.
"""

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import kenlm
import numpy as np
from flashlight.lib.text.decoder import (
    CriterionType,
    KenLM,
    LexiconDecoder,
    LexiconDecoderOptions,
    SmearingMode,
    Trie,
)
from flashlight.lib.text.dictionary import Dictionary
from measure import record
from posteriors import MADE_LABELS, heard, made, pronunciations_of
from pyctcdecode.alphabet import Alphabet
from pyctcdecode.decoder import BeamSearchDecoderCTC
from pyctcdecode.language_model import LanguageModel

from decoder.character_beam import CharacterBeamDecoder
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import LN10, NgramLM
from decoder.types import Decoder, LogProbs

FRAME_S = 0.04
CHUNK_FRAMES = 8
"""320 ms."""
MADE_CASES = ("clean", "noisy", "uniform")
TOKENS = 10
"""Labels a frame that flashlight follows."""

Work = Callable[[LogProbs], str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--each", type=int, default=10, help="recordings of each dev corpus")
    parser.add_argument("--beam", type=int, default=100)
    arguments = parser.parse_args()
    logging.getLogger("pyctcdecode").setLevel(logging.ERROR)
    characters, phonemes = (heard(name, each=arguments.each) for name in ("characters", "beam"))
    letters, search = characters.recognizer.decoder, phonemes.recognizer.decoder
    assert isinstance(letters, CharacterBeamDecoder)
    assert isinstance(search, LexiconBeamDecoder)
    lm, words = search.lm, search.lexicon.words
    assert lm is not None
    spelled = spelling_lexicon(words)
    cases = {case: [made(case, words)] for case in MADE_CASES}

    options = replace(letters.options, beam_width=arguments.beam)
    for case, frames in {"speech": characters.log_probs, **cases}.items():
        labels = letters.labels if case == "speech" else MADE_LABELS
        delimiter = letters.word_delimiter if case == "speech" else " "
        ours = CharacterBeamDecoder(labels, 0, lm, FRAME_S, options, delimiter)
        peer = whole_utterance_search(ours, lm, words)
        compare("characters", case, {"ours": in_chunks(ours), "pyctcdecode": peer}, frames, arguments.runs)

    narrow = replace(search.options, beam_width=arguments.beam)
    for case, frames in {"speech": phonemes.log_probs, **cases}.items():
        labels, lexicon = (search.labels, search.lexicon) if case == "speech" else (MADE_LABELS, spelled)
        ours = LexiconBeamDecoder(lexicon, labels, 0, lm, FRAME_S, narrow)
        peer = lexicon_search(lexicon, len(labels), lm, narrow)
        compare("lexicon", case, {"ours": in_chunks(ours), "flashlight": peer}, frames, arguments.runs)

    works = {
        "ours": in_chunks(search),
        "flashlight": lexicon_search(search.lexicon, len(search.labels), lm, search.options),
    }
    compare("lexicon", f"speech, beam {search.options.beam_width}", works, phonemes.log_probs, arguments.runs)


def compare(search: str, case: str, works: dict[str, Work], utterances: Sequence[LogProbs], runs: int) -> None:
    """Time the decoders of all utterances in turn, and print what each took."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(runs):
        for name, work in works.items():
            started = time.process_time()
            for frames in utterances:
                work(frames)
            best[name] = min(best[name], time.process_time() - started)
    chunks = sum(map(len, utterances)) / CHUNK_FRAMES
    ours, peer = best.values()
    figures = {f"{name}_ms_a_chunk": round(1000 * seconds / chunks, 3) for name, seconds in best.items()}
    record("decoders", {"search": search, "case": case, **figures, "times_the_peers_speed": round(peer / ours, 2)})


def in_chunks(decoder: Decoder) -> Work:
    """Our search, fed as in a stream."""

    def work(frames: LogProbs) -> str:
        session = decoder.session()
        for start in range(0, len(frames), CHUNK_FRAMES):
            session.accept(frames[start : start + CHUNK_FRAMES])
        return session.finish().text

    return work


def whole_utterance_search(ours: CharacterBeamDecoder, lm: NgramLM, words: Sequence[str]) -> Work:
    """pyctcdecode's search with the labels, weights and beam of ours; the rest are its defaults, and ours."""
    options = ours.options
    config = kenlm.Config()
    config.show_progress = False
    model = LanguageModel(kenlm.Model(str(lm.path), config), words, alpha=options.alpha, beta=options.beta)
    alphabet = ["" if i == 0 else " " if label == ours.word_delimiter else label for i, label in enumerate(ours.labels)]
    decoder = BeamSearchDecoderCTC(Alphabet(alphabet, False), model)
    return lambda frames: str(decoder.decode_beams(frames, beam_width=options.beam_width)[0][0])


def spelling_lexicon(words: Sequence[str]) -> Lexicon:
    """Words spelled with the letters of the made cases, a space after each."""
    index = {label: i for i, label in enumerate(MADE_LABELS)}
    usable = (word for word in words if all(letter in index for letter in word))
    return Lexicon.build((word, [*(index[letter] for letter in word), index[" "]]) for word in usable)


def lexicon_search(lexicon: Lexicon, labels: int, lm: NgramLM, options: LexiconBeamOptions) -> Work:
    """flashlight's search with the options that are ours, too; its label of silence is one that never comes."""
    dictionary = Dictionary()
    for word in (*lexicon.words, "<unk>"):
        dictionary.add_entry(word)
    model = KenLM(str(lm.path), dictionary)
    silence = labels
    trie = Trie(labels + 1, silence)
    start = model.start(False)
    scores = [model.score(start, number)[1] for number in range(len(lexicon.words))]
    spelled = pronunciations_of(lexicon)
    for number, word in enumerate(lexicon.words):
        for labels_of_word in spelled[word]:
            trie.insert(labels_of_word, number, scores[number])
    trie.smear(SmearingMode.MAX)
    search = LexiconDecoderOptions(
        options.beam_width,
        TOKENS,
        -options.beam_prune_logp,
        options.alpha * LN10,
        options.beta,
        float("-inf"),
        0.0,
        True,
        CriterionType.CTC,
    )
    unknown = dictionary.get_index("<unk>")
    decoder = LexiconDecoder(search, trie, model, silence, 0, unknown, [], False)

    def work(frames: LogProbs) -> str:
        padded = np.full((len(frames), labels + 1), -1000.0, np.float32)
        padded[:, :-1] = frames
        best = decoder.decode(padded.ctypes.data, *padded.shape)[0]
        return " ".join(lexicon.words[word] for word in best.words if word >= 0)

    return work


if __name__ == "__main__":
    main()

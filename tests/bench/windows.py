"""What a bidirectional network loses in windows: word errors, and computation, by the plan of the windows.

python tests/bench/windows.py FOLDER [--windows full 10 5 2] [--right 160 320 480 960] [--chunk-ms 640] [--split dev]
(needs ../shared/speech)

FOLDER is a checkpoint that docs/wav2vec2.md names. A window is left context, chunk and right context, in all so many
seconds; full hears every recording whole. One JSON line a plan: word and letter errors in per cent of each corpus, and
milliseconds of processor, on one thread, that the network takes for a second of sound.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from measure import SHARED_SPEECH, record
from posteriors import CORPORA

from asr_app.audio.file import read_audio
from asr_app.audio.types import Samples
from asr_app.options import DecoderName, RecognizerOptions
from asr_app.recognizer import Recognizer
from decoder.metrics import ErrorCounts, character_errors, word_errors
from decoder.normalize import normalize
from decoder.types import LogProbs
from models.loading import load_acoustic_model
from models.recipes.data.manifest import Utterance, read_manifests
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint
from models.wav2vec2_windows import Wav2Vec2Windows, WindowPlan

CPU = torch.device("cpu")
FULL = "full"

Spoken = Sequence[tuple[Utterance, Samples]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", nargs="+", default=[FULL, "10", "5", "2"], help="seconds, or full")
    parser.add_argument("--right", type=int, nargs="+", default=[160, 320, 480, 960], help="milliseconds")
    parser.add_argument("--chunk-ms", type=int, default=640)
    parser.add_argument("--decoder", default="beam", choices=("beam", "greedy"))
    parser.add_argument("--split", default="dev", choices=CORPORA)
    parser.add_argument("--corpora", nargs="+")
    parser.add_argument("--each", type=int, help="recordings of each corpus; all without it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load_acoustic_model(arguments.folder)
    if not isinstance(checkpoint, Wav2Vec2Checkpoint):
        parser.error(f"{arguments.folder} holds no bidirectional network")
    decoder: DecoderName = arguments.decoder
    recognizer = Recognizer.load(arguments.folder, RecognizerOptions(decoder=decoder, device="cpu"))
    spoken = recordings(arguments.corpora or CORPORA[arguments.split], arguments.split, arguments.each)
    about = {"model": arguments.folder.name, "decoder": decoder, "split": arguments.split}
    for window, right_ms in plans(arguments.windows, arguments.right):
        if window == FULL:
            whole = Wav2Vec2Windows(checkpoint, WindowPlan(), CPU)
            figures = measured(recognizer, spoken, whole.log_probs)
        else:
            left_ms = round(1000 * float(window)) - arguments.chunk_ms - right_ms
            windows = Wav2Vec2Windows(checkpoint, WindowPlan(left_ms, arguments.chunk_ms, right_ms), CPU)
            figures = measured(recognizer, spoken, lambda samples, model=windows: in_windows(model, samples))  # type: ignore[misc]
        plan = {} if window == FULL else {"chunk_ms": arguments.chunk_ms, "right_ms": right_ms}
        record("windows", {**about, "window": window, **plan, **figures})


def plans(windows: Sequence[str], rights: Sequence[int]) -> list[tuple[str, int]]:
    """Every window with every right context; full context once."""
    return list(dict.fromkeys((window, 0 if window == FULL else right) for window, right in product(windows, rights)))


def recordings(corpora: Sequence[str], split: str, each: int | None) -> Spoken:
    """The recordings of corpora, read."""
    found = [
        one for corpus in corpora for one in read_manifests([SHARED_SPEECH / corpus / "manifest.jsonl"], split)[:each]
    ]
    return [(one, read_audio(one.audio)) for one in found]


def in_windows(model: Wav2Vec2Windows, samples: Samples) -> LogProbs:
    """Log-probabilities (T, V) of a stream."""
    stream, pieces = model.stream(), [np.zeros((0, len(model.labels)), np.float32)]
    stream.accept(samples)
    stream.finish()
    while stream.is_ready:
        pieces += model.step([stream])
    return np.concatenate(pieces)


def measured(recognizer: Recognizer, spoken: Spoken, hear: Callable[[Samples], LogProbs]) -> dict[str, object]:
    """Word and letter errors of each corpus, their means, and what hearing took."""
    words: dict[str, ErrorCounts] = defaultdict(ErrorCounts)
    letters: dict[str, ErrorCounts] = defaultdict(ErrorCounts)
    spent_s = sound_s = 0.0
    for one, samples in spoken:
        began = time.process_time()
        log_probs = hear(samples)
        spent_s, sound_s = spent_s + time.process_time() - began, sound_s + one.duration
        session = recognizer.decoder.session()
        session.accept(log_probs)
        said, text = normalize(one.text or "") or "", normalize(recognizer.final(session).text) or ""
        words[one.corpus] += word_errors(said, text)
        letters[one.corpus] += character_errors(said, text)
    figures: dict[str, object] = {}
    for name, errors in (("wer", words), ("cer", letters)):
        rates = {corpus: round(100 * counts.rate, 1) for corpus, counts in errors.items()}
        figures |= {name: rates, f"mean_{name}": round(float(np.mean(list(rates.values()))), 1)}
    return {**figures, "ms_a_second": round(1000 * spent_s / sound_s, 1)}


if __name__ == "__main__":
    main()

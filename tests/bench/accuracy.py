"""The table of docs/evaluation.md: every shared test set, chunk size and decoder.

python tests/bench/accuracy.py [--split test] [--decoders beam greedy]      (needs ../shared/speech)

Prints a JSON line a run as `asr eval --json` does, then the table.
"""

import argparse
import json
import sys

import torch
from measure import SHARED_SPEECH

from asr_app.evaluation import hear, report
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.options import DecoderName, RecognizerOptions
from asr_app.recognizer import Recognizer
from models.recipes.data.manifest import read_manifests

SETS = {
    "LibriSpeech bits": ("librispeech_bits",),
    "ARCTIC": ("cmu_arctic", "kathleen"),
    "speechocean762": ("speechocean762",),
    "alphanumeric": ("alphanumeric",),
    "fsdd": ("fsdd",),
}
CHUNKS_MS = (320, 640, None)
DECODERS: tuple[DecoderName, ...] = ("greedy", "characters", "beam")


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--split", default="test")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decoders", nargs="+", choices=DECODERS, default=DECODERS)
    parser.add_argument("--chunks", nargs="+", type=_milliseconds, default=CHUNKS_MS, help="milliseconds, or full")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    for decoder in arguments.decoders:
        for chunk_ms in arguments.chunks:
            recognizer = Recognizer.load(
                find_model(arguments.model), RecognizerOptions(chunk_ms, decoder, device="cpu")
            )
            cells = [f"{decoder}, {chunk_ms or 'full'}"]
            for name, folders in SETS.items():
                manifests = [SHARED_SPEECH / folder / "manifest.jsonl" for folder in folders]
                utterances = read_manifests(manifests, arguments.split)
                if not utterances:
                    continue
                figures = report(hear(recognizer, utterance) for utterance in utterances)
                line = {"set": name, "split": arguments.split, "decoder": decoder, "chunk_ms": chunk_ms, **figures}
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
                low, high = figures["wer_ci95"]
                cells.append(f"{figures['wer']:.1f} ({low:.1f}-{high:.1f})")
            rows.append("| " + " | ".join(cells) + " |")
    sys.stdout.write("\n".join(["", *rows, ""]))


def _milliseconds(text: str) -> int | None:
    return None if text == "full" else int(text)


if __name__ == "__main__":
    main()

"""Transcripts of untranscribed speech by the zipformer teacher, where it is confident."""

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy import float32

from models.model_files import write_atomically
from models.recipes.commands import command
from models.recipes.data.features import Store
from models.recipes.file_errors import naming
from models.recipes.teacher import open_model

BLANK, CONTEXT = 0, 2


class TransducerSearch:
    """Greedy search with a stateless transducer (Graves, Sequence Transduction with RNNs, 2012)."""

    def __init__(self, folder: Path) -> None:
        self._decoder, self._joiner = open_model(folder / "decoder.onnx"), open_model(folder / "joiner.int8.onnx")
        self._width = self._joiner.get_inputs()[0].shape[-1]
        with naming(folder / "tokens.txt"):
            lines = (folder / "tokens.txt").read_text(encoding="utf-8").splitlines()
            self._tokens = {int(line.split()[1]): line.split()[0] for line in lines}

    def _prediction(self, tokens: list[int]) -> npt.NDArray[float32]:
        return self._decoder.run(None, {"y": np.array([tokens[-CONTEXT:]], np.int64)})[0]  # type: ignore[no-any-return]

    def transcribe(self, encoded: npt.NDArray[float32]) -> tuple[str, float]:
        """Lower-case text and the geometric mean of its tokens' probabilities, of encoder outputs (T, D).

        Raises ValueError for outputs of another size than this transducer's.
        """
        if encoded.shape[1] != self._width:
            sizes = f"{self._width} numbers a frame, not {encoded.shape[1]}"
            raise ValueError(f"the joiner hears {sizes}: name the stores teacher-* that its encoder filled")
        tokens, log_probs = [BLANK] * CONTEXT, []
        prediction = self._prediction(tokens)
        for frame in encoded:
            logits = self._joiner.run(None, {"encoder_out": frame[None], "decoder_out": prediction})[0][0]
            best = int(logits.argmax())
            if best != BLANK and self._tokens[best] != "<unk>":
                log_probs.append(float(logits[best] - np.logaddexp.reduce(logits)))
                tokens.append(best)
                prediction = self._prediction(tokens)
        text = "".join(self._tokens[token] for token in tokens[CONTEXT:]).replace("▁", " ").strip().lower()
        return text, float(np.exp(np.mean(log_probs))) if log_probs else 0.0


@command
def main() -> None:
    """Command line: `python -m models.recipes.data.pseudo_label STORE... --teacher FOLDER --output FILE.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="+", type=Path, help="teacher stores of models.recipes.data.prepare")
    parser.add_argument("--teacher", type=Path, required=True, help="folder with decoder, joiner and tokens")
    parser.add_argument("--keys", nargs="+", default=["unlabelled/"], help="beginnings of the keys to transcribe")
    parser.add_argument("--confidence", type=float, default=0.8, help="leave out what is less sure")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    search = TransducerSearch(arguments.teacher)
    lines = []
    for store in map(Store, arguments.stores):
        for entry in store.entries:
            if entry.key.startswith(tuple(arguments.keys)) and entry.key.endswith("@1"):
                text, confidence = search.transcribe(store.rows(entry).astype(np.float32))
                if confidence >= arguments.confidence:
                    row = {"key": entry.key.rsplit("@", 1)[0], "text": text, "confidence": round(confidence, 3)}
                    lines.append(json.dumps(row) + "\n")
    write_atomically(arguments.output, "".join(lines).encode())


if __name__ == "__main__":
    main()

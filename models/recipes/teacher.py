"""Targets from an open streaming zipformer transducer (ONNX, icefall export): its encoder outputs.

The outputs come 25 times a second, the rate of our own encoder, and are regression targets for it on any
audio, transcribed or not (Hinton et al., Distilling the Knowledge in a Neural Network, 2015; Romero et al.,
FitNets, 2015).
The teacher's files are never part of the product.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.recipes.file_errors import naming
from models.torchaudio_compat import import_torchaudio

SAMPLE_RATE = 16000
TAIL_SECONDS = 0.66


def open_model(path: Path) -> Any:
    """An ONNX model on one CPU thread; ValueError where it cannot be read."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no other class in common
        raise ValueError(f"{path} is no ONNX model that can be read ({error}): name a teacher's file") from error


class ZipformerTeacher:
    """Runs the encoder of a streaming zipformer over whole recordings."""

    def __init__(self, model: Path) -> None:
        """Raise ValueError for a file that is no such encoder."""
        self._session = open_model(model)
        with naming(model):
            metadata = self._session.get_modelmeta().custom_metadata_map
            self._window, self._hop = int(metadata["T"]), int(metadata["decode_chunk_len"])
        self._inputs = self._session.get_inputs()
        self.width = int(self._session.get_outputs()[0].shape[-1])

    def encode(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
        """Encoder outputs (T, width) at 25 Hz of samples (N,) at 16 kHz."""
        features = self._features(samples)
        state: dict[str, Any] = {
            node.name: np.zeros([max(1, size) if isinstance(size, int) else 1 for size in node.shape], _dtype(node))
            for node in self._inputs[1:]
        }
        outputs = []
        for start in range(0, len(features) - self._window + 1, self._hop):
            window = features[None, start : start + self._window]
            output, *values = self._session.run(None, {self._inputs[0].name: window, **state})
            state = dict(zip(state, values, strict=True))
            outputs.append(output[0])
        if not outputs:
            return np.zeros((0, self.width), np.float16)
        frames = 1 + max(0, len(samples) - 400) // 160
        encoded: npt.NDArray[np.float16] = np.concatenate(outputs)[: (frames + 3) // 4].astype(np.float16)
        return encoded

    def _features(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Kaldi features of the recording and enough silence after it to flush the teacher's look-ahead."""
        tail = int(TAIL_SECONDS * SAMPLE_RATE) + self._hop * 160
        padded = torch.from_numpy(np.concatenate([samples, np.zeros(tail, np.float32)]))
        fbank = import_torchaudio().compliance.kaldi.fbank(
            padded[None], num_mel_bins=80, dither=0.0, high_freq=-400.0, low_freq=20.0, snip_edges=False
        )
        return np.ascontiguousarray(fbank.numpy(), np.float32)


def _dtype(node: Any) -> type[np.generic]:
    return np.int64 if "int64" in node.type else np.float32

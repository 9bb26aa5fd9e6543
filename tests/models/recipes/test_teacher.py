from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models.recipes.data.pseudo_label import TransducerSearch
from models.recipes.teacher import ZipformerTeacher

TEACHER = Path(__file__).resolve().parents[4] / "shared" / "peers" / "zipformer-3.3M"


@pytest.fixture(scope="module")
def teacher() -> ZipformerTeacher:
    pytest.importorskip("onnxruntime", reason="onnxruntime (the extra `train`) is not installed")
    if not TEACHER.is_dir():
        pytest.skip("the shared teacher is not here")
    return ZipformerTeacher(TEACHER / "encoder.int8.onnx")


@pytest.mark.parametrize("samples", [0, 399, 400, 1040, 16000, 17003])
def test_targets_come_at_the_rate_of_our_encoder(teacher: ZipformerTeacher, samples: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, samples).astype(np.float32)
    found = teacher.encode(noise)
    frames = 1 + max(0, samples - 400) // 160
    assert found.shape == (-(-frames // 4), teacher.width)
    assert found.dtype == np.float16
    assert np.isfinite(found).all()


def test_targets_of_a_recording_do_not_depend_on_the_one_before(teacher: ZipformerTeacher) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, (2, 8000)).astype(np.float32)
    first = teacher.encode(noise[0])
    teacher.encode(noise[1])
    assert np.array_equal(teacher.encode(noise[0]), first)


class Joiner:
    """Prefers the label that the encoder frame names, unless it was the last one."""

    def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:  # type: ignore[type-arg]
        label, last = int(inputs["encoder_out"][0, 0]), int(inputs["decoder_out"][0, -1])
        logits = np.zeros((1, 4), np.float32)
        logits[0, 0 if label == last else label] = 10.0
        return [logits]


def test_a_transducer_is_searched_greedily() -> None:
    search = TransducerSearch.__new__(TransducerSearch)
    search._tokens = {0: "<blk>", 1: "<unk>", 2: "▁HE", 3: "LLO"}
    search._decoder = SimpleNamespace(run=lambda _, inputs: [inputs["y"]])
    search._joiner = Joiner()
    text, confidence = search.transcribe(np.array([[0], [2], [2], [3], [0], [1], [2]], np.float32))
    assert text == "hello he"
    assert confidence == pytest.approx(np.exp(10) / (np.exp(10) + 3), abs=1e-4)
    assert search.transcribe(np.zeros((0, 1), np.float32)) == ("", 0.0)


def test_a_transducer_s_tokens_are_read() -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime (the extra `train`) is not installed")
    if not TEACHER.is_dir():
        pytest.skip("the shared teacher is not here")
    search = TransducerSearch(TEACHER)
    text, confidence = search.transcribe(np.zeros((3, 320), np.float32))
    assert text == text.lower()
    assert 0 <= confidence <= 1

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models.recipes import teacher as module
from models.recipes.data import pseudo_label
from models.recipes.data.features import StoreWriter
from models.recipes.data.pseudo_label import TransducerSearch
from models.recipes.data.samples import read_transcripts
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
    search._joiner, search._width = Joiner(), 1
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
    with pytest.raises(ValueError, match="the joiner hears 320 numbers a frame, not 80"):
        search.transcribe(np.zeros((3, 80), np.float32))


def test_another_part_of_a_transducer_is_no_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    described = SimpleNamespace(custom_metadata_map={"vocab_size": "500"})
    monkeypatch.setattr(module, "open_model", lambda _: SimpleNamespace(get_modelmeta=lambda: described))
    with pytest.raises(ValueError, match=r"decoder\.onnx is damaged or of another kind"):
        ZipformerTeacher(Path("decoder.onnx"))


def test_a_killed_command_leaves_no_half_of_the_transcripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = StoreWriter(tmp_path / "teacher-0", 1, np.float16)
    for number in range(3):
        store.add(f"unlabelled/{number}@1", np.full((4, 1), number, np.float16), None, "")
    store.close()
    output = tmp_path / "pseudo.jsonl"

    class Search:
        """Dies at the last utterance when it must not live."""

        lives = False

        def __init__(self, _: Path) -> None: ...

        def transcribe(self, encoded: np.ndarray) -> tuple[str, float]:  # type: ignore[type-arg]
            if encoded[0, 0] == 2 and not self.lives:
                raise MemoryError
            return "ha", 0.8 + 0.1 * float(encoded[0, 0] - 1)

    monkeypatch.setattr(pseudo_label, "TransducerSearch", Search)
    command = ["pseudo_label", str(tmp_path / "teacher-0"), "--teacher", str(tmp_path), "--output", str(output)]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(MemoryError):
        pseudo_label.main()
    assert not output.exists()
    Search.lives = True
    pseudo_label.main()
    assert read_transcripts([output]) == {"unlabelled/1": "ha", "unlabelled/2": "ha"}

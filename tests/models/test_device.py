"""What a GPU is given; where there is none, half precision on the CPU stands for it."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from reference_wav2vec2 import make, write_folder
from torch import Tensor

import models.streaming_ctc
import models.wav2vec2_windows
from models.acoustic import AcousticModel, LogProbs, Samples
from models.checkpoint import Checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.device import CudaGraphs, half_precision, is_out_of_memory, to_device
from models.frontend import FrontendConfig
from models.streaming_ctc import StreamingCtc
from models.wav2vec2_huggingface import load_huggingface
from models.wav2vec2_windows import Wav2Vec2Windows, WindowPlan

CPU = torch.device("cpu")
ENCODER = EncoderConfig(num_mels=20, dim=16, layers=2, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
KINDS = ("conformer", "base", "large", "wavlm", "data2vec", "adapters")
Make = Callable[..., AcousticModel]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A function (kind, device) -> a small acoustic model."""

    def make_one(kind: str, device: torch.device = CPU) -> AcousticModel:
        if kind == "conformer":
            torch.manual_seed(1)
            head = Head("letters", ("-", "a", "b"))
            model = CtcModel(ENCODER, (head,))
            torch.nn.init.normal_(model.heads["letters"].weight)
            checkpoint = Checkpoint(FrontendConfig(num_mels=20), ENCODER, (head,), model.state_dict())
            return StreamingCtc(checkpoint, "letters", 4, device)
        folder = tmp_path_factory.mktemp(kind)
        checkpoint = load_huggingface(write_folder(folder, make(kind)))
        return Wav2Vec2Windows(checkpoint, WindowPlan(12, 5, 4), device)

    return make_one


def noise(samples: int, seed: int = 0) -> Samples:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def stepped(model: AcousticModel, sounds: list[Samples]) -> list[LogProbs]:
    """What the steps of streams give that are stepped as one batch."""
    streams = [model.stream() for _ in sounds]
    heard: list[list[LogProbs]] = [[] for _ in sounds]
    for stream, samples in zip(streams, sounds, strict=True):
        stream.accept(samples)
        stream.finish()
    while ready := [number for number, one in enumerate(streams) if one.is_ready]:
        for number, log_probs in zip(ready, model.step([streams[number] for number in ready]), strict=True):
            heard[number].append(log_probs)
    return [np.concatenate(pieces) for pieces in heard]


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_changes_little_and_no_type(made: Make, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, sounds = made(kind), [noise(9000), noise(6500, 1)]
    whole, steps = model.batch_log_probs(sounds), stepped(model, sounds)
    for module in (models.streaming_ctc, models.wav2vec2_windows):
        monkeypatch.setattr(module, "half_precision", lambda _: torch.autocast("cpu", torch.bfloat16))
    for exact, rough in ((whole, model.batch_log_probs(sounds)), (steps, stepped(model, sounds))):
        for one, other in zip(exact, rough, strict=True):
            assert other.dtype == np.float32
            assert 0 < np.abs(np.exp(one) - np.exp(other)).max() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_utterances_gives_each_what_it_gets_alone(made: Make, kind: str) -> None:
    model, sounds = made(kind), [noise(9000), noise(6500, 1), noise(0), noise(300, 2)]
    for samples, together in zip(sounds, model.batch_log_probs(sounds), strict=True):
        np.testing.assert_allclose(together, model.log_probs(samples), atol=1e-4)


def test_full_context_sees_what_comes_later(made: Make) -> None:
    model = made("conformer")
    whole, samples = model.with_full_context(), noise(16_000)
    changed = samples + np.pad(noise(4000, 1), (12_000, 0))
    np.testing.assert_allclose(model.log_probs(samples)[:16], model.log_probs(changed)[:16], atol=1e-4)
    assert np.abs(whole.log_probs(samples)[:16] - whole.log_probs(changed)[:16]).max() > 1e-3
    np.testing.assert_allclose(stepped(whole, [samples])[0], whole.log_probs(samples), atol=1e-4)
    assert model.chunk_s == pytest.approx(0.16)


def test_the_cpu_computes_as_before() -> None:
    assert isinstance(half_precision(CPU), nullcontext)
    tensor = torch.ones(2)
    assert to_device(tensor, CPU) is tensor
    assert torch.equal(CudaGraphs(lambda one: (one + 1,))(tensor)[0], tensor + 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_full_memory_is_known_by_its_error(error: Exception, said: bool) -> None:
    assert is_out_of_memory(error) is said


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_says_what_the_cpu_does(made: Make, kind: str) -> None:
    sounds = [noise(30_000, seed) for seed in range(3)]
    on_cpu, on_gpu = made(kind), made(kind, torch.device("cuda"))
    pairs = zip(
        stepped(on_cpu, sounds) + on_cpu.batch_log_probs(sounds),
        stepped(on_gpu, sounds) + on_gpu.batch_log_probs(sounds),
        strict=True,
    )
    for exact, rough in pairs:
        assert np.abs(np.exp(exact) - np.exp(rough)).max() < 0.1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_recording_is_replayed_for_every_batch() -> None:
    calls: list[int] = []

    def doubled(rows: Tensor, more: Tensor) -> tuple[Tensor, ...]:
        calls.append(len(rows))
        return 2 * rows + more, more - 1

    graphs = CudaGraphs(doubled)
    for size in (3, 4, 3):
        rows, more = torch.randn(size, 5, device="cuda"), torch.randn(size, 1, device="cuda")
        for ours, theirs in zip(graphs(rows, more), (2 * rows + more, more - 1), strict=True):
            torch.testing.assert_close(ours, theirs)
    assert set(calls) == {4}  # the batch is filled up, and recorded once
    assert len(calls) == 4

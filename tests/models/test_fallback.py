"""A GPU whose memory is full: the CPU goes on with the same streams."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from models.acoustic import AcousticModel, LogProbs, Samples
from models.checkpoint import Checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.fallback import WithFallback
from models.frontend import FrontendConfig
from models.streaming_ctc import StreamingCtc

ENCODER = EncoderConfig(num_mels=20, dim=16, layers=2, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
GPU = torch.device("cuda")
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")


@pytest.fixture(scope="module")
def on_cpu() -> StreamingCtc:
    torch.manual_seed(1)
    head = Head("letters", ("-", "a", "b"))
    model = CtcModel(ENCODER, (head,))
    torch.nn.init.normal_(model.heads["letters"].weight)
    checkpoint = Checkpoint(FrontendConfig(num_mels=20), ENCODER, (head,), model.state_dict())
    return StreamingCtc(checkpoint, "letters", 4, torch.device("cpu"))


class Gpu:
    """A model that says that it is on a GPU, and whose calls after the first few raise an error."""

    device = GPU

    def __init__(self, model: AcousticModel, error: Exception, good: int) -> None:
        self._model, self._error, self._good = model, error, good

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def _call(self, work: Callable[[], Any]) -> Any:
        if self._good == 0:
            raise self._error
        self._good -= 1
        return work()

    def step(self, streams: Sequence[Any]) -> Any:
        return self._call(lambda: self._model.step(streams))

    def log_probs(self, samples: Samples) -> Any:
        return self._call(lambda: self._model.log_probs(samples))


def with_fallback(on_cpu: StreamingCtc, error: Exception, good: int) -> WithFallback:
    return WithFallback(lambda device: Gpu(on_cpu, error, good) if device == GPU else on_cpu, GPU)


def stepped(model: AcousticModel, samples: Samples) -> LogProbs:
    stream, pieces = model.stream(), list[LogProbs]()
    stream.accept(samples)
    stream.finish()
    while stream.is_ready:
        pieces += model.step([stream])
    return np.concatenate(pieces)


@pytest.fixture(scope="module")
def sound() -> Samples:
    return (0.1 * np.random.default_rng(1).standard_normal(20_000)).astype(np.float32)


def test_a_stream_goes_on_where_the_gpu_left_it(
    on_cpu: StreamingCtc, sound: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    model: AcousticModel = with_fallback(on_cpu, FULL, 4)  # the trial, and three steps
    assert model.device == GPU
    np.testing.assert_array_equal(stepped(model, sound), stepped(on_cpu, sound))
    assert model.device == torch.device("cpu")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages == ["the GPU (cuda) is not used any more, the CPU goes on: its memory is full"]
    assert (model.labels, model.chunk_s) == (on_cpu.labels, on_cpu.chunk_s)


def test_whole_utterances_too(on_cpu: StreamingCtc, sound: Samples) -> None:
    model = with_fallback(on_cpu, FULL, 1)
    np.testing.assert_array_equal(model.log_probs(sound), on_cpu.log_probs(sound))
    assert model.device == torch.device("cpu")


def test_full_context_shares_the_weights_until_the_gpu_is_left(on_cpu: StreamingCtc, sound: Samples) -> None:
    made: list[torch.device] = []

    def make(device: torch.device) -> AcousticModel:
        made.append(device)
        return Gpu(on_cpu, FULL, 3) if device == GPU else on_cpu

    class Whole(Gpu):
        def with_full_context(self) -> AcousticModel:
            return Gpu(on_cpu.with_full_context(), FULL, 1)

    live = WithFallback(lambda device: Whole(make(device), FULL, 3) if device == GPU else make(device), GPU)
    whole = live.with_full_context()
    assert (whole.device, made) == (GPU, [GPU])
    np.testing.assert_array_equal(whole.log_probs(sound), on_cpu.with_full_context().log_probs(sound))
    assert (whole.device, live.device, made) == (torch.device("cpu"), GPU, [GPU, torch.device("cpu")])


def test_another_error_is_no_reason_to_leave(on_cpu: StreamingCtc, sound: Samples) -> None:
    model = with_fallback(on_cpu, RuntimeError("shapes do not fit"), 1)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        model.log_probs(sound)
    assert model.device == GPU


@pytest.mark.parametrize("error", [FULL, NotImplementedError("aten::conv1d is not implemented for MPS\nmore")])
def test_a_gpu_that_cannot_compute_the_network_is_left_at_once(
    on_cpu: StreamingCtc, sound: Samples, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    model = with_fallback(on_cpu, error, 0)
    assert model.device == torch.device("cpu")
    assert len(caplog.messages) == 1
    assert "\n" not in caplog.messages[0]
    np.testing.assert_array_equal(model.log_probs(sound), on_cpu.log_probs(sound))

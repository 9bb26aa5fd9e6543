import numpy as np
import pytest
import torch

from models import streaming_ctc
from models.acoustic import AcousticModel, LogProbs, Samples
from models.checkpoint import Checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.frontend import FrontendConfig
from models.streaming_ctc import StreamingCtc

ENCODER = EncoderConfig(num_mels=20, dim=16, layers=2, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
CHUNK_FRAMES = 4


@pytest.fixture(scope="module")
def model() -> StreamingCtc:
    torch.manual_seed(1)
    weights = CtcModel(ENCODER, (Head("letters", ("-", "a", "b")),)).state_dict()
    weights["heads.letters.weight"] = torch.randn(3, ENCODER.dim)
    checkpoint = Checkpoint(FrontendConfig(num_mels=20), ENCODER, (Head("letters", ("-", "a", "b")),), weights)
    return StreamingCtc(checkpoint, "letters", CHUNK_FRAMES, torch.device("cpu"))


def noise(seconds: float, seed: int) -> Samples:
    return np.random.default_rng(seed).standard_normal(int(16_000 * seconds)).astype(np.float32) * 0.1


def stepped(model: StreamingCtc, samples: Samples) -> LogProbs:
    stream = model.stream()
    stream.accept(samples)
    stream.finish()
    pieces: list[LogProbs] = []
    while stream.is_ready:
        pieces += model.step([stream])
    return np.concatenate(pieces)


def test_it_is_an_acoustic_model(model: StreamingCtc) -> None:
    acoustic: AcousticModel = model
    assert acoustic.labels == ("-", "a", "b")
    assert acoustic.chunk_s == pytest.approx(CHUNK_FRAMES * acoustic.frame_duration_s)


def test_steps_give_what_the_whole_utterance_gives(model: StreamingCtc) -> None:
    samples = noise(1.37, 1)
    np.testing.assert_allclose(stepped(model, samples), model.log_probs(samples), atol=1e-4)


def test_a_long_utterance_is_stepped_lest_its_attention_should_fill_the_memory(
    model: StreamingCtc, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = noise(3.21, 2)
    whole = model.log_probs(samples)
    monkeypatch.setattr(streaming_ctc, "_AT_ONCE_S", 3.0)
    monkeypatch.setattr(model, "batch_log_probs", None)
    np.testing.assert_allclose(model.log_probs(samples), whole, atol=1e-4)


def test_a_batch_gives_each_stream_what_it_gets_alone(model: StreamingCtc) -> None:
    """Streams of different ages and ends, a last short chunk among them."""
    recordings = [noise(seconds, seed) for seed, seconds in enumerate((0.9, 1.5, 0.31, 2.0))]
    streams = [model.stream() for _ in recordings]
    heard: list[list[LogProbs]] = [[] for _ in recordings]
    for round_, (stream, samples) in enumerate(zip(streams, recordings, strict=True)):
        stream.accept(samples[: 4000 * round_])  # so that they start at different times
    for stream, samples, round_ in zip(streams, recordings, range(4), strict=True):
        stream.accept(samples[4000 * round_ :])
        stream.finish()
        ready = [number for number, one in enumerate(streams) if one.is_ready]
        for number, log_probs in zip(ready, model.step([streams[number] for number in ready]), strict=True):
            heard[number].append(log_probs)
    while ready := [number for number, one in enumerate(streams) if one.is_ready]:
        for number, log_probs in zip(ready, model.step([streams[number] for number in ready]), strict=True):
            heard[number].append(log_probs)
    for samples, pieces in zip(recordings, heard, strict=True):
        np.testing.assert_allclose(np.concatenate(pieces), model.log_probs(samples), atol=1e-4)


def test_nothing_was_said(model: StreamingCtc) -> None:
    assert len(stepped(model, np.zeros(0, np.float32))) == len(model.log_probs(np.zeros(0, np.float32)))

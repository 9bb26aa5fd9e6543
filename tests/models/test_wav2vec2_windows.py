"""Streams in overlapping windows: every frame once, no drift, batches and chunk sizes that do not matter."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference_wav2vec2 import make, write_folder

from models.acoustic import AcousticModel
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint
from models.wav2vec2_config import Wav2Vec2Config
from models.wav2vec2_features import MEMORY_S, Statistics, encode_piece
from models.wav2vec2_huggingface import load_huggingface
from models.wav2vec2_windows import Wav2Vec2Windows, WindowPlan, WindowStream

Array = NDArray[np.float32]
CPU = torch.device("cpu")
FRAME_MS = 20 / 16  # of the small networks


def plan(left: int, chunk: int, right: int) -> WindowPlan:
    """A plan of so many frames."""
    return WindowPlan(*(round(FRAME_MS * frames) for frames in (left, chunk, right)))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wav2Vec2Checkpoint]:
    folder = tmp_path_factory.mktemp("checkpoints")
    variants = ("base", "group norm with bias", "large", "wavlm", "data2vec")
    return {name: load_huggingface(write_folder(folder / name, make(name))) for name in variants}


def sound(size: int, seed: int = 0) -> Array:
    return (0.1 * np.random.default_rng(seed).standard_normal(size) + 0.02).astype(np.float32)


def heard(model: Wav2Vec2Windows, samples: Array, cuts: Sequence[int] = ()) -> list[Array]:
    """What the steps of a stream give, which gets the samples in pieces."""
    stream, chunks = model.stream(), []
    for piece in np.split(samples, sorted(cuts)):
        stream.accept(piece)
        while stream.is_ready:
            chunks += model.step([stream])
    stream.finish()
    while stream.is_ready:
        chunks += model.step([stream])
    return chunks


def joined(model: Wav2Vec2Windows, chunks: list[Array]) -> Array:
    return np.concatenate([np.zeros((0, len(model.labels)), np.float32), *chunks])


@given(
    samples=st.integers(0, 900),
    left=st.integers(0, 12),
    chunk=st.integers(1, 8),
    right=st.integers(0, 6),
    cuts=st.lists(st.integers(0, 900), max_size=6),
)
def test_every_frame_of_an_utterance_comes_once_and_with_its_context(
    samples: int, left: int, chunk: int, right: int, cuts: list[int]
) -> None:
    """Samples and frames are their own numbers here."""
    config = Wav2Vec2Config(outputs=4, convolutions=((1, 10, 5), (1, 3, 2), (1, 2, 2)))
    stream, frames, heard = WindowStream(config, (left, chunk, right), CPU), config.frames_in(samples), []
    pieces = np.split(np.arange(samples, dtype=np.float32), sorted(min(cut, samples) for cut in cuts))
    for last, piece in enumerate(pieces, 1 - len(pieces)):
        stream.accept(piece)
        if last == 0:
            stream.finish()
        while stream.is_ready:
            if new := stream.lacks:
                first = stream.piece()[0] / config.hop
                assert stream.piece().tolist() == [first * config.hop + n for n in range(config.samples_of(new))]
                stream.put(first + torch.arange(new)[:, None], stream.heard)
            window = stream.window()[:, 0].tolist()
            start = len(heard)
            assert window == list(range(max(0, start - left), min(start + chunk + right, frames)))
            heard += window[stream.take()]
            assert len(heard) == min(start + chunk, frames)
    assert heard == list(range(frames))


@pytest.mark.parametrize("variant", ["base", "large"])
def test_how_the_samples_come_does_not_matter(checkpoints: dict[str, Wav2Vec2Checkpoint], variant: str) -> None:
    model = Wav2Vec2Windows(checkpoints[variant], plan(9, 4, 3), CPU)
    whole = joined(model, heard(model, sound(900)))
    for cuts in (range(0, 900, 7), [1, 333], [899]):
        np.testing.assert_allclose(joined(model, heard(model, sound(900), cuts)), whole, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 29])
def test_what_is_shorter_than_a_frame_is_silence(checkpoints: dict[str, Wav2Vec2Checkpoint], samples: int) -> None:
    model = Wav2Vec2Windows(checkpoints["base"], WindowPlan(), CPU)
    assert heard(model, sound(samples)) == []
    assert model.log_probs(sound(samples)).shape == (0, len(model.labels))


@pytest.mark.parametrize("chunk", [1, 7, 60])
@pytest.mark.parametrize("variant", ["base", "group norm with bias", "large", "wavlm", "data2vec"])
def test_windows_that_see_all_of_an_utterance_say_what_the_whole_does(
    checkpoints: dict[str, Wav2Vec2Checkpoint], variant: str, chunk: int
) -> None:
    model = Wav2Vec2Windows(checkpoints[variant], plan(60, chunk, 60), CPU)
    samples = sound(checkpoints[variant].config.samples_of(60))
    chunks = heard(model, samples, [100, 700])
    assert len(chunks) == -(-60 // chunk)
    np.testing.assert_allclose(joined(model, chunks), model.log_probs(samples), atol=1e-4)


@pytest.mark.parametrize("variant", ["base", "large", "wavlm"])
def test_a_batch_of_streams_says_what_each_says_alone(checkpoints: dict[str, Wav2Vec2Checkpoint], variant: str) -> None:
    """Streams of different ages, whose pieces and windows have different sizes."""
    model = Wav2Vec2Windows(checkpoints[variant], plan(10, 4, 3), CPU)
    sounds = [sound(size, seed) for seed, size in enumerate((900, 340, 341, 1200))]
    streams, together = [model.stream() for _ in sounds], [[] for _ in sounds]
    for first in range(0, 1200, 150):
        for stream, samples in zip(streams, sounds, strict=True):
            stream.accept(samples[first : first + 150])
            if first + 150 >= len(samples):
                stream.finish()
        while ready := [number for number, stream in enumerate(streams) if stream.is_ready]:
            for number, chunk in zip(ready, model.step([streams[number] for number in ready]), strict=True):
                together[number].append(chunk)
    for samples, chunks in zip(sounds, together, strict=True):
        np.testing.assert_allclose(joined(model, chunks), joined(model, heard(model, samples)), atol=1e-4)


def test_features_without_statistics_are_those_of_the_whole_utterance(
    checkpoints: dict[str, Wav2Vec2Checkpoint],
) -> None:
    """Frames that see nothing but themselves show that each is made of its own samples."""
    checkpoint = checkpoints["large"]
    network, config = checkpoint.build(), replace(checkpoint.config, normalise_eps=None)
    network.config = config
    samples, pieces = torch.tensor(sound(1111))[None], []
    statistics, first = Statistics.start(config, CPU), 0
    for frames in (3, 1, 9, 20):
        start = first * config.hop
        piece = samples[:, start : start + config.samples_of(frames)]
        known = config.receptive_field - config.hop if first else 0
        features, statistics = encode_piece(network, piece, known, statistics)
        pieces.append(features)
        first += frames
    torch.testing.assert_close(torch.cat(pieces, 1), network.features(samples)[:, :first], atol=1e-5, rtol=0)


@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_statistics_of_pieces_are_those_of_all_that_was_heard(sizes: list[int]) -> None:
    samples = torch.tensor(sound(sum(sizes)))
    statistics = Statistics.start(Wav2Vec2Config(outputs=4, feature_norm="layer"), CPU)
    for piece in samples.split(sizes):
        mean, variance = piece.mean().view(1, 1, 1), piece.var(correction=0).view(1, 1, 1)
        statistics = statistics.after(len(piece) / 16_000, mean, variance)
    assert statistics.heard.item() == pytest.approx(len(samples) / 16_000)
    assert statistics.mean.item() == pytest.approx(samples.mean().item(), abs=1e-6)
    assert statistics.variance.item() == pytest.approx(samples.var(correction=0).item(), rel=1e-4, abs=1e-9)


def test_statistics_forget_what_was_long_ago_and_do_not_drift() -> None:
    statistics = Statistics.start(Wav2Vec2Config(outputs=4, feature_norm="layer"), CPU)
    zero, loud, quiet = (torch.full((1, 1, 1), value) for value in (0.0, 1.0, 0.01))
    for _ in range(300):
        statistics = statistics.after(1.0, zero, loud)
    assert statistics.heard.item() == MEMORY_S
    assert statistics.variance.item() == pytest.approx(1.0, rel=1e-5)
    for _ in range(5 * int(MEMORY_S)):
        statistics = statistics.after(1.0, zero, quiet)
    assert statistics.variance.item() == pytest.approx(0.01, rel=1.0)


def test_two_streams_do_not_touch_each_other(checkpoints: dict[str, Wav2Vec2Checkpoint]) -> None:
    model = Wav2Vec2Windows(checkpoints["base"], plan(10, 5, 2), CPU)
    before = joined(model, heard(model, sound(800)))
    other = model.stream()
    other.accept(100 * sound(700, 1))
    model.step([other])
    np.testing.assert_array_equal(joined(model, heard(model, sound(800))), before)


def test_a_stream_holds_no_more_than_a_window(checkpoints: dict[str, Wav2Vec2Checkpoint]) -> None:
    model = Wav2Vec2Windows(checkpoints["base"], plan(10, 5, 2), CPU)
    stream = model.stream()
    for _ in range(40):
        stream.accept(sound(100))
        while stream.is_ready:
            assert len(model.step([stream])[0]) == 5
    assert len(stream.window()) == 10 + 2
    assert len(stream.piece()) < 2 * 100 + model.sample_rate * FRAME_MS * 8 / 1000


@pytest.mark.parametrize(("left", "chunk", "right"), [(-100, 640, 480), (4000, 0, 480), (4000, 9, 0), (0, 640, -40)])
def test_impossible_windows_are_refused(left: int, chunk: int, right: int) -> None:
    with pytest.raises(ValueError, match="choose a chunk of 20 ms or more"):
        WindowPlan(left, chunk, right).frames(Wav2Vec2Config(outputs=4))


def test_it_is_an_acoustic_model(checkpoints: dict[str, Wav2Vec2Checkpoint]) -> None:
    model: AcousticModel = Wav2Vec2Windows(checkpoints["base"], WindowPlan(), CPU)
    assert (model.sample_rate, model.frame_duration_s, model.chunk_s) == (16_000, FRAME_MS / 1000, 0.64)
    assert model.labels[:2] == ("<blank>", "|")

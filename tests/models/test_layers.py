from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torch.testing import assert_close

from models.layers import CausalConvolution, ChunkedAttention, FeedForward, Subsampling, chunk_mask, rotate, rotation

Noise = Callable[..., Tensor]
CPU = torch.device("cpu")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def at(position: int) -> Tensor:
    return rotation(torch.tensor([position]), 16)


def test_rotation_is_multiplication_by_a_complex_phase(noise: Noise) -> None:
    vectors, positions = noise(2, 3, 5, 8), torch.tensor([0, 1, 2, 7, 100])
    phases = torch.outer(positions.double(), 10000.0 ** -(torch.arange(4, dtype=torch.float64) / 4))
    turned = torch.complex(vectors[..., :4], vectors[..., 4:]) * torch.polar(torch.ones(5, 4).double(), phases)
    expected = torch.cat([turned.real, turned.imag], -1).float()
    assert_close(rotate(vectors, rotation(positions, 8)), expected, atol=1e-4, rtol=0)


def test_rotation_by_nothing_changes_nothing(noise: Noise) -> None:
    vectors = noise(1, 1, 1, 6)
    assert_close(rotate(vectors, rotation(torch.tensor([0]), 6)), vectors)


@given(query=st.integers(0, 300), key=st.integers(0, 300), shift=st.integers(0, 300))
def test_dot_products_of_rotated_vectors_depend_on_the_distance(query: int, key: int, shift: int) -> None:
    left, right = normal(1, 1, 1, 16, seed=1), normal(1, 1, 1, 16, seed=2)

    def product(first: int, second: int) -> Tensor:
        return (rotate(left, at(first)) * rotate(right, at(second))).sum()

    assert_close(product(query + shift, key + shift), product(query, key), atol=1e-3, rtol=0)


def test_dot_products_of_rotated_vectors_differ_between_distances() -> None:
    vector = torch.ones(1, 1, 1, 16)
    near, far = (rotate(vector, at(position)) for position in (1, 9))
    assert (vector * near).sum() > (vector * far).sum() + 1


@given(
    frames=st.integers(0, 20),
    chunk=st.one_of(st.none(), st.integers(1, 8)),
    left=st.integers(0, 12),
)
def test_chunk_mask_is_its_definition(frames: int, chunk: int | None, left: int) -> None:
    mask = chunk_mask(frames, chunk, left, CPU)
    assert mask.shape == (frames, frames)
    for query in range(frames):
        for key in range(frames):
            seen = True
            if chunk is not None:
                start = query // chunk * chunk
                seen = start - left <= key < start + chunk
            assert bool(mask[query, key]) == seen


def test_attention_is_softmax_over_what_the_mask_shows(noise: Noise) -> None:
    attention, frames = ChunkedAttention(16, 2), noise(2, 7, 16)
    mask = chunk_mask(7, 3, 2, CPU)[None, None]
    queries, keys, values = (part.view(2, 7, 2, 8).transpose(1, 2) for part in attention.project(frames).split(16, -1))
    turn = rotation(torch.arange(7), 8)
    mixed = functional.scaled_dot_product_attention(rotate(queries, turn), rotate(keys, turn), values, attn_mask=mask)
    expected = attention.output(mixed.transpose(1, 2).reshape(2, 7, 16))
    assert_close(attention(frames, mask, turn), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_attention_by_chunks_is_attention_with_the_chunk_mask(chunk: int, noise: Noise) -> None:
    attention, left, length = ChunkedAttention(16, 2), 4, 30
    frames = noise(2, length, 16)
    whole = attention(frames, chunk_mask(length, chunk, left, CPU)[None, None], rotation(torch.arange(length), 8))
    turn = rotation(torch.arange(left + chunk), 8)
    keys = values = torch.zeros(2, 2, left, 8)
    parts = []
    for start in range(0, length, chunk):
        slots = torch.arange(left + chunk) >= left - start
        mask = slots.expand(2, 1, chunk, left + chunk)
        mixed, keys, values = attention.step(frames[:, start : start + chunk], mask, turn, keys, values)
        parts.append(mixed)
        assert keys.shape == values.shape == (2, 2, left, 8)
    assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8), kernel=st.integers(1, 7))
def test_convolution_by_chunks_is_the_whole_convolution(sizes: list[int], kernel: int) -> None:
    torch.manual_seed(kernel)
    convolution, frames = CausalConvolution(6, kernel), normal(2, sum(sizes), 6)
    start = torch.zeros(2, 6, kernel - 1)
    whole, last = convolution(frames, start)
    parts, cache = [], start
    for chunk in torch.split(frames, sizes, 1):
        mixed, cache = convolution(chunk, cache)
        parts.append(mixed)
        assert cache.shape == start.shape
    assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)
    assert_close(cache, last, atol=1e-6, rtol=0)


def test_convolution_sees_the_past_of_its_kernel_and_no_future(noise: Noise) -> None:
    convolution, frames, cache = CausalConvolution(6, 4), noise(1, 12, 6), torch.zeros(1, 6, 3)
    changed = frames.clone()
    changed[:, 5] += 1
    difference = (convolution(frames, cache)[0] - convolution(changed, cache)[0]).abs().amax((0, 2))
    assert (difference > 1e-6).nonzero().flatten().tolist() == [5, 6, 7, 8]


def test_feed_forward_keeps_frames_apart(noise: Noise) -> None:
    module, frames = FeedForward(8, 16), noise(2, 5, 8)
    assert_close(module(frames)[:, 2:3], module(frames[:, 2:3]), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("mels", "once", "twice"), [(80, 40, 20), (20, 10, 5), (23, 12, 6), (1, 1, 1), (21, 11, 6)])
def test_subsampling_height(mels: int, once: int, twice: int, noise: Noise) -> None:
    assert Subsampling.reduced_mels(mels, 1) == once
    assert Subsampling.reduced_mels(mels, 2) == twice
    module = Subsampling(mels, 4, 8)
    caches = torch.zeros(2, 1, 1, mels), torch.zeros(2, 2, 1, once)
    frames, first, second = module(noise(2, 12, mels), *caches)
    assert frames.shape == (2, 3, 8)
    assert (first.shape, second.shape) == (caches[0].shape, caches[1].shape)


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_subsampling_by_chunks_is_the_whole(sizes: list[int]) -> None:
    torch.manual_seed(3)
    module, features = Subsampling(10, 4, 8), normal(2, 4 * sum(sizes), 10)
    first, second = torch.zeros(2, 1, 1, 10), torch.zeros(2, 2, 1, 5)
    whole = module(features, first, second)[0]
    parts = []
    for chunk in torch.split(features, [4 * size for size in sizes], 1):
        frames, first, second = module(chunk, first, second)
        parts.append(frames)
    assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def test_subsampling_sees_its_four_frames_and_three_before(noise: Noise) -> None:
    module, features = Subsampling(10, 4, 8), noise(1, 24, 10)
    caches = torch.zeros(1, 1, 1, 10), torch.zeros(1, 2, 1, 5)
    whole = module(features, *caches)[0]
    for at in range(24):
        changed = features.clone()
        changed[:, at] += 1
        difference = (module(changed, *caches)[0] - whole).abs().amax((0, 2))
        touched = (difference > 1e-6).nonzero().flatten().tolist()
        assert touched == [frame for frame in range(6) if 4 * frame - 3 <= at <= 4 * frame + 3]

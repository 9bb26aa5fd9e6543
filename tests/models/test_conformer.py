from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from models.conformer import ConformerEncoder, EncoderConfig, EncoderState, encoded_length

Noise = Callable[..., Tensor]
MELS = 20


def whole(encoder: ConformerEncoder, features: Tensor, chunk: int | None) -> Tensor:
    """Encoder frames (T, D) of one recording (T, F), at once."""
    frames: Tensor = encoder(features[None], torch.tensor([len(features)]), chunk)[0][0]
    return frames


def one_step(encoder: ConformerEncoder, features: Tensor, state: EncoderState) -> tuple[Tensor, EncoderState]:
    frames, state = encoder.step(features[None], torch.tensor([len(features)]), state)
    return frames[0], state


def streamed(encoder: ConformerEncoder, features: Tensor, chunk: int) -> Tensor:
    """Encoder frames (T, D) of one recording (T, F), chunk by chunk."""
    state, parts = encoder.init_state(1), []
    for part in torch.split(features, 4 * chunk):
        frames, state = one_step(encoder, part, state)
        parts.append(frames)
    return torch.cat(parts)


@pytest.mark.parametrize("frames", [131, 132])
@pytest.mark.parametrize("chunk", [1, 2, 4, 8, 16, 32, 33])
def test_steps_equal_the_whole(small_encoder: ConformerEncoder, noise: Noise, chunk: int, frames: int) -> None:
    features = noise(frames, MELS)
    assert_close(streamed(small_encoder, features, chunk), whole(small_encoder, features, chunk), atol=1e-4, rtol=0)


def test_one_chunk_is_full_context(small_encoder: ConformerEncoder, noise: Noise) -> None:
    features = noise(150, MELS)
    full = whole(small_encoder, features, None)
    assert full.shape == (38, 16)
    assert_close(streamed(small_encoder, features, 38), full, atol=1e-4, rtol=0)
    assert_close(streamed(small_encoder, features, 100), full, atol=1e-4, rtol=0)


def test_the_default_sizes_stream_too(noise: Noise) -> None:
    torch.manual_seed(2)
    encoder = ConformerEncoder(replace(EncoderConfig(), layers=2, left_context=16)).eval().requires_grad_(False)
    features = noise(250, 80)
    for chunk in (4, 8):
        assert_close(streamed(encoder, features, chunk), whole(encoder, features, chunk), atol=1e-4, rtol=0)


@given(frames=st.integers(1, 90), chunk=st.integers(1, 24))
def test_ragged_tails(small_encoder: ConformerEncoder, frames: int, chunk: int) -> None:
    features = torch.randn(frames, MELS, generator=torch.Generator().manual_seed(frames))
    found = streamed(small_encoder, features, chunk)
    assert len(found) == -(-frames // 4)
    assert_close(found, whole(small_encoder, features, chunk), atol=1e-4, rtol=0)


def test_two_interleaved_sessions(small_encoder: ConformerEncoder, noise: Noise) -> None:
    recordings = [noise(96, MELS, seed=1), noise(96, MELS, seed=2)]
    states, parts = [small_encoder.init_state(1) for _ in recordings], [list[Tensor](), list[Tensor]()]
    for start in range(0, 96, 16):
        for number, features in enumerate(recordings):
            frames, states[number] = one_step(small_encoder, features[start : start + 16], states[number])
            parts[number].append(frames)
    for features, found in zip(recordings, parts, strict=True):
        assert_close(torch.cat(found), whole(small_encoder, features, 4), atol=1e-4, rtol=0)


@pytest.mark.parametrize("chunk", [1, 4, 16])
def test_a_batch_of_sessions_of_different_ages(small_encoder: ConformerEncoder, noise: Noise, chunk: int) -> None:
    """Streams join one by one, each steps in a batch with the older ones, and ends with a tail of its own."""
    size, steps = 4 * chunk, 6
    lengths = [steps * size - 3, (steps - 1) * size - 1, (steps - 3) * size, 2]
    recordings = [noise(length, MELS, seed=number) for number, length in enumerate(lengths)]
    joins = [0, 1, 3, 5]
    states: dict[int, EncoderState] = {}
    parts: dict[int, list[Tensor]] = {number: [] for number in range(len(lengths))}
    for step in range(steps):
        states |= {number: small_encoder.init_state(1) for number in range(4) if joins[number] == step}
        rows = {number: recordings[number][(step - joins[number]) * size :][:size] for number in states}
        batch = torch.zeros(len(rows), size, MELS)
        for row, features in enumerate(rows.values()):
            batch[row, : len(features)] = features
        counts = torch.tensor([len(features) for features in rows.values()])
        frames, state = small_encoder.step(batch, counts, EncoderState.stack(list(states.values())))
        states = dict(zip(states, state.split(), strict=True))
        for row, (number, features) in enumerate(rows.items()):
            parts[number].append(frames[row, : -(-len(features) // 4)])
    for number, features in enumerate(recordings):
        found, expected = torch.cat(parts[number]), whole(small_encoder, features, chunk)
        assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("chunk", [None, 2, 8])
def test_padding_changes_nothing(small_encoder: ConformerEncoder, noise: Noise, chunk: int | None) -> None:
    lengths = torch.tensor([97, 64, 5, 1])
    features = 50 + noise(4, 97, MELS)  # what lies past the length is loud
    frames, counts = small_encoder(features, lengths, chunk)
    assert counts.tolist() == [25, 16, 2, 1]
    assert frames.isfinite().all()
    for row, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
        alone = whole(small_encoder, features[row, :length], chunk)
        assert_close(frames[row, :count], alone, atol=1e-4, rtol=0)


def changed_frames(encoder: ConformerEncoder, frames: int, at: int, chunk: int | None) -> list[int]:
    """Which encoder frames change with the feature frame at a place."""
    features = torch.randn(frames, MELS, generator=torch.Generator().manual_seed(5))
    changed = features.clone()
    changed[at] += 3
    difference = (whole(encoder, features, chunk) - whole(encoder, changed, chunk)).abs().amax(1)
    return [int(frame) for frame in (difference > 1e-6).nonzero().flatten()]


@pytest.mark.parametrize("chunk", [1, 4, 8])
def test_no_chunk_hears_a_later_one(small_encoder: ConformerEncoder, chunk: int) -> None:
    for at in (40, 63, 64, 95):
        heard = changed_frames(small_encoder, 128, at, chunk)
        assert heard[0] == at // 4 // chunk * chunk  # the whole chunk of the change hears it, none before


def test_full_context_hears_everything(small_encoder: ConformerEncoder) -> None:
    assert changed_frames(small_encoder, 128, 127, None) == list(range(32))
    assert changed_frames(small_encoder, 128, 0, None) == list(range(32))


@pytest.mark.parametrize(("chunk", "left", "kernel"), [(1, 4, 3), (2, 4, 1), (4, 8, 5), (4, 0, 1)])
def test_one_layer_hears_its_left_context_and_no_more(
    small_config: EncoderConfig, chunk: int, left: int, kernel: int
) -> None:
    torch.manual_seed(4)
    config = replace(small_config, layers=1, left_context=left, kernel=kernel)
    encoder = ConformerEncoder(config).eval().requires_grad_(False)
    at = 21  # feature frame of encoder frame 5; the subsampling carries it into frame 6 too
    sources = {5, 6}
    heard = []
    for frame in range(32):
        convolved = range(max(0, frame - kernel + 1), frame + 1)
        starts = [one // chunk * chunk for one in convolved]
        if any(start - left <= source < start + chunk for start in starts for source in sources):
            heard.append(frame)
    assert changed_frames(encoder, 128, at, chunk) == heard
    assert heard[-1] < 31


@pytest.mark.parametrize("chunk", [1, 4, 32])
def test_state_keeps_its_size(small_encoder: ConformerEncoder, noise: Noise, chunk: int) -> None:
    state = small_encoder.init_state(1)
    shapes = [tensor.shape for tensor in state.tensors()]
    for step in range(12):
        state = one_step(small_encoder, noise(4 * chunk, MELS, seed=step), state)[1]
        assert [tensor.shape for tensor in state.tensors()] == shapes
    assert state.frames_seen.tolist() == [12 * chunk]


def test_step_leaves_the_old_state_alone(small_encoder: ConformerEncoder, noise: Noise) -> None:
    state = one_step(small_encoder, noise(16, MELS, seed=1), small_encoder.init_state(1))[1]
    before = [tensor.clone() for tensor in state.tensors()]
    features = noise(16, MELS, seed=2)
    first = one_step(small_encoder, features, state)[0]
    for tensor, kept in zip(state.tensors(), before, strict=True):
        assert torch.equal(tensor, kept)
    assert torch.equal(one_step(small_encoder, features, state)[0], first)


def test_stack_and_split_are_inverse(small_encoder: ConformerEncoder, noise: Noise) -> None:
    fresh = small_encoder.init_state(1)
    states = [one_step(small_encoder, noise(4 * age, MELS, seed=age), fresh)[1] for age in (1, 2, 5)]
    stacked = EncoderState.stack(states)
    assert stacked.frames_seen.tolist() == [1, 2, 5]
    assert all(len(tensor) == 3 for tensor in stacked.tensors())
    for state, again in zip(states, stacked.split(), strict=True):
        assert len(again.layers) == 3
        for tensor, same in zip(state.tensors(), again.tensors(), strict=True):
            assert torch.equal(tensor, same)


def test_init_state_is_one_state_per_stream(small_encoder: ConformerEncoder) -> None:
    alone, many = small_encoder.init_state(1), small_encoder.init_state(3)
    stacked = EncoderState.stack([alone] * 3)
    for tensor, same in zip(many.tensors(), stacked.tensors(), strict=True):
        assert torch.equal(tensor, same)


def test_features_are_normalised(small_encoder: ConformerEncoder, noise: Noise) -> None:
    plain = ConformerEncoder(small_encoder.config)
    plain.load_state_dict(small_encoder.state_dict())
    plain.mean.zero_()
    plain.deviation.fill_(1)
    features = noise(40, MELS)
    expected = whole(plain.eval().requires_grad_(False), features, 4)
    scaled = features * small_encoder.deviation + small_encoder.mean
    assert_close(whole(small_encoder, scaled, 4), expected, atol=1e-4, rtol=0)


def test_encoded_length_rounds_up() -> None:
    assert encoded_length(torch.tensor([0, 1, 4, 5, 8, 97])).tolist() == [0, 1, 1, 2, 2, 25]


def test_every_parameter_learns(small_config: EncoderConfig, noise: Noise) -> None:
    encoder = ConformerEncoder(small_config)
    encoder(noise(2, 30, MELS), torch.tensor([30, 17]), 2)[0].square().mean().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_forward_is_the_last_block_on_the_subsampled(small_encoder: ConformerEncoder, noise: Noise) -> None:
    features, lengths = noise(2, 50, MELS), torch.tensor([50, 31])
    frames, counts = small_encoder.subsample(features, lengths)
    outputs = small_encoder.block_outputs(frames, counts, 4)
    assert [output.shape for output in outputs] == [(2, 13, 16)] * 4
    assert torch.equal(outputs[0], frames)
    whole_frames, whole_counts = small_encoder(features, lengths, 4)
    assert torch.equal(outputs[-1], whole_frames)
    assert counts.tolist() == whole_counts.tolist() == [13, 8]

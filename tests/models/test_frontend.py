import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from models.frontend import Frontend, FrontendConfig, WindowName, make_window, mel_filterbank
from models.torchaudio_compat import import_torchaudio

WINDOWS: tuple[WindowName, ...] = get_args(WindowName)
KALDI_NAMES = {"hann": "hanning", "hamming": "hamming", "rectangular": "rectangular"}
EPSILON = torch.finfo(torch.float32).eps
PLAIN = FrontendConfig(preemphasis=0.0, remove_dc_offset=False)
TINY = FrontendConfig(sample_rate=1600, frame_length=20, hop_length=8, fft_length=32, num_mels=6, high_hz=760.0)


def recording(samples: int, seed: int = 0) -> Tensor:
    """Noise, a tone and an offset: every part of the front end has something to do."""
    time = torch.arange(samples) / 16000
    noise = torch.randn(samples, generator=torch.Generator().manual_seed(seed))
    return 0.05 * noise + 0.3 * torch.sin(2 * math.pi * 440 * time) + 0.02


def window_values(name: WindowName, length: int, period: int) -> Tensor:
    """The windows as textbooks write them."""
    offset, swing = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "rectangular": (1.0, 0.0)}[name]
    return torch.tensor([offset - swing * math.cos(2 * math.pi * n / period) for n in range(length)])


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_their_formulas(name: WindowName) -> None:
    assert_close(make_window(name, 25, periodic=False), window_values(name, 25, 24), atol=1e-6, rtol=0)
    assert_close(make_window(name, 25, periodic=True), window_values(name, 25, 25), atol=1e-6, rtol=0)


@pytest.mark.parametrize("num_mels", [23, 40, 80])
@pytest.mark.parametrize("name", WINDOWS)
def test_equals_kaldi_fbank(name: WindowName, num_mels: int) -> None:
    samples = recording(8123)
    config = FrontendConfig(window=name, num_mels=num_mels, log_floor=EPSILON)
    expected = import_torchaudio().compliance.kaldi.fbank(
        samples[None],
        window_type=KALDI_NAMES[name],
        num_mel_bins=num_mels,
        low_freq=20.0,
        high_freq=7600.0,
        dither=0.0,
    )
    assert_close(Frontend(config)(samples), expected, atol=1e-4, rtol=0)


def test_equals_kaldi_fbank_at_other_rates_and_frames() -> None:
    samples = recording(6000)
    config = FrontendConfig(
        sample_rate=8000,
        frame_length=256,
        hop_length=64,
        fft_length=256,
        preemphasis=0.9,
        remove_dc_offset=False,
        num_mels=24,
        low_hz=100.0,
        high_hz=4000.0,
        log_floor=EPSILON,
    )
    expected = import_torchaudio().compliance.kaldi.fbank(
        samples[None],
        sample_frequency=8000.0,
        frame_length=32.0,
        frame_shift=8.0,
        preemphasis_coefficient=0.9,
        remove_dc_offset=False,
        window_type="hanning",
        num_mel_bins=24,
        low_freq=100.0,
        high_freq=0.0,
        dither=0.0,
    )
    assert_close(Frontend(config)(samples), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("num_mels", [16, 23, 40])
@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("fft_length", [400, 512])
def test_equals_torchaudio_mel_spectrogram(name: WindowName, num_mels: int, fft_length: int) -> None:
    samples = recording(8123)
    config = replace(
        PLAIN,
        window=name,
        periodic_window=True,
        num_mels=num_mels,
        fft_length=fft_length,
        filter_scale="hertz",
    )
    window = {"hann": torch.hann_window, "hamming": torch.hamming_window, "rectangular": torch.ones}[name]
    reference = import_torchaudio().transforms.MelSpectrogram(
        sample_rate=16000,
        n_fft=fft_length,
        win_length=400,
        hop_length=160,
        f_min=20.0,
        f_max=7600.0,
        n_mels=num_mels,
        window_fn=window,
        center=False,
    )
    expected = reference(samples).clamp_min(config.log_floor).log().T
    # torch.stft centres a window that is shorter than the DFT; the phase it adds is lost in the power.
    ours = Frontend(config)(samples[(fft_length - 400) // 2 :])
    assert_close(ours[: len(expected)], expected, atol=1e-4, rtol=0)
    assert len(ours) - len(expected) in (0, 1)


def test_spectrum_is_the_direct_dft() -> None:
    samples = recording(560)
    config = replace(PLAIN, window="hamming")
    frames = torch.stack([samples[0:400], samples[160:560]]).double() * window_values("hamming", 400, 399)
    bins, times = torch.arange(257, dtype=torch.float64), torch.arange(400, dtype=torch.float64)
    basis = torch.exp(-2j * math.pi * bins[:, None] * times / 512)
    power = (frames.to(basis.dtype) @ basis.T).abs().square()
    expected = (power @ mel_filterbank(config).double()).log().float()
    assert_close(Frontend(config)(samples), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", ["mel", "hertz"])
def test_filters_are_triangles_that_add_up_to_one(scale: str) -> None:
    config = replace(PLAIN, num_mels=20, filter_scale=scale)  # type: ignore[arg-type]
    filters = mel_filterbank(config)
    assert filters.shape == (257, 20)
    assert filters.min() >= 0
    assert filters.max() <= 1
    first, last = int(filters[:, 0].argmax()) + 1, int(filters[:, -1].argmax())
    assert_close(filters[first:last].sum(1), torch.ones(last - first), atol=1e-5, rtol=0)


@pytest.mark.parametrize("hertz", [300.0, 1000.0, 3300.0])
def test_a_tone_is_loudest_in_its_band(hertz: float) -> None:
    config = replace(PLAIN, num_mels=30)
    tone = torch.sin(2 * math.pi * hertz * torch.arange(1600) / 16000)
    nearest_bin = round(hertz * config.fft_length / config.sample_rate)
    band = int(mel_filterbank(config)[nearest_bin].argmax())
    assert Frontend(config)(tone).argmax(-1).tolist() == [band] * 8


def test_silence_is_the_floor() -> None:
    features = Frontend(FrontendConfig())(torch.zeros(1600))
    assert_close(features, torch.full((8, 80), math.log(1e-7)))


def test_offset_and_level_do_what_they_should() -> None:
    frontend, samples = Frontend(FrontendConfig()), recording(4000)
    assert_close(frontend(samples + 0.1), frontend(samples), atol=2e-3, rtol=0)
    assert_close(frontend(samples * 2), frontend(samples) + math.log(4), atol=1e-3, rtol=0)


def test_a_batch_is_its_rows() -> None:
    frontend = Frontend(FrontendConfig())
    rows = [recording(3000, seed) for seed in range(3)]
    assert_close(frontend(torch.stack(rows)), torch.stack([frontend(row) for row in rows]), atol=1e-5, rtol=0)
    assert frontend(torch.stack(rows)[None]).shape == (1, 3, 17, 80)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16000, 98)])
def test_only_whole_frames_count(samples: int, frames: int) -> None:
    frontend = Frontend(FrontendConfig())
    assert frontend.frames_in(samples) == frames
    assert frontend(recording(samples)).shape == (frames, 80)
    assert frontend(recording(samples).expand(2, samples)).shape == (2, frames, 80)
    features, state = frontend.step(recording(samples), frontend.init_state())
    assert features.shape == (frames, 80)
    assert len(state) == samples - 160 * frames


def streamed(frontend: Frontend, chunks: list[Tensor]) -> Tensor:
    state, found = frontend.init_state(), []
    for chunk in chunks:
        features, state = frontend.step(chunk, state)
        assert len(state) < frontend.config.frame_length
        found.append(features)
    return torch.cat(found)


@given(
    sizes=st.lists(st.integers(0, 70), min_size=1, max_size=12),
    window=st.sampled_from(WINDOWS),
    hop=st.integers(1, 20),
)
def test_any_chunking_gives_the_whole(sizes: list[int], window: WindowName, hop: int) -> None:
    frontend = Frontend(replace(TINY, window=window, hop_length=hop))
    samples = recording(sum(sizes))
    assert_close(streamed(frontend, list(torch.split(samples, sizes))), frontend(samples), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [1, 7, 20])
def test_equal_chunks_give_the_whole(size: int) -> None:
    frontend, samples = Frontend(TINY), recording(333)
    assert_close(streamed(frontend, list(torch.split(samples, size))), frontend(samples), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [37, 160, 401, 5120])
def test_chunks_of_real_sizes_give_the_whole(size: int) -> None:
    frontend, samples = Frontend(FrontendConfig()), recording(7001)
    assert_close(streamed(frontend, list(torch.split(samples, size))), frontend(samples), atol=1e-5, rtol=0)


def test_two_streams_do_not_touch_each_other(noise: Callable[..., Tensor]) -> None:
    frontend = Frontend(TINY)
    streams = [noise(200, seed=seed) for seed in (1, 2)]
    states, found = [frontend.init_state() for _ in streams], [frontend(torch.zeros(0)) for _ in streams]
    for start in range(0, 200, 11):
        for number, stream in enumerate(streams):
            features, states[number] = frontend.step(stream[start : start + 11], states[number])
            found[number] = torch.cat([found[number], features])
    for stream, features in zip(streams, found, strict=True):
        assert_close(features, frontend(stream), atol=1e-5, rtol=0)


@pytest.mark.parametrize("wrong", [{"hop_length": 500}, {"fft_length": 256}])
def test_frames_that_leave_gaps_or_do_not_fit_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="hop_length <= frame_length <= fft_length"):
        FrontendConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rate": 0},
        {"hop_length": 0},
        {"hop_length": 2.5},
        {"num_mels": 0},
        {"window": "kaiser"},
        {"filter_scale": "bark"},
        {"low_hz": math.nan},
        {"low_hz": 8000.0},
        {"high_hz": math.inf},
        {"preemphasis": math.nan},
        {"log_floor": 0.0},
    ],
    ids=str,
)
def test_settings_that_make_no_features_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"front end|unknown window"):
        FrontendConfig(**wrong)


def test_nothing_of_the_front_end_is_in_a_checkpoint() -> None:
    assert Frontend(FrontendConfig()).state_dict() == {}

"""The networks against those of transformers, and the frame arithmetic against convolutions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference_wav2vec2 import LABELS, VARIANTS, make, write_folder

from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_config import Wav2Vec2Config
from models.wav2vec2_huggingface import load_huggingface
from models.wav2vec2_windows import Wav2Vec2Windows, WindowPlan

CPU = torch.device("cpu")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_network_says_what_that_of_transformers_says(variant: str, tmp_path: Path) -> None:
    reference = make(variant)
    network = load_huggingface(write_folder(tmp_path, reference)).build()
    samples = torch.randn(2, 3000)
    torch.testing.assert_close(network(samples), reference.log_probs(samples), atol=1e-4, rtol=0)
    lengths = [3000, 1700]
    padded = samples * (torch.arange(3000) < torch.tensor(lengths)[:, None])
    ours, theirs = network(padded, torch.tensor(lengths)), reference.log_probs(padded, lengths)
    for row, frames in enumerate(network.config.frames_in(torch.tensor(lengths)).tolist()):
        torch.testing.assert_close(ours[row, :frames], theirs[row, :frames], atol=1e-4, rtol=0)


@pytest.mark.parametrize("do_normalize", [True, False])
@pytest.mark.parametrize("variant", ["base", "large", "wavlm", "data2vec"])
def test_a_recording_is_heard_as_transformers_hears_it(variant: str, do_normalize: bool, tmp_path: Path) -> None:
    reference = make(variant)
    checkpoint = load_huggingface(write_folder(tmp_path, reference, do_normalize=do_normalize))
    model = Wav2Vec2Windows(checkpoint, WindowPlan(), CPU)
    recording = (0.05 * np.random.default_rng(1).standard_normal(4000) + 0.01).astype(np.float32)
    ours = model.log_probs(recording)
    assert (ours.shape[1], ours.dtype, model.labels) == (len(LABELS), np.float32, LABELS)
    np.testing.assert_allclose(ours, reference.heard(recording, do_normalize), atol=1e-4)
    assert (np.exp(ours).sum(1) < 1).all()  # what <s> or <unk> would have is nobody's


def test_a_network_of_the_published_size_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        state = Wav2Vec2(Wav2Vec2Config(outputs=32)).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == 94_395_552  # of facebook/wav2vec2-base-960h


CONVOLUTIONS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 5)).map(lambda one: (1, max(one), one[1])), min_size=1, max_size=5
)


@given(convolutions=CONVOLUTIONS, samples=st.integers(0, 5000))
def test_frames_are_those_that_the_convolutions_make(convolutions: list[tuple[int, int, int]], samples: int) -> None:
    config = Wav2Vec2Config(outputs=4, convolutions=tuple(convolutions))
    frames = samples
    for _, kernel, stride in convolutions:
        frames = len(range(0, frames - kernel + 1, stride))
    assert config.frames_in(samples) == frames == config.frames_in(torch.tensor([samples])).item()
    if frames:
        needed = config.samples_of(frames)
        assert config.frames_in(needed) == frames
        assert config.frames_in(needed - 1) == frames - 1
        assert config.samples_of(frames + 1) - needed == config.hop


def test_the_published_feature_encoder_makes_a_frame_of_25_ms_every_20_ms() -> None:
    config = Wav2Vec2Config(outputs=32)
    assert (config.hop, config.receptive_field, config.frame_duration_s) == (320, 400, 0.02)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dim": 0}, "less than 1"),
        ({"heads": 5}, "do not divide"),
        ({"position_groups": 0}, "do not divide"),
        ({"convolutions": ()}, "less than 1"),
        ({"convolutions": ((8, 2, 5),)}, "skips samples"),
        ({"feature_norm": "batch"}, "neither 'group' nor 'layer'"),
    ],
    ids=str,
)
def test_impossible_sizes_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Wav2Vec2Config(outputs=4, **changes)  # type: ignore[arg-type]

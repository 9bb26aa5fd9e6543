"""Silero's network: speech is told from other sound, in agreement with the model of the package."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from asr_app.audio.file import read_audio
from asr_app.audio.silero import FRAME, SileroVad
from asr_app.audio.types import Samples

SAMPLES = Path(__file__).parents[3] / "samples"


def frames_of(samples: Samples) -> Samples:
    return samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)


def chances(samples: Samples) -> Samples:
    return SileroVad().probabilities(frames_of(samples))


@pytest.fixture(scope="module")
def speech() -> Samples:
    return np.concatenate([np.zeros(8000, np.float32), read_audio(SAMPLES / "kettle.wav"), np.zeros(16000, np.float32)])


def test_speech_is_likely_and_silence_is_not(speech: Samples) -> None:
    heard = chances(speech)
    assert np.mean(heard[30:120] > 0.5) > 0.9
    assert heard[:12].max() < 0.1
    assert heard[-20:].max() < 0.1


@pytest.mark.parametrize("kind", ["noise", "hum", "clicks", "chord"])
def test_other_sound_is_unlikely(kind: str) -> None:
    random, times = np.random.default_rng(0), np.arange(64_000) / 16_000
    clicks = (np.arange(64_000) % 4000 < 40) * random.standard_normal(64_000) * 0.5
    sound = {
        "noise": 0.1 * random.standard_normal(64_000),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * times),
        "clicks": clicks,
        "chord": sum(0.1 * np.sin(2 * np.pi * pitch * times) for pitch in (261.6, 329.6, 392.0)),
    }[kind]
    assert np.mean(chances(np.asarray(sound, np.float32)) > 0.5) < 0.05


def test_the_packages_model_agrees(speech: Samples) -> None:
    """The weights are those of a sibling of the ONNX model, so decisions are compared and not chances."""
    onnxruntime = pytest.importorskip("onnxruntime")
    spec = importlib.util.find_spec("silero_vad")
    assert spec is not None
    assert spec.origin is not None
    session = onnxruntime.InferenceSession(
        Path(spec.origin).parent / "data" / "silero_vad.onnx", providers=["CPUExecutionProvider"]
    )
    state, context, expected = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for frame in frames_of(speech):
        inputs = np.concatenate((context, frame))[None]
        chance, state = session.run(None, {"input": inputs, "state": state, "sr": np.array(16_000)})
        context = frame[-64:]
        expected.append(chance.item())
    assert np.mean((chances(speech) > 0.5) == (np.array(expected) > 0.5)) > 0.97


def test_two_streams_do_not_touch_each_other_however_they_are_cut(speech: Samples) -> None:
    one, two = SileroVad(), SileroVad()
    frames, heard = frames_of(speech)[:60], list[float]()
    for start in range(0, 60, 4):
        for part in (frames[start : start + 1], frames[start + 1 : start + 4]):
            heard += one.probabilities(part).tolist()
            two.probabilities(-part[::-1])
    assert heard == pytest.approx(chances(speech)[:60], abs=1e-5)
    one.reset()
    assert one.probabilities(frames[:1])[0] == pytest.approx(heard[0], abs=1e-5)

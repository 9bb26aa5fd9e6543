"""A GPU whose memory is full in the middle of speech: the engine goes on, with the same streams, on the CPU."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from asr_app.audio.types import AudioChunk, Samples
from asr_app.engine.engine import Engine
from asr_app.engine.limits import EngineLimits
from asr_app.events import Event, Failed, Final
from asr_app.live.event_queue import EventQueue
from asr_app.recognizer import Recognizer
from models.acoustic import AcousticModel
from models.fallback import WithFallback

RATE = 16_000
GPU = torch.device("cuda")


class SmallGpu:
    """An acoustic model that says that it is on a GPU, whose memory is full after some steps."""

    device = GPU

    def __init__(self, model: AcousticModel, steps: int) -> None:
        self._model, self._steps = model, steps
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def step(self, streams: Sequence[Any]) -> Any:
        if len(self.sizes) == self._steps:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        self.sizes.append(len(streams))
        return self._model.step(streams)


def test_speech_goes_on_without_the_gpu(
    load: Callable[..., Recognizer], whistle: Callable[..., Samples], caplog: pytest.LogCaptureFixture
) -> None:
    recognizer = copy.copy(load(chunk_ms=320))
    on_cpu, gpu = recognizer.acoustic, SmallGpu(recognizer.acoustic, 4)
    recognizer.acoustic = WithFallback(lambda device: gpu if device == GPU else on_cpu, GPU)
    assert recognizer.device == GPU
    sounds = [whistle(text) for text in ("_tan_sat_", "__nas__tas_ant_")]
    queues = [EventQueue() for _ in sounds]
    with Engine(recognizer, EngineLimits(queue_s=60.0)) as engine:
        for queue, sound in zip(queues, sounds, strict=True):
            stream = engine.open(queue, engine.recognizer.session())
            stream.accept(AudioChunk(sound, RATE, 0))
            stream.finish()
        heard: list[list[Event]] = [list(queue) for queue in queues]
        assert engine.status.failure is None
    assert not [event for events in heard for event in events if isinstance(event, Failed)]
    texts = [" ".join(event.text for event in events if isinstance(event, Final)) for events in heard]
    assert texts == ["tan sat", "nas tas ant"]
    assert recognizer.device == torch.device("cpu")
    assert caplog.messages == ["the GPU (cuda) is not used any more, the CPU goes on: its memory is full"]


def test_a_gpu_steps_all_live_streams_at_once(load: Callable[..., Recognizer], whistle: Callable[..., Samples]) -> None:
    recognizer = copy.copy(load(chunk_ms=320))
    recognizer.acoustic = gpu = SmallGpu(recognizer.acoustic, 10_000)
    limits = EngineLimits(queue_s=60.0, batch=2, gather_s=10.0)
    with Engine(recognizer, limits) as engine:
        queues = [EventQueue() for _ in range(5)]
        streams = [engine.open(queue, engine.recognizer.session()) for queue in queues]
        for stream in streams:
            stream.accept(AudioChunk(whistle("_tan_"), RATE, 0))
        for stream in streams:
            stream.finish()
        for queue in queues:
            assert [event.text for event in queue if isinstance(event, Final)] == ["tan"]
    assert max(gpu.sizes) == 5

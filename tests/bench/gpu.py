"""Acoustic models alone, on a CPU and on a GPU: files in batches, and live streams in one batch.

python tests/bench/gpu.py [--devices cpu cuda] [--models base english] [--batches 1 8 64] [--streams 1 8 64 500]

One JSON line each. base is wav2vec 2.0 Base with random weights, whose speed is that of trained ones.
throughput: batches of utterances of so many seconds (--length): times real time, and hours of sound a second.
latency: so many streams that began at random moments, a chunk each time; from the end of a chunk in the sound to its
log-probabilities, behind those that came before it; a model's right context is delay that comes on top (right_ms). The
clock runs by what the steps took, so that it does not matter whether the machine keeps up. Decoding is in neither.
"""

import argparse
import copy
import time
from collections.abc import Callable

import numpy as np
import torch
from measure import record

from asr_app.engine.limits import EngineLimits
from asr_app.library.models import find_model
from models.acoustic import AcousticModel, Samples
from models.loading import load_acoustic_model
from models.streaming_ctc import StreamingCtc
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint
from models.wav2vec2_config import Wav2Vec2Config
from models.wav2vec2_windows import Wav2Vec2Windows, WindowPlan

CHUNK_S = 0.32
PLAN = WindowPlan()
PERCENTILES = (50, 95)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    parser.add_argument("--devices", nargs="+", default=here)
    parser.add_argument("--models", nargs="+", default=["base", "english"])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 64, 500])
    parser.add_argument("--length", type=float, default=15.0, help="seconds of an utterance")
    parser.add_argument("--rounds", type=int, default=5, help="chunks of each stream; the first is not counted")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.models:
        make = maker(name)
        for device in map(torch.device, arguments.devices):
            model, about = make(device), {"model": name, "device": described(device, arguments.threads)}
            for batch in arguments.batches:
                record("gpu", {**about, "batch": batch, **throughput(model, batch, arguments.length)})
            for streams in arguments.streams:
                record("gpu", {**about, "streams": streams, **latency(model, streams, arguments.rounds)})


def described(device: torch.device, threads: int) -> str:
    """A device by its name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device}, {threads} threads"


def maker(name: str) -> Callable[[torch.device], AcousticModel]:
    """What makes a model on a device: Base, a Conformer, or a network in windows."""
    checkpoint = base() if name == "base" else load_acoustic_model(find_model(name))
    if isinstance(checkpoint, Wav2Vec2Checkpoint):
        return lambda device: Wav2Vec2Windows(checkpoint, PLAN, device)
    head, frames = checkpoint.heads[0].name, round(CHUNK_S / checkpoint.frame_duration_s)
    return lambda device: StreamingCtc(checkpoint, head, frames, device)


def base() -> Wav2Vec2Checkpoint:
    """wav2vec 2.0 Base with random weights."""
    torch.manual_seed(0)
    config = Wav2Vec2Config(outputs=32)
    labels = tuple(map(str, range(config.outputs)))
    return Wav2Vec2Checkpoint(config, labels, tuple(range(config.outputs)), Wav2Vec2(config).state_dict())


def throughput(model: AcousticModel, batch: int, length_s: float) -> dict[str, float]:
    """How fast utterances of a length are heard; the best of three batches after one that is not counted."""
    sounds = [noise(length_s, model.sample_rate, seed) for seed in range(batch)]
    model.batch_log_probs(sounds)
    least_s = min(seconds(lambda: model.batch_log_probs(sounds)) for _ in range(3))
    speed = batch * length_s / least_s
    return {"length_s": length_s, "times_real_time": round(speed, 1), "hours_a_second": round(speed / 3600, 4)}


def latency(model: AcousticModel, count: int, rounds: int) -> dict[str, float]:
    """Milliseconds from the end of a chunk to its log-probabilities, of so many streams."""
    limits, random, rate = EngineLimits(), np.random.default_rng(0), model.sample_rate
    most = limits.batch if model.device.type == "cpu" else limits.gpu_batch
    chunk, warm = noise(model.chunk_s, rate, 0), warmed_up(model)
    streams = [copy.deepcopy(warm) for _ in range(count)]
    begins = random.uniform(0, model.chunk_s, count)
    due = sorted(
        (float(begin + number * model.chunk_s), at) for at, begin in enumerate(begins) for number in range(rounds)
    )
    clock, waits, busy = 0.0, list[float](), 0.0
    while due:
        clock = max(clock, due[0][0] + min(limits.gather_s, model.chunk_s))
        ready = [one for one in due if one[0] <= clock][:most]
        due = due[len(ready) :]
        for _, at in ready:
            streams[at].accept(chunk)
        spent = seconds(lambda ready=ready: model.step([streams[at] for _, at in ready]))  # type: ignore[misc]
        clock, busy = clock + spent, busy + spent
        waits += [clock - since for since, _ in ready if since >= model.chunk_s]
    p50, p95 = (round(1000 * float(np.percentile(waits, share))) for share in PERCENTILES)
    share = round(busy / (rounds * model.chunk_s), 3)
    right_ms = PLAN.right_ms if isinstance(model, Wav2Vec2Windows) else 0
    return {"chunk_ms": round(1000 * model.chunk_s), "right_ms": right_ms, "p50_ms": p50, "p95_ms": p95, "busy": share}


def warmed_up(model: AcousticModel) -> object:
    """A stream that has all of its left context, and for which the next chunk is a step."""
    stream = model.stream()
    stream.accept(noise(5.0 + model.chunk_s, model.sample_rate, 1))
    while stream.is_ready:
        model.step([stream])
    step = round(0.01 * model.sample_rate)
    while not stream.is_ready:
        stream.accept(noise(0.01, model.sample_rate, step))
    model.step([stream])
    return stream


def noise(length_s: float, rate: int, seed: int) -> Samples:
    """White noise: no network computes less for it."""
    return (0.1 * np.random.default_rng(seed).standard_normal(round(length_s * rate))).astype(np.float32)


def seconds(work: Callable[[], object]) -> float:
    """What work takes, on the clock: what it gives lies in the memory of the CPU."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

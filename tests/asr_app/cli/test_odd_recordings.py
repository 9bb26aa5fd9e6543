"""Broken, odd and hostile recordings: each is told or transcribed, and none keeps the others from it."""

import gzip
import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from asr_app.audio.types import Samples
from asr_app.cli.transcribing import PARTLY
from asr_app.file_names import as_text
from asr_app.recognizer import Recognizer

Whistle = Callable[..., Samples]
Make = Callable[[Path, Samples], object]

RATE = 16_000
FAILED, HEARD, SILENT, ANYTHING = "failed", "tan", "", "anything"


def wav(path: Path, samples: Samples, rate: int = RATE, **how: Any) -> None:
    soundfile.write(path, samples, rate, format="WAV", **how)


def wav_bytes(samples: Samples) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format="WAV")
    return buffer.getvalue()


def patched_wav(at: int, form: str, value: int) -> Make:
    """A WAV whose header states something else."""

    def make(path: Path, samples: Samples) -> None:
        data = bytearray(wav_bytes(samples))
        struct.pack_into(form, data, at, value)
        path.write_bytes(data)

    return make


def zip_bomb(path: Path, _: Samples) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("talk.wav", bytes(20_000_000))


def mp4(path: Path, samples: Samples, kind: str = "mp4", video: bool = False, sound: bool = True) -> None:
    with av.open(str(path), "w", format=kind) as container:
        pictures: Any = container.add_stream("mpeg4", rate=10) if video else None
        track: Any = container.add_stream("aac", rate=RATE, layout="mono") if sound else None
        if pictures:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
            for _ in range(10):
                frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
                container.mux(pictures.encode(frame))
            container.mux(pictures.encode(None))
        if track:
            heard = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            heard.sample_rate = RATE
            container.mux(track.encode(heard))
            container.mux(track.encode(None))


def drm(path: Path, samples: Samples) -> None:
    """Encrypted: its packets are noise."""
    mp4(path, samples, "ipod")
    before, kind, after = path.read_bytes().replace(b"mp4a", b"drms").partition(b"mdat")
    size = after.find(b"moov")
    path.write_bytes(before + kind + np.random.default_rng(1).bytes(size) + after[size:])


def cut(form: str, share: float) -> Make:
    def make(path: Path, samples: Samples) -> None:
        soundfile.write(path, np.tile(samples, 4), RATE, format=form)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return make


def joined_mp3(path: Path, samples: Samples) -> None:
    soundfile.write(path, samples, RATE, format="MP3")
    path.write_bytes(path.read_bytes() * 3)


def tagged_mp3(path: Path, samples: Samples) -> None:
    soundfile.write(path, samples, RATE, format="MP3")
    path.write_bytes(b"ID3\x04\0\0\0\0\x10\0" + b"APIC" + bytes(2044) + path.read_bytes())


def lying_tag(path: Path, _: Samples) -> None:
    path.write_bytes(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(500))


def vbr(path: Path, samples: Samples) -> None:
    quiet = np.zeros(RATE)
    soundfile.write(path, np.concatenate([quiet, samples, quiet]), RATE, format="MP3", bitrate_mode="VARIABLE")


def holding(data: bytes) -> Make:
    """A file of these bytes."""
    return lambda path, _: path.write_bytes(data)


def sound(rate: int = RATE, **how: Any) -> Make:
    """A WAV of the samples."""
    return lambda path, samples: wav(path, samples, rate, **how)


def of(samples: Samples, **how: Any) -> Make:
    """A WAV of other samples."""
    return lambda path, _: wav(path, samples, **how)


def named_later(path: Path, samples: Samples) -> None:
    """libsndfile does not write to such a name."""
    wav(path.with_name("other"), samples)
    path.with_name("other").rename(path)


ODD: dict[str, tuple[Make, str]] = {
    "empty.wav": (holding(b""), FAILED),
    "text.wav": (holding(b"Dear all,\n" * 99), FAILED),
    "page.mp3": (holding(b"<html>404 Not Found</html>"), FAILED),
    "picture.mp3": (holding(b"\x89PNG\r\n\x1a\n" + bytes(99)), FAILED),
    "list.mp3": (holding(b"#EXTM3U\nhttp://localhost/x.mp3\n"), FAILED),
    "concat.mkv": (holding(b"ffconcat version 1.0\nfile /etc/passwd\n"), FAILED),
    "zeros.wav": (holding(bytes(4096)), FAILED),
    "header.wav": (holding(wav_bytes(np.zeros(9))[:30]), FAILED),
    "lying tag.mp3": (holding(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(500)), FAILED),
    "bomb.wav": (zip_bomb, FAILED),
    "packed.wav": (lambda path, samples: holding(gzip.compress(wav_bytes(samples)))(path, samples), FAILED),
    "no samples.wav": (of(np.zeros(0)), FAILED),
    "one sample.wav": (of(np.full(1, 0.1)), SILENT),
    "nan.wav": (of(np.full(9000, np.nan), subtype="FLOAT"), FAILED),
    "infinite.wav": (of(np.full(9000, np.inf), subtype="FLOAT"), FAILED),
    "direct current.wav": (of(np.full(RATE, -1.0)), ANYTHING),
    "loud.wav": (lambda path, samples: wav(path, 300 * samples, subtype="FLOAT"), ANYTHING),
    "slow.wav": (sound(2000), FAILED),
    "fast.wav": (sound(384_000), FAILED),
    "eight bits.wav": (sound(subtype="PCM_U8"), HEARD),
    "no rate.wav": (patched_wav(24, "<I", 0), FAILED),
    "no channels.wav": (patched_wav(22, "<H", 0), FAILED),
    "many channels.wav": (patched_wav(22, "<H", 65_535), FAILED),
    "six channels.wav": (lambda path, samples: wav(path, np.repeat(samples[:, None], 6, axis=1)), HEARD),
    "endless size.wav": (patched_wav(40, "<I", 0xFFFFFFFF), HEARD),
    "no size.wav": (patched_wav(40, "<I", 0), ANYTHING),
    "silence.flac": (lambda path, _: soundfile.write(path, np.zeros(8000 * 180), 8000), SILENT),
    "cut.wav": (cut("WAV", 0.6), HEARD),
    "cut.flac": (cut("FLAC", 0.6), HEARD),
    "cut.ogg": (cut("OGG", 0.9), ANYTHING),
    "variable.mp3": (vbr, HEARD),
    "joined.mp3": (joined_mp3, HEARD),
    "picture tag.mp3": (tagged_mp3, HEARD),
    "film.mp4": (lambda path, samples: mp4(path, samples, video=True), HEARD),
    "silent film.mp4": (lambda path, samples: mp4(path, samples, video=True, sound=False), FAILED),
    "protected.m4a": (drm, FAILED),
    "dangling.wav": (lambda path, _: path.symlink_to("nowhere.wav"), FAILED),
    "loop.wav": (lambda path, _: path.symlink_to(path), FAILED),
    "two\nlines.wav": (sound(), HEARD),
    "-rf.wav": (sound(), HEARD),
    "$(reboot) [bold]%s.wav": (sound(), HEARD),
    "bytes \udcff.wav": (named_later, HEARD),
    "x" * 250 + ".wav": (named_later, HEARD),
}


def test_none_is_fatal(
    asr: Callable[..., Any],
    model_folder: Path,
    load: Callable[..., Recognizer],
    monkeypatch: pytest.MonkeyPatch,
    whistle: Whistle,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("asr_app.cli.transcribing.load_recognizer", lambda *_: load())
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name, (make, _) in ODD.items():
        make(folder / name, whistle("_tan_"))
    os.mkfifo(folder / "pipe.wav")
    (folder / "folder.wav").mkdir()
    (folder / "round").symlink_to(folder)
    locked = folder / "locked.wav"
    wav(locked, whistle("_tan_"))
    locked.chmod(0)

    options = ["--vad", "sound", "-f", "json", "-o", out, "--progress", "json"]
    done = asr("transcribe", "--model", model_folder, *options, folder)
    assert done.code == PARTLY
    events = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    told = {as_text(name): name for name in (*ODD, "locked.wav")}
    became = {told[Path(one["file"]).name]: one for one in events if one["event"] in ("finished", "failed")}
    assert set(became) == set(told.values())
    failed = {name for name, one in became.items() if one["event"] == "failed"}
    sure = {name for name, (_, fate) in ODD.items() if fate != ANYTHING}
    assert failed & sure == {name for name, (_, fate) in ODD.items() if fate == FAILED}
    assert "locked.wav" in failed or os.geteuid() == 0
    for name in failed:
        assert ": " in became[name]["message"]  # what is wrong, and what to do
        assert became[name]["message"].isprintable()
    written = {path.name: path for path in out.iterdir()}
    for name, (_, fate) in ODD.items():
        if fate in (HEARD, SILENT):
            whole = f"{name}.json"  # where another has the same name but for its ending
            path = written[whole if whole in written else Path(name).with_suffix(".json").name]
            text = json.loads(path.read_text())["text"]
            assert (name, set(text.split())) == (name, set(fate.split()))
    assert not list(out.rglob("*.tmp"))
    assert not list(out.rglob("*journal"))

"""Standard input and pipes: WAV, or raw samples of a stated format."""

import io
import logging
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_app.audio.file import open_audio
from asr_app.audio.pcm import PcmFormat
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError, ConfigError

Talk = Callable[[int, float], Samples]


class Drip(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes, step: int) -> None:
        self._content, self._step, self._at = content, step, 0

    def read(self, size: int = -1) -> bytes:
        count = self._step if size < 0 else min(self._step, size)
        part = self._content[self._at : self._at + count]
        self._at += len(part)
        return part


def heard(stream: object, pcm: PcmFormat | None = None) -> Samples:
    with open_audio("-", pcm=pcm, standard_input=stream) as source:  # type: ignore[arg-type]
        return np.concatenate([chunk.samples for chunk in source])


def wav_bytes(samples: Samples, rate: int, subtype: str, kind: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize(
    ("subtype", "error"),
    [
        ("PCM_U8", 1e-2),
        ("PCM_16", 1e-4),
        ("PCM_24", 1e-6),
        ("PCM_32", 1e-6),
        ("FLOAT", 1e-6),
        ("DOUBLE", 1e-6),
    ],
)
def test_wav_of_any_kind(talk: Talk, kind: str, subtype: str, error: float) -> None:
    original = talk(16_000, 1.5)
    stereo = np.stack([original, original], axis=1)
    got = heard(io.BytesIO(wav_bytes(stereo, 16_000, subtype, kind)))
    np.testing.assert_allclose(got[: len(original)], original, atol=error)
    assert len(got) - len(original) < 50


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_pipe_that_drips_gives_the_same(talk: Talk, step: int) -> None:
    content = wav_bytes(talk(8000, 0.5), 8000, "PCM_24")
    np.testing.assert_array_equal(heard(Drip(content, step)), heard(io.BytesIO(content)))


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_a_stream_of_unknown_length_is_read_to_its_end(talk: Talk, size: int, caplog: pytest.LogCaptureFixture) -> None:
    content = bytearray(wav_bytes(talk(16_000, 1.0), 16_000, "PCM_16"))
    struct.pack_into("<I", content, 40, size)
    assert len(heard(io.BytesIO(bytes(content)))) == 16_000
    assert caplog.text == ""


def test_chunks_around_the_samples_are_skipped(talk: Talk) -> None:
    content = wav_bytes(talk(16_000, 1.0), 16_000, "PCM_16")
    note = b"LIST" + struct.pack("<I", 5) + b"hello\0"
    got = heard(io.BytesIO(content[:36] + note + content[36:] + note))
    np.testing.assert_array_equal(got, heard(io.BytesIO(content)))


def test_a_stream_that_ends_early(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    content = wav_bytes(talk(16_000, 2.0), 16_000, "PCM_16")
    assert len(heard(io.BytesIO(content[: 44 + 32_001]))) == 16_000  # a torn last sample is dropped
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "standard input is cut short or damaged: only 1.0 s of 2.0 s" in record.getMessage()


@pytest.mark.parametrize("encoding", ["s16le", "f32le"])
@pytest.mark.parametrize("channels", [1, 2])
def test_raw_samples(talk: Talk, encoding: str, channels: int) -> None:
    original = np.stack([talk(16_000, 1.0)] * channels, axis=1)
    values = (original * 32_768).astype("<i2") if encoding == "s16le" else original.astype("<f4")
    got = heard(io.BytesIO(values.tobytes()), PcmFormat(encoding, 16_000, channels))
    np.testing.assert_allclose(got, original[:, 0], atol=1e-4)


def test_raw_samples_of_another_rate(talk: Talk) -> None:
    values = (talk(44_100, 1.0) * 32_768).astype("<i2").tobytes()
    assert len(heard(Drip(values, 777), PcmFormat("s16le", 44_100))) == 16_000


def test_a_wav_header_goes_before_the_stated_format(talk: Talk) -> None:
    content = wav_bytes(talk(8000, 1.0), 8000, "FLOAT")
    got = heard(io.BytesIO(content), PcmFormat("s16le", 48_000, 2))
    np.testing.assert_array_equal(got, heard(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "standard input is empty: "),
        (b"ID3\x04 not wav at all", "standard input is not WAV: "),
        (b"RIFF\x24\0\0\0WAVE", "damaged WAV header"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0", "damaged WAV header"),
        (b"RIFF\x24\0\0\0WAVEdata\x10\0\0\0" + bytes(16), "damaged WAV header"),
    ],
)
def test_what_is_no_recording(content: bytes, words: str) -> None:
    with pytest.raises(AudioFormatError, match=words):
        heard(io.BytesIO(content))


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ((1, 0, 16_000, 32_000, 2, 16), "16000 Hz, 0 channels"),
        ((1, 1, 0, 0, 2, 16), "0 Hz, 1 channels"),
        ((1, 1, 4_000_000_000, 0, 2, 16), "sample rate of 4000000000 Hz"),
        ((1, 65_535, 16_000, 0, 2, 16), "65535 channels, 2 bytes a frame"),
        ((2, 1, 16_000, 8000, 1, 4), "WAV of an unknown kind"),
        ((1, 1, 16_000, 0, 0, 0), "WAV of an unknown kind"),
    ],
)
def test_hostile_headers(layout: tuple[int, ...], words: str) -> None:
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, *layout)
    with pytest.raises(AudioFormatError, match=words):
        heard(io.BytesIO(head + b"data" + struct.pack("<I", 64) + bytes(64)))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for head in (b"", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"):
        with suppress(AudioFormatError):
            assert np.abs(heard(io.BytesIO(head + content), PcmFormat("f32le"))).max() <= 1.0


def test_no_samples() -> None:
    with pytest.raises(AudioFormatError, match="holds no sound"):
        heard(io.BytesIO(wav_bytes(np.zeros(0, np.float32), 16_000, "PCM_16")))
    with pytest.raises(AudioFormatError, match="holds no sound"):
        heard(io.BytesIO(b"\0"), PcmFormat())


def test_samples_that_are_not_numbers() -> None:
    samples = np.zeros(16_000, "<f4")
    samples[8000] = np.nan
    with pytest.raises(AudioFormatError, match=r"standard input holds samples .* 0\.500 s"):
        heard(io.BytesIO(samples.tobytes()), PcmFormat("f32le"))


def test_a_pipe_that_breaks() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(AudioFormatError, match="Input/output error"):
        heard(Broken())


@pytest.mark.parametrize(("encoding", "rate", "channels"), [("mp3", 16_000, 1), ("s16le", 0, 1), ("s16le", 16_000, 0)])
def test_impossible_formats(encoding: str, rate: int, channels: int) -> None:
    with pytest.raises(ConfigError, match="raw audio cannot"):
        PcmFormat(encoding, rate, channels)


def test_a_live_pipe_is_heard_as_it_speaks() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as speaker:
        speaker.write(bytes(32_000))
        with open_audio("-", pcm=PcmFormat(), standard_input=stream, chunk_s=0.5) as source:
            assert len(next(iter(source)).samples) == 8000  # the pipe is still open


def test_a_named_pipe(tmp_path: Path, talk: Talk) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = wav_bytes(talk(16_000, 1.0), 16_000, "PCM_16")
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    with open_audio(path) as source:
        assert sum(len(chunk.samples) for chunk in source) == 16_000
    writer.join()


def test_standard_input_of_a_process(talk: Talk) -> None:
    code = "from asr_app.audio.file import read_audio; print(len(read_audio('-')))"
    content = wav_bytes(talk(48_000, 2.0), 48_000, "PCM_16")
    done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
    assert done.stdout.strip() == b"32000"
    assert done.stderr == b""

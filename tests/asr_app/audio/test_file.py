"""What can be read: formats, rates, channels, chunks, bounded memory."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_app.audio.file import open_audio, read_audio
from asr_app.audio.types import Samples

SPEECH = Path(__file__).resolve().parents[4] / "shared" / "speech"
Maker = Callable[..., Path]
Talk = Callable[[int, float], Samples]


def correlation(one: Samples, two: Samples, shift: int = 0) -> float:
    """Normalised correlation of two recordings, the second moved by shift samples."""
    count = min(len(one), len(two) - shift)
    return float(np.corrcoef(one[:count], two[shift : shift + count])[0, 1])


@pytest.mark.parametrize(
    ("kind", "subtype", "error"),
    [
        ("WAV", "PCM_U8", 1e-2),
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "PCM_32", 1e-6),
        ("WAV", "FLOAT", 1e-6),
        ("WAV", "DOUBLE", 1e-6),
        ("WAV", "ULAW", 2e-2),
        ("RF64", "PCM_16", 1e-4),
        ("W64", "PCM_16", 1e-4),
        ("AIFF", "PCM_16", 1e-4),
        ("AIFF", "PCM_24", 1e-6),
        ("AU", "PCM_16", 1e-4),
        ("CAF", "PCM_16", 1e-4),
        ("FLAC", "PCM_16", 1e-4),
        ("FLAC", "PCM_24", 1e-6),
    ],
)
def test_lossless_formats_are_exact(store: Maker, talk: Talk, kind: str, subtype: str, error: float) -> None:
    original = talk(16_000, 2.0)
    got = read_audio(store("talk.bin", original, 16_000, subtype, kind))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, original, atol=error)


@pytest.mark.parametrize(
    ("name", "kind", "subtype", "rate"),
    [
        ("talk.mp3", "MP3", "MPEG_LAYER_III", 44_100),
        ("talk.mp3", "MP3", "MPEG_LAYER_III", 16_000),
        ("talk.ogg", "OGG", "VORBIS", 44_100),
        ("talk.opus", "OGG", "OPUS", 16_000),
        ("talk.opus", "OGG", "OPUS", 48_000),
    ],
)
def test_lossy_formats_of_libsndfile(store: Maker, talk: Talk, name: str, kind: str, subtype: str, rate: int) -> None:
    got = read_audio(store(name, talk(rate, 5.0), rate, subtype, kind))
    assert abs(len(got) - 80_000) <= 1
    assert correlation(got, talk(16_000, 5.0)) > 0.98


@pytest.mark.parametrize(
    ("name", "codec", "rate", "video"),
    [
        ("talk.m4a", "aac", 44_100, ""),
        ("talk.mp4", "aac", 48_000, "mpeg4"),
        ("talk.webm", "libopus", 48_000, "libvpx"),
        ("talk.webm", "libopus", 48_000, ""),
        ("talk.mkv", "libopus", 48_000, ""),
        ("talk.mkv", "flac", 32_000, "mpeg4"),
        ("talk.aac", "aac", 22_050, ""),
        ("talk.mov", "pcm_s16le", 44_100, "mpeg4"),
    ],
)
def test_formats_and_videos_of_ffmpeg(encode: Maker, talk: Talk, name: str, codec: str, rate: int, video: str) -> None:
    got, original = (
        read_audio(encode(name, talk(rate, 5.0), rate, codec, video=video)),
        talk(16_000, 5.0),
    )
    delay = 16_000 * 1024 // rate if name.endswith(".aac") else 0  # ADTS cannot state the encoder's delay
    assert abs(len(got) - len(original) - delay) < 0.07 * 16_000
    assert correlation(original, got, delay) > 0.98


def test_the_content_decides_not_the_extension(store: Maker, encode: Maker, talk: Talk) -> None:
    sound = talk(16_000, 1.0)
    flac = store("flac.mp3", sound, 16_000, "PCM_16", "FLAC")
    matroska = encode("video.mkv", talk(48_000, 1.0), 48_000, "libopus").rename(flac.parent / "video.wav")
    assert correlation(read_audio(flac), sound) > 0.999
    assert correlation(read_audio(matroska), sound) > 0.98


@pytest.mark.parametrize("name", ["10:30 talk.m4a", "http:talk.m4a", "tälk – ñ.m4a", "%d talk.m4a", "a b'c.m4a"])
def test_any_file_name(encode: Maker, talk: Talk, name: str, tmp_path: Path) -> None:
    path = encode("plain.m4a", talk(16_000, 1.0), 16_000, "aac").rename(tmp_path / name)
    assert len(read_audio(path)) > 15_000


@pytest.mark.parametrize("rate", [4000, 8000, 11_025, 22_050, 37_800, 44_100, 48_000, 96_000, 192_000])
def test_any_rate_becomes_16_khz(store: Maker, talk: Talk, rate: int) -> None:
    got = read_audio(store("talk.wav", talk(rate, 2.0), rate, "FLOAT"))
    assert len(got) == 32_000
    # At 4 kHz fewer harmonics of the voice fit.
    assert correlation(got, talk(16_000, 2.0)) > (0.9 if rate == 4000 else 0.9999)


@pytest.mark.parametrize("channels", [1, 2, 6, 17])
@pytest.mark.parametrize("kind", ["WAV", "CAF"])
def test_channels_are_averaged(store: Maker, talk: Talk, channels: int, kind: str) -> None:
    original = talk(16_000, 1.0)
    weights = np.arange(channels) / channels
    got = read_audio(store("talk.wav", original[:, None] * weights, 16_000, "FLOAT", kind))
    np.testing.assert_allclose(got, original * weights.mean(), atol=1e-6)


@pytest.mark.parametrize("channels", [6, 7, 8, 9, 17])
def test_many_channels_of_ffmpeg_are_averaged(store: Maker, talk: Talk, channels: int) -> None:
    sound = np.stack([talk(16_000, 1.0)] * channels, axis=1)
    one, two = (store(name, sound, 16_000, "VORBIS", "OGG") for name in ("one.ogg", "two.ogg"))
    # Joined streams are FFmpeg's, and its Vorbis has a plane for each channel.
    one.write_bytes(one.read_bytes() + two.read_bytes())
    got = read_audio(one)
    assert abs(len(got) - 32_000) < 500
    assert correlation(talk(16_000, 1.0), got) > 0.98


def test_stereo_of_ffmpeg_is_averaged(store: Maker, talk: Talk) -> None:
    original = talk(16_000, 1.0)
    both = np.stack([original, np.zeros_like(original)], axis=1)
    np.testing.assert_allclose(read_audio(store("talk.flac", both, 16_000, "PCM_24")), original / 2, atol=1e-6)


@pytest.mark.parametrize("chunk_s", [0.01, 0.32, 1.0, 7.0])
def test_chunks_cover_the_stream(store: Maker, talk: Talk, chunk_s: float) -> None:
    path = store("talk.wav", talk(44_100, 3.3), 44_100)
    with open_audio(path, chunk_s=chunk_s) as source:
        chunks = list(source)
        assert source.sample_rate == 16_000
        assert source.duration_s == pytest.approx(3.3)
    position = 0
    for chunk in chunks:
        assert (chunk.start_sample, chunk.sample_rate, chunk.dropped_before) == (position, 16_000, 0)
        assert chunk.samples.ndim == 1
        assert chunk.samples.dtype == np.float32
        position += len(chunk.samples)
    assert {len(chunk.samples) for chunk in chunks[:-1]} <= {round(chunk_s * 16_000)}
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks]), read_audio(path))


def test_another_target_rate(store: Maker, talk: Talk) -> None:
    path = store("talk.wav", talk(16_000, 1.0), 16_000)
    assert correlation(read_audio(path, 8000), talk(8000, 1.0)) > 0.999


def test_samples_beyond_full_scale_are_clipped(store: Maker, talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    got = read_audio(store("loud.wav", talk(44_100, 1.0) * 20, 44_100, "FLOAT"))
    assert np.abs(got).max() == 1.0
    assert "times full scale and is clipped" in caplog.text


def test_a_recording_stated_as_empty_by_a_killed_recorder(store: Maker, talk: Talk) -> None:
    path = store("talk.wav", talk(16_000, 1.0), 16_000)
    content = bytearray(path.read_bytes())
    content[40:44] = bytes(4)
    path.write_bytes(content)
    assert len(read_audio(path)) == 16_000


@pytest.mark.parametrize(("name", "kind"), [("a.flac", "FLAC"), ("a.mp3", "MP3"), ("a.opus", "OGG")])
def test_joined_files_are_read_to_the_end(store: Maker, talk: Talk, name: str, kind: str) -> None:
    subtype = "OPUS" if kind == "OGG" else None
    path = store(name, talk(16_000, 4.0), 16_000, subtype, kind)
    other = store(f"other {name}", talk(16_000, 4.0), 16_000, subtype, kind)
    path.write_bytes(path.read_bytes() + other.read_bytes())
    assert abs(len(read_audio(path)) - 128_000) < 3000


def test_sound_that_starts_after_the_picture_keeps_its_time(encode: Maker, talk: Talk, tmp_path: Path) -> None:
    import av

    late = tmp_path / "late.mkv"
    with av.open(str(late), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for k in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), k, np.uint8), format="rgb24")
            container.mux(picture.encode(frame))
        values = (talk(16_000, 1.0) * 32767).astype(np.int16)[None]
        samples = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
        samples.sample_rate, samples.pts = 16_000, 24_000
        container.mux(sound.encode(samples))
    got = read_audio(late)
    assert len(got) == 40_000
    assert not got[:24_000].any()
    np.testing.assert_allclose(got[24_000:], talk(16_000, 1.0), atol=1e-4)


def test_a_rate_that_changes_within_the_recording(encode: Maker, talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    path = encode("one.aac", talk(44_100, 2.0), 44_100, "aac")
    other = encode("two.aac", talk(22_050, 2.0), 22_050, "aac")
    path.write_bytes(path.read_bytes() + other.read_bytes())
    with caplog.at_level(logging.ERROR):
        assert abs(len(read_audio(path)) - 64_000) < 5000


LONG = """
import json, resource, sys
from asr_app.audio.file import open_audio
samples = 0
with open_audio(sys.argv[1]) as source:
    for chunk in source:
        samples += len(chunk.samples)
print(json.dumps([samples, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


def long_recording(path: Path, minutes: int, kind: str) -> Path:
    block = np.zeros(8000 * 60, np.int16)
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16", format=kind) as file:
        for _ in range(minutes):
            file.write(block)
    return path


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_three_hours_need_no_more_memory_than_three_minutes(tmp_path: Path, kind: str) -> None:
    peaks = []
    for minutes in (3, 180):
        path = long_recording(tmp_path / f"{minutes}.bin", minutes, kind)
        done = subprocess.run([sys.executable, "-c", LONG, str(path)], capture_output=True, text=True, check=True)
        samples, peak_mb = json.loads(done.stdout)
        assert samples == minutes * 60 * 16_000
        peaks.append(peak_mb)
        path.unlink()
    assert peaks[1] < peaks[0] + 12


def test_importing_loads_no_decoder() -> None:
    code = "import sys, asr_app.audio.file; print({'av', 'torch', 'soundfile'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.skipif(not SPEECH.is_dir(), reason="../shared/speech is not here")
@pytest.mark.parametrize("corpus", ["librispeech_bits", "cmu_arctic", "speechocean762", "kathleen"])
def test_recorded_speech(corpus: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = (SPEECH / corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines[:: max(1, len(lines) // 5)]):
        got = read_audio(SPEECH / corpus / row["audio"])
        assert len(got) / 16_000 == pytest.approx(row["duration"], abs=0.05)
        assert 0.01 < np.abs(got).max() <= 1.0
        copy = tmp_path / "copy.flac"
        soundfile.write(copy, got, 16_000, subtype="PCM_24")
        np.testing.assert_allclose(read_audio(copy), got, atol=1e-6)
    assert caplog.text == ""

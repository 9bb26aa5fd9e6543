"""What cannot be read, or only in part: one clear line, nothing printed, no traceback of a library."""

import logging
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import asr_app.audio.pcm
from asr_app.audio.file import open_audio, read_audio
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError

Maker = Callable[..., Path]
Talk = Callable[[int, float], Samples]


def refusal(path: Path | str) -> str:
    """The message about a recording that cannot be read, checked for its form."""
    with pytest.raises(AudioFormatError) as caught:
        read_audio(path)
    message = str(caught.value)
    assert message.isprintable()
    problem, _, remedy = message.partition(": ")
    assert problem
    assert remedy
    return message


def patched(path: Path, offset: int, layout: str, value: int) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(layout, content, offset, value)
    path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def spoiled(path: Path, first: float = 0.4, last: float = 0.45) -> Path:
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    part = slice(int(len(content) * first), int(len(content) * last))
    content[part] = np.random.default_rng(0).integers(0, 256, len(content[part]))
    path.write_bytes(content.tobytes())
    return path


@pytest.fixture
def wav(store: Maker, talk: Talk) -> Path:
    return store("talk.wav", talk(16_000, 4.0), 16_000)


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    assert refusal(path) == f"{path} does not exist: check its name and folder"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} is a folder: name the recordings in it"


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").touch()
    assert "is empty (0 bytes)" in refusal(tmp_path / "talk.wav")


@pytest.mark.parametrize("name", ["talk.wav", "talk.mp3", "talk.mp4", "talk"])
def test_a_text_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("The quick brown fox.\n" * 100, encoding="utf-8")
    assert f"{path} is not a recording" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [b"\0" * 5000, bytes(range(256)) * 40, b"RIFF", b"OggS", b"fLaC", b"RIFF\0\0\0\0WAVE", b"\x89PNG"],
)
def test_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(content)
    assert str(path) in refusal(path)


def test_playlists_open_no_other_file(tmp_path: Path, wav: Path) -> None:
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{wav}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{wav}'\n",
    ):
        path = tmp_path / "list.m3u8"
        path.write_text(text, encoding="utf-8")
        assert "is not a recording" in refusal(path)


def test_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp3"
    path.write_bytes(
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
    )
    assert "is not a recording" in refusal(path)


def test_a_video_without_sound(encode: Maker) -> None:
    path = encode("talk.mp4", None, 0, "", video="mpeg4")
    assert refusal(path).startswith(f"{path} is a video or picture without sound: ")


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "AU", "OGG"])
def test_a_recording_of_no_samples(store: Maker, kind: str) -> None:
    path = store("talk.bin", np.zeros(0, np.float32), 16_000, None, kind)
    assert "no sound (0 samples)" in refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers(store: Maker, talk: Talk, value: float) -> None:
    sound = np.stack([talk(48_000, 4.0)] * 2, axis=1)
    sound[120_000, 1] = value
    path = store("talk.wav", sound, 48_000, "FLOAT")
    assert "not numbers (NaN or infinite), first at 2.500 s: " in refusal(path)
    with open_audio(path) as source:
        assert next(iter(source)).start_sample == 0  # what is before them is heard


@pytest.mark.parametrize("rate", [1, 3999, 192_001, 768_000])
def test_rates_outside_the_range(store: Maker, talk: Talk, rate: int) -> None:
    path = store("talk.wav", talk(16_000, 0.5), rate)
    assert f"sample rate of {rate} Hz, outside 4000 to 192000 Hz" in refusal(path)


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (24, "<I", 0),  # sample rate
        (24, "<I", 4_000_000_000),
        (22, "<H", 0),  # channels
        (22, "<H", 65_535),
        (34, "<H", 0),  # bits a sample
        (20, "<H", 0x99),  # encoding
        (16, "<I", 0xFFFFFFF0),  # size of the format
    ],
)
def test_hostile_wav_headers(wav: Path, offset: int, layout: str, value: int) -> None:
    assert str(wav) in refusal(patched(wav, offset, layout, value))


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0xFFFFFFF0, 0x7FFFFFFF])
def test_a_wav_that_claims_gigabytes_is_read(wav: Path, size: int, caplog: pytest.LogCaptureFixture) -> None:
    whole = read_audio(wav)
    np.testing.assert_array_equal(read_audio(patched(wav, 40, "<I", size)), whole)
    assert caplog.text == ""  # that is how recorders write to a pipe


@pytest.mark.parametrize("stated", [10_000 % 4096, 0xFFFFFFFF])
def test_a_wav_longer_than_its_header_can_state_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: int
) -> None:
    monkeypatch.setattr(asr_app.audio.pcm, "_WRAP", 4096)  # instead of 4 GiB
    samples = np.arange(5000, dtype="<i2")
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", stated
    )
    path = tmp_path / "long.wav"
    path.write_bytes(header + samples.tobytes())
    np.testing.assert_array_equal(read_audio(path), samples / np.float32(32_768))


@pytest.mark.parametrize(
    ("name", "kind", "subtype"),
    [
        ("a.wav", "WAV", None),
        ("a.aiff", "AIFF", None),
        ("a.au", "AU", None),
        ("a.flac", "FLAC", None),
        ("a.mp3", "MP3", None),
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
    ],
)
def test_of_a_truncated_recording_the_rest_is_read(
    store: Maker, talk: Talk, name: str, kind: str, subtype: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = cut(store(name, talk(16_000, 20.0), 16_000, subtype, kind), 0.5)
    got = read_audio(path)
    assert 6 * 16_000 < len(got) < 12 * 16_000
    assert np.corrcoef(got, talk(16_000, 20.0)[: len(got)])[0, 1] > 0.97
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"{path} is cut short or damaged: only ")


@pytest.mark.parametrize(("name", "codec"), [("a.webm", "libopus"), ("a.mkv", "libopus"), ("a.mka", "flac")])
def test_of_a_truncated_container_the_rest_is_read(
    encode: Maker, talk: Talk, name: str, codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    got = read_audio(cut(encode(name, talk(48_000, 20.0), 48_000, codec), 0.5))
    assert 6 * 16_000 < len(got) < 12 * 16_000
    assert "is cut short or damaged" in caplog.text


def test_an_mp4_without_its_index_cannot_be_read(encode: Maker, talk: Talk) -> None:
    path = cut(encode("a.m4a", talk(16_000, 4.0), 16_000, "aac"), 0.5)
    assert "its header is damaged or missing" in refusal(path)


@pytest.mark.parametrize(("name", "kind"), [("a.flac", "FLAC"), ("a.mp3", "MP3"), ("a.wav", "WAV")])
def test_damage_in_the_middle_is_passed_over(store: Maker, talk: Talk, name: str, kind: str) -> None:
    path = spoiled(store(name, talk(16_000, 20.0) * 0.3, 16_000, None, kind))
    got, original = read_audio(path), talk(16_000, 20.0)
    assert len(got) > 18 * 16_000
    tail = got[-5 * 16_000 : -1600]
    shifts = np.correlate(original[230_000:258_000], tail[:8000])
    assert abs(230_000 + int(np.argmax(shifts)) - (len(original) - 5 * 16_000)) < 5000  # time stays true


def test_a_file_that_shrinks_while_it_is_read(store: Maker, talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    path = store("talk.wav", talk(16_000, 10.0), 16_000)
    with open_audio(path) as source:
        chunks = iter(source)
        next(chunks)
        os.truncate(path, 44 + 2 * 16_000 * 3)
        assert len(list(chunks)) < 9
    assert "is cut short or damaged" in caplog.text


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_a_file_that_is_deleted_while_it_is_read(store: Maker, talk: Talk, kind: str) -> None:
    path = store("talk.bin", talk(16_000, 10.0), 16_000, None, kind)
    with open_audio(path) as source:
        path.unlink()
        assert sum(len(chunk.samples) for chunk in source) == 160_000


def test_a_file_that_disappears_between_two_looks(wav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asr_app.audio.sndfile as sndfile

    def gone(path: Path) -> bool:
        path.unlink()
        return False

    monkeypatch.setattr(sndfile, "suits_sndfile", gone)
    assert refusal(wav) == f"{wav} does not exist: check its name and folder"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "may not be read by this user: "),
        (OSError(5, "Input/output error"), "cannot be read (Input/output error): "),
    ],
)
def test_a_file_that_may_or_can_not_be_opened(
    wav: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", fail)
    assert refusal(wav).startswith(f"{wav} {words}")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("name", ["talk.wav", "talk.flac"])
def test_a_file_without_permission(store: Maker, talk: Talk, name: str) -> None:
    path = store(name, talk(16_000, 1.0), 16_000)
    path.chmod(0)
    assert refusal(path) == f"{path} may not be read by this user: change its permissions"


def test_a_device() -> None:
    assert "/dev/zero is a device" in refusal("/dev/zero")


@pytest.mark.parametrize("name", ["a\0b.wav", "x" * 5000])
def test_impossible_names(name: str) -> None:
    assert refusal(name)


def test_control_characters_of_a_name_are_escaped(tmp_path: Path) -> None:
    assert "\\n" in refusal(tmp_path / "two\nlines.wav")


def test_wrong_arguments(wav: Path) -> None:
    with pytest.raises(ValueError, match="positive"):
        open_audio(wav, chunk_s=0)
    with pytest.raises(ValueError, match="outside"):
        open_audio(wav, sample_rate=1)


READ_ALL = """
import sys
from asr_app.audio.file import read_audio
from asr_app.errors import AudioFormatError
for path in sys.argv[1:]:
    try:
        read_audio(path)
    except AudioFormatError as error:
        print(error)
"""


def test_the_libraries_print_nothing(store: Maker, encode: Maker, talk: Talk, tmp_path: Path) -> None:
    long = talk(16_000, 6.0)
    paths = [
        spoiled(store(f"bad{k}.{kind.lower()}", long, 16_000, None, kind), first, first + 0.1)
        for kind in ("MP3", "FLAC", "OGG", "WAV")
        for k, first in enumerate((0.0, 0.3, 0.9))
    ]
    paths += [
        spoiled(encode(f"bad{k}.{name}", talk(48_000, 6.0), 48_000, codec), first, first + 0.1)
        for name, codec in (("m4a", "aac"), ("aac", "aac"), ("webm", "libopus"), ("mkv", "flac"))
        for k, first in enumerate((0.0, 0.3, 0.9))
    ]
    paths += [cut(store("cut.mp3", long, 16_000), 0.5), cut(store("cut.flac", long, 16_000), 0.5)]
    done = subprocess.run(
        [sys.executable, "-c", "import logging; logging.disable()\n" + READ_ALL, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert all(line.startswith(str(tmp_path)) for line in done.stdout.splitlines())

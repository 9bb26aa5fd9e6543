"""`asr transcribe`: forms of the transcript, standard input, and everything that can be wrong with a recording."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from asr_app.audio.types import Samples
from asr_app.cli.transcribing import PARTLY
from asr_app.errors import AudioFormatError, CheckpointError, ConfigError, DeviceError, OutputError

Asr = Callable[..., Any]
Store = Callable[..., Path]
Whistle = Callable[..., Samples]

PROGRAM = [sys.executable, "-m", "asr_app.cli.main"]
SPEECH, TEXT = "_tan_sat_______nas_", "tan sat\nnas\n"


@pytest.fixture
def transcribe(asr: Asr, model_folder: Path) -> Asr:
    """A function (argument, ..., stdin=bytes) that runs `asr transcribe` with the whistle recogniser."""

    def run(*arguments: object, stdin: bytes = b"") -> Any:
        return asr("transcribe", "--model", model_folder, "--vad", "sound", *arguments, stdin=stdin)

    return run


@pytest.fixture
def talk(store: Store, whistle: Whistle) -> Path:
    """A recording of TEXT."""
    return store("talk.wav", whistle(SPEECH))


def test_text(transcribe: Asr, talk: Path) -> None:
    done = transcribe(talk)
    assert (done.code, done.out, done.err) == (0, TEXT, "")


def test_several_files(transcribe: Asr, talk: Path, store: Store, whistle: Whistle) -> None:
    other = store("other.flac", whistle("ant"))
    done = transcribe(talk, other)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{talk}:\n{TEXT}{other}:\nant\n"


def test_several_files_are_json_lines(transcribe: Asr, talk: Path, store: Store, whistle: Whistle) -> None:
    other = store("other.wav", whistle("_ant"))
    rows = [json.loads(line) for line in transcribe("--format", "json", talk, other).out.splitlines()]
    assert [(row["file"], row["text"]) for row in rows] == [(str(talk), "tan sat nas"), (str(other), "ant")]


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_are_of_one_file(transcribe: Asr, talk: Path, form: str) -> None:
    done = transcribe("--format", form, talk, talk)
    assert (done.code, done.out) == (ConfigError.exit_code, "")
    assert "one at a time" in done.complaint


def test_json(transcribe: Asr, talk: Path) -> None:
    done = transcribe("--format", "json", talk)
    transcript = json.loads(done.out)
    assert transcript["text"] == "tan sat nas"
    assert [segment["text"] for segment in transcript["segments"]] == ["tan sat", "nas"]
    starts = [word["start"] for segment in transcript["segments"] for word in segment["words"]]
    assert starts == pytest.approx([0.2, 1.0, 3.0], abs=0.05)


def test_srt(transcribe: Asr, talk: Path) -> None:
    number, times, text, *_ = transcribe("--format", "srt", talk).out.splitlines()
    assert (number, text) == ("1", "tan sat")
    assert times.startswith("00:00:00,2")


def test_vtt(transcribe: Asr, talk: Path) -> None:
    lines = transcribe("-f", "vtt", talk).out.splitlines()
    assert lines[0] == "WEBVTT"
    assert "tan sat" in lines


@pytest.mark.parametrize(("form", "out"), [("text", ""), ("srt", ""), ("vtt", "WEBVTT\n")])
def test_silence_has_no_words(transcribe: Asr, store: Store, form: str, out: str) -> None:
    done = transcribe("--format", form, store("silence.wav", np.zeros(48_000)))
    assert (done.code, done.out, done.err) == (0, out, "")


def test_silence_as_json(transcribe: Asr, store: Store) -> None:
    silence = store("silence.wav", np.zeros(48_000))
    done = transcribe("--format", "json", silence)
    assert json.loads(done.out) == {"file": str(silence), "text": "", "segments": []}


@pytest.mark.parametrize("chunk_ms", ["160", "320", "640", "1000", "full"])
def test_chunks(transcribe: Asr, talk: Path, chunk_ms: str) -> None:
    assert transcribe("--chunk-ms", chunk_ms, talk).out == TEXT


def test_other_options(transcribe: Asr, talk: Path, model_folder: Path, store: Store, whistle: Whistle) -> None:
    options = [
        "--beam",
        10,
        "--lm",
        model_folder / "lm.bin",
        "--device",
        "cpu",
        "--threads",
        torch.get_num_threads(),
    ]
    assert transcribe(*options, talk).out == TEXT
    assert transcribe("--decoder", "greedy", store("a.wav", whistle("_tan|sat|_"))).out == "tan sat\n"


def test_wav_on_standard_input(transcribe: Asr, talk: Path) -> None:
    done = transcribe("-", stdin=talk.read_bytes())
    assert (done.code, done.out, done.err) == (0, TEXT, "")


@pytest.mark.parametrize(("encoding", "form"), [("s16le", "<i2"), ("f32le", "<f4")])
def test_raw_samples_on_standard_input(transcribe: Asr, whistle: Whistle, encoding: str, form: str) -> None:
    stereo = np.repeat(whistle(SPEECH, 44_100)[:, None], 2, axis=1)
    raw = (stereo * (32767 if form == "<i2" else 1)).astype(form).tobytes()
    done = transcribe("--pcm", encoding, "--pcm-rate", 44_100, "--pcm-channels", 2, "-", stdin=raw)
    assert (done.code, done.out, done.err) == (0, TEXT, "")


@pytest.mark.parametrize(
    ("stdin", "said"), [(b"", "standard input is empty"), (b"hello" * 99, "standard input is not WAV")]
)
def test_nothing_useful_on_standard_input(transcribe: Asr, stdin: bytes, said: str) -> None:
    done = transcribe("-", stdin=stdin)
    assert done.code == AudioFormatError.exit_code
    assert said in done.complaint


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [
        (16_000, 1, "PCM_U8"),
        (16_000, 1, "PCM_24"),
        (16_000, 1, "FLOAT"),
        (16_000, 6, "PCM_16"),
        (8_000, 1, "PCM_16"),
        (44_100, 2, "PCM_16"),
        (192_000, 1, "PCM_16"),
    ],
)
def test_unusual_recordings(
    transcribe: Asr, store: Store, whistle: Whistle, rate: int, channels: int, subtype: str
) -> None:
    samples = np.repeat(whistle(SPEECH, rate)[:, None], channels, axis=1)
    done = transcribe(store("talk.wav", samples, rate, subtype))
    assert (done.code, done.out, done.err) == (0, TEXT, "")


def test_four_kilohertz(transcribe: Asr, store: Store, whistle: Whistle) -> None:
    done = transcribe(store("talk.wav", whistle("_tan_", 4_000), 4_000))  # without the sounds above 2 kHz
    assert (done.code, done.out, done.err) == (0, "tan\n", "")


def silent_video(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        pictures: Any = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        for grey in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), grey, np.uint8), format="rgb24")
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
    return path


def make_bad(kind: str, folder: Path, store: Store) -> Path:
    """A file that cannot be transcribed."""
    path = folder / f"{kind}.wav"
    match kind:
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "text":
            path.write_text("The quick brown fox.\n" * 50)
        case "no samples":
            store(path.name, np.zeros(0))
        case "not numbers":
            store(path.name, np.full(9000, np.nan, np.float32), 16_000, "FLOAT")
        case "too slow":
            store(path.name, np.zeros(4000), 2_000)
        case "too fast":
            store(path.name, np.zeros(4000), 384_000)
        case "video":
            silent_video(folder / "video.mp4").rename(path)
        case "cut":
            store("cut.m4a.wav", np.zeros(16_000)).rename(path)
            path.write_bytes(path.read_bytes()[:30])
    return path


BAD = {
    "missing": "does not exist",
    "folder": "is a folder",
    "empty": "is empty (0 bytes)",
    "text": "is not a recording",
    "no samples": "holds no sound",
    "not numbers": "not numbers",
    "too slow": "2000 Hz",
    "too fast": "384000 Hz",
    "video": "without sound",
    "cut": "",
}


@pytest.mark.parametrize(("kind", "said"), BAD.items(), ids=BAD.keys())
def test_a_bad_file(transcribe: Asr, tmp_path: Path, store: Store, kind: str, said: str) -> None:
    path = make_bad(kind, tmp_path, store)
    done = transcribe(path)
    assert done.code == AudioFormatError.exit_code
    assert done.out == ""
    assert done.complaint.startswith(f"asr: {path}")
    assert said in done.complaint


def test_the_other_files_are_still_transcribed(
    tmp_path: Path, store: Store, talk: Path, whistle: Whistle, model_folder: Path
) -> None:
    """In a process of its own: what libraries print by themselves shows, too."""
    bad = [make_bad(kind, tmp_path, store) for kind in BAD]
    other = store("other.ogg", whistle("ant"))
    mp3 = store("cut.mp3", np.tile(whistle("_tan_"), 40))
    mp3.write_bytes(mp3.read_bytes()[: mp3.stat().st_size // 3])
    files = list(map(str, [*bad[:5], talk, *bad[5:], mp3, other]))
    command = [*PROGRAM, "transcribe", "--model", str(model_folder), "--vad", "sound", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == PARTLY
    lines = done.stderr.splitlines()
    assert [line for line in lines if not line.startswith("asr: ")] == []
    assert len(lines) == len(bad) + 1
    (warning,) = (line for line in lines if str(mp3) in line)
    assert "is cut short or damaged" in warning
    assert f"{talk}:\n{TEXT}" in done.stdout
    assert "tan tan tan" in done.stdout
    assert done.stdout.endswith(f"{other}:\nant\n")


def test_documents_of_the_other_files(transcribe: Asr, tmp_path: Path, talk: Path, model_folder: Path) -> None:
    done = transcribe("--format", "json", tmp_path / "none.wav", talk)
    assert done.code == PARTLY
    assert json.loads(done.out)["text"] == "tan sat nas"


def test_cuda_without_cuda(transcribe: Asr, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = transcribe("--device", "cuda", talk)
    assert done.code == DeviceError.exit_code
    assert "--device cpu" in done.complaint


@pytest.mark.parametrize("chunk_ms", ["0", "-320", "5", "40000", "1e3", "fast", "", "320.5", "9" * 500])
def test_wrong_chunks(transcribe: Asr, talk: Path, chunk_ms: str) -> None:
    done = transcribe(f"--chunk-ms={chunk_ms}", talk)
    assert done.code == ConfigError.exit_code
    assert "full" in done.complaint


@pytest.mark.parametrize("options", [["--pcm-rate", "0"], ["--pcm-channels", "0"], ["--pcm-channels", "5000"]])
def test_wrong_raw_samples(transcribe: Asr, options: list[str]) -> None:
    done = transcribe("--pcm", "s16le", *options, "-", stdin=b"\0" * 999)
    assert done.code == ConfigError.exit_code
    assert "raw audio cannot have" in done.complaint


def test_raw_samples_of_a_rate_that_cannot_be(transcribe: Asr) -> None:
    done = transcribe("--pcm", "s16le", "--pcm-rate", 100, "-", stdin=b"\0" * 999)
    assert done.code == AudioFormatError.exit_code
    assert "100 Hz" in done.complaint


def test_an_unknown_model(asr: Asr, talk: Path) -> None:
    done = asr("transcribe", "--model", "klingon", talk)
    assert done.code == CheckpointError.exit_code
    assert "no model 'klingon'" in done.complaint


@pytest.mark.parametrize("damage", ["weights", "sha256", "foreign", "lexicon", "lm"])
def test_a_damaged_model(asr: Asr, talk: Path, model_folder: Path, tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    description = json.loads((folder / "model.json").read_text())
    match damage:
        case "weights":
            (folder / "model.safetensors").write_bytes(b"junk")
        case "sha256":
            (folder / "model.json").write_text(json.dumps(description | {"sha256": "0" * 64}))
        case "foreign":
            (folder / "model.json").write_text('{"architectures": ["Wav2Vec2ForCTC"]}')
        case "lexicon":
            (folder / "lexicon.txt.gz").write_bytes(b"junk")
        case "lm":
            (folder / "lm.bin").write_bytes(b"junk")
    done = asr("transcribe", "--model", folder, talk)
    assert done.code == CheckpointError.exit_code
    assert str(folder) in done.complaint


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text"])
def test_a_language_model_of_the_wrong_kind(
    transcribe: Asr, talk: Path, tmp_path: Path, store: Store, kind: str
) -> None:
    done = transcribe("--lm", make_bad(kind, tmp_path, store), talk)
    assert done.code == CheckpointError.exit_code
    assert f"{kind}.wav" in done.complaint
    assert "--lm" in done.complaint


def test_odd_names(transcribe: Asr, talk: Path) -> None:
    broken, foreign = (
        talk.with_name("line\nbreak.wav"),
        talk.with_name("b\udce9b.wav"),
    )  # a byte that is not UTF-8
    for odd in (broken, foreign):
        shutil.copy(talk, odd)
    done = transcribe(foreign, broken)
    assert (done.code, done.err) == (0, "")
    assert f"b\\udce9b.wav':\n{TEXT}" in done.out
    assert f"line\\nbreak.wav':\n{TEXT}" in done.out
    rows = map(json.loads, transcribe(foreign, broken, "-f", "json").out.splitlines())
    assert [row["file"] for row in rows] == [str(talk.with_name("b\\xe9b.wav")), str(broken)]


def test_a_bug_in_the_middle(transcribe: Asr, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr("asr_app.files.hearing.hear", fail)
    done = transcribe(talk)
    assert done.code == 70
    assert "internal error: RuntimeError: shape mismatch" in done.complaint


MODULES = """
import sys
sys.argv = ["asr", *sys.argv[1:]]
from asr_app.cli.main import main
try:
    main()
finally:
    sys.stderr.write(" ".join(sys.modules))
"""


def test_nothing_needless_is_imported(talk: Path, model_folder: Path) -> None:
    """From a real pipe, as the shell would have it."""
    command = [sys.executable, "-c", MODULES, "transcribe", "--model", str(model_folder), "--vad", "sound", "-"]
    done = subprocess.run(command, input=talk.read_bytes(), capture_output=True, check=True)
    assert done.stdout.decode() == TEXT
    modules = done.stderr.decode().split()
    assert "torch" in modules
    for needless in (
        "torchaudio",
        "torch._dynamo",  # a second of imports, for compilers and fake devices
        "textual",
        "sounddevice",
        "models.recipes",
        "pyctcdecode",
        "rich",
        "av",
        "soundfile",
    ):
        assert needless not in modules


def test_a_reader_that_goes_away(talk: Path, model_folder: Path) -> None:
    command = [*PROGRAM, "transcribe", "--model", str(model_folder), "--vad", "sound", str(talk)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk(talk: Path, model_folder: Path) -> None:
    command = [*PROGRAM, "transcribe", "--model", str(model_folder), "--vad", "sound", str(talk)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == OutputError.exit_code
    assert done.stderr.startswith("asr: No space left on device: ")
    assert done.stderr.count("\n") == 1

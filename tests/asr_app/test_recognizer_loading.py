"""What a model folder and options can have wrong: an error of its class whose one line says what to do."""

import gzip
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from asr_app.device import choose_device
from asr_app.errors import AsrError, CheckpointError, ConfigError, DeviceError
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer, chunk_frames
from decoder.character_beam import CharacterBeamDecoder
from decoder.lm import NgramLM
from decoder.mixed_lm import PERSONAL_WEIGHT
from models.acoustic import FULL_CONTEXT_S
from models.model_files import file_sha256
from models.recipes.data.samples import HEADS

Damage = Callable[[Path], object]


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model to damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def refusal(folder: Path, kind: type[AsrError], **options: Any) -> str:
    with pytest.raises(AsrError) as caught:
        Recognizer.load(folder, RecognizerOptions(**options))
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600
    return message


def described(folder: Path, **changes: Any) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def forge(folder: Path, content: bytes) -> None:
    """Other weights, with their right SHA-256."""
    (folder / "model.safetensors").write_bytes(content)
    described(folder, sha256=file_sha256(folder / "model.safetensors"))


AGAIN = "fetch the model again"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "model.json").unlink(), "is not a checkpoint"),
        (lambda f: (f / "model.json").write_text("{"), AGAIN),
        (lambda f: (f / "model.json").write_bytes(b"\xff\xfe\0"), AGAIN),
        (lambda f: (f / "model.json").write_text("{}"), "no checkpoint of this program"),
        (lambda f: described(f, format="other"), "no checkpoint of this program"),
        (lambda f: described(f, version=99), "format version 99"),
        (lambda f: described(f, sha256="0" * 64), "SHA-256"),
        (lambda f: described(f, encoder={}), AGAIN),
        (lambda f: described(f, heads=[]), "it belongs to another model"),
        (lambda f: described(f, heads=3), AGAIN),
        (lambda f: described(f, decoding={"alpha": "much"}), AGAIN),
        (lambda f: described(f, decoding={"alpha": math.nan}), AGAIN),
        (lambda f: described(f, decoding={"beam": 2**32}), "the beam width must be 1 to 1000000"),
        (lambda f: described(f, frontend={"hop_length": 0}), AGAIN),
        (lambda f: (f / "model.safetensors").unlink(), AGAIN),
        (lambda f: cut(f / "model.safetensors", 1000), "SHA-256"),
        (lambda f: flip(f / "model.safetensors", 5000), "SHA-256"),
        (lambda f: forge(f, b""), AGAIN),
        (lambda f: forge(f, b"not safetensors at all"), AGAIN),
        (lambda f: (f / "lexicon.txt.gz").unlink(), AGAIN),
        (lambda f: cut(f / "lexicon.txt.gz", 20), AGAIN),
        (lambda f: (f / "lexicon.txt.gz").write_text("plain"), AGAIN),
        (lambda f: (f / "lexicon.txt.gz").write_bytes(gzip.compress(b"tan\tx y z\n")), "does not have"),
        (lambda f: (f / "lexicon.txt.gz").write_bytes(gzip.compress(b"")), AGAIN),
        (lambda f: (f / "lm.bin").unlink(), AGAIN),
        (lambda f: (f / "lm.bin").write_bytes(b""), AGAIN),
        (lambda f: (f / "lm.bin").write_bytes(bytes(range(256)) * 40), AGAIN),
        (
            lambda f: (f / "lm.bin").write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0"),
            AGAIN,
        ),
        (lambda f: cut(f / "lm.bin", 100), AGAIN),
    ],
)
def test_a_damaged_model(folder: Path, damage: Damage, said: str) -> None:
    damage(folder)
    assert said in refusal(folder, CheckpointError)


def test_greedy_decoding_needs_neither_lexicon_nor_language_model(folder: Path) -> None:
    (folder / "lm.bin").unlink()
    (folder / "lexicon.txt.gz").unlink()
    assert Recognizer.load(folder, RecognizerOptions(decoder="greedy")).acoustic.labels == HEADS[1].labels


def behead(folder: Path, *lacking: str) -> None:
    """Take heads away from a model."""
    from safetensors.torch import load_file, save

    description = json.loads((folder / "model.json").read_text())
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not any(f"heads.{head}" in name for head in lacking)}
    forge(folder, save(kept))
    described(folder, heads=[head for head in description["heads"] if head["name"] not in lacking])


@pytest.mark.parametrize("decoder", ["greedy", "characters"])
def test_a_model_without_the_head_that_is_decoded(folder: Path, decoder: str) -> None:
    behead(folder, "characters")
    assert "no head 'characters'" in refusal(folder, CheckpointError, decoder=decoder)


def test_a_model_without_any_head_for_the_default_search(folder: Path) -> None:
    behead(folder, "characters", "phonemes")
    assert "no head 'phonemes'" in refusal(folder, CheckpointError)


def test_a_model_of_letters_alone_is_searched_for_letters(folder: Path) -> None:
    behead(folder, "phonemes")
    (folder / "lexicon.txt.gz").unlink()
    recognizer = Recognizer.load(folder, RecognizerOptions(decoder="beam"))
    assert recognizer.acoustic.labels == HEADS[1].labels
    assert isinstance(recognizer.decoder, CharacterBeamDecoder)
    assert recognizer.decoder.lm is not None


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"\\data\\\nngram 1=9\n", bytes(range(256)) * 40, b"\x1f\x8b\x08\0nonsense"]
)
def test_a_language_model_of_the_wrong_format(model_folder: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.lm"
    path.write_bytes(content)
    message = refusal(model_folder, CheckpointError, lm=path)
    assert message.startswith(str(path))
    assert message.endswith("give another with --lm, or leave --lm out")


def test_a_language_model_that_is_not_there(model_folder: Path, tmp_path: Path) -> None:
    assert "no such language model" in refusal(model_folder, CheckpointError, lm=tmp_path / "none")
    assert "not a file" in refusal(model_folder, CheckpointError, lm=tmp_path)


def test_another_language_model(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.arpa"
    path.write_bytes((model_folder / "lm.bin").read_bytes())
    assert Recognizer.load(model_folder, RecognizerOptions(lm=path)).acoustic.labels == HEADS[0].labels


def test_cuda_without_cuda(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "mps"):
        assert "--device cpu" in refusal(model_folder, DeviceError, device=device)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("mps") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")
    assert choose_device("cpu") == torch.device("cpu")


def test_a_model_of_one_language_has_no_other(model_folder: Path) -> None:
    assert "leave 'fra' out" in refusal(model_folder, CheckpointError, language="fra")


def test_chunks() -> None:
    assert [chunk_frames(ms, 0.04) for ms in (40, 160, 320, 640)] == [1, 4, 8, 16]
    assert chunk_frames(None, 0.04) * 0.04 == FULL_CONTEXT_S
    for wrong in (-320, 0, 10, 30_100, 10**9):
        with pytest.raises(ConfigError, match=f"chunks of {wrong} ms: choose 40 to 30000 ms, or full"):
            chunk_frames(wrong, 0.04)


def test_impossible_chunks_are_refused(model_folder: Path) -> None:
    assert "chunks of 5 ms" in refusal(model_folder, ConfigError, chunk_ms=5)


@pytest.mark.parametrize("impossible", [{"beam": 2**32}, {"beam": 0}, {"alpha": math.nan}, {"beta": math.inf}], ids=str)
@pytest.mark.parametrize("decoder", ["beam", "characters"])
def test_impossible_search_options_are_refused(model_folder: Path, decoder: str, impossible: dict[str, Any]) -> None:
    assert "choose another" in refusal(model_folder, ConfigError, decoder=decoder, **impossible)


def test_options_go_before_the_models_own(model_folder: Path) -> None:
    own: Any = Recognizer.load(model_folder).decoder
    assert (own.options.alpha, own.options.beta, own.options.beam_width) == (0.5, 1.0, 50)
    chosen: Any = Recognizer.load(model_folder, RecognizerOptions(beam=7, alpha=0.0, beta=2.0)).decoder
    assert (chosen.options.alpha, chosen.options.beta, chosen.options.beam_width) == (0.0, 2.0, 7)


def test_the_share_of_a_personal_language_model(model_folder: Path, tmp_path: Path) -> None:
    personal = tmp_path / "personal.arpa"
    personal.write_text((model_folder / "lm.bin").read_text().replace("-0.8", "-0.4"))

    def share_of_default(**options: Any) -> float:
        decoder: Any = Recognizer.load(model_folder, RecognizerOptions(personal_lm=personal, **options)).decoder
        default: Any = Recognizer.load(model_folder).decoder
        mixed, alone = (math.exp(one.lm.unigrams(["tan"])[0]) for one in (decoder, default))
        other = math.exp(NgramLM(personal).unigrams(["tan"])[0])
        return (mixed - other) / (alone - other)

    assert share_of_default() == pytest.approx(1 - PERSONAL_WEIGHT, abs=1e-3)
    assert share_of_default(personal_lm_weight=0.6) == pytest.approx(0.4, abs=1e-3)


def test_a_personal_language_model_without_another_one_is_told_of(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    personal = tmp_path / "personal.arpa"
    shutil.copy(folder / "lm.bin", personal)
    (folder / "lm.bin").unlink()
    Recognizer.load(folder, RecognizerOptions(decoder="characters", personal_lm=personal))
    assert "give yours as --lm" in caplog.text

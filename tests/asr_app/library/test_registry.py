"""The models that are known by name."""

import re
from urllib.parse import urlsplit

import pytest

from asr_app.library.models import shipped_models
from asr_app.library.registry import KnownModel, bundle_of, known_models, shipped_facts
from models.torchaudio_compat import import_torchaudio
from models.wav2vec2_torchaudio import bundle_names

MODELS = list(known_models().values())


def test_a_name_is_that_of_one_model() -> None:
    assert [model.name for model in MODELS] == list(known_models())
    assert not {*known_models()} & {*shipped_models()}
    repositories = [model.hub for model in MODELS if model.hub]
    assert len(repositories) == len({*repositories})


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_what_is_said_of_a_model(model: KnownModel) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]+", model.name)
    assert re.fullmatch(r"[a-z]{2}", model.language)
    assert model.licence in ("Apache-2.0", "MIT", "CC-BY-NC-4.0")
    assert bool(model.hub) != bool(model.bundle)
    assert model.revision == "main" or re.fullmatch(r"[0-9a-f]{40}", model.revision)
    for facts in model.files.values():
        assert facts.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", facts.sha256)
    assert all(0 < value < 100 for value in model.wer.values())
    assert model.cites or not (model.wer or any(facts.bytes for facts in model.files.values()))
    assert {urlsplit(url).scheme for url in model.cites} <= {"https"}


def test_the_bundles_are_those_of_torchaudio() -> None:
    pipelines = import_torchaudio().pipelines
    bundles = {model.bundle: model for model in MODELS if model.bundle}
    assert sorted(bundles) == bundle_names()
    for name, model in bundles.items():
        bundle = getattr(pipelines, name)
        assert list(model.files) == [bundle._path]
        assert bundle_of(bundle._path) == model
        assert model.licence.replace("-", " ") in bundle.__doc__.replace("-", " ")
    assert bundle_of("model.pth") is None


def test_how_much_there_is_to_fetch() -> None:
    base = known_models()["wav2vec2-base-960h"]
    assert base.size_mb == pytest.approx(377.6, abs=0.1)
    assert known_models()["data2vec-audio-base-960h"].size_mb == 373
    assert known_models()["torchaudio-hubert-xlarge"].size_mb is None


def test_what_is_known_of_those_that_ship() -> None:
    assert shipped_facts("english")["language"] == "en"
    assert shipped_facts("another") == {}

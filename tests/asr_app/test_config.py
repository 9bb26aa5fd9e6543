from dataclasses import fields
from pathlib import Path

import pytest

from asr_app.config import Settings, config_file, load_settings
from asr_app.daemon.limits import Limits
from asr_app.errors import ConfigError


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty settings file of the test's own."""
    path = tmp_path / "config.toml"
    path.touch()
    monkeypatch.setenv("ASR_CONFIG", str(path))
    return path


def test_defaults() -> None:
    assert load_settings() == Settings(
        model="english", lm=None, decoder="beam", beam=None, chunk_ms=640, device="auto", threads=None
    )


def test_command_line_over_environment_over_file(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file.write_text('chunk_ms = 160\nbeam = 10\nmodel = "file"\n')
    assert load_settings().chunk_ms == 160
    monkeypatch.setenv("ASR_CHUNK_MS", "320")
    assert load_settings().chunk_ms == 320
    settings = load_settings(chunk_ms="full", lm=None)
    assert (settings.chunk_ms, settings.beam, settings.model) == ("full", 10, "file")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("chunkms = 320", "unknown setting 'chunkms'; did you mean 'chunk_ms'"),
        ("beam = 0", "beam = '0' is wrong; it is to be: how many hypotheses"),
        ("device = 'tpu'", "device = 'tpu' is wrong"),
        ("beam ==", "Invalid value"),
        ("numbers = 'roman'", "numbers = 'roman' is wrong; it is to be: usual"),
        ("[limits]\nclient = 3", "unknown setting 'limits.client'; did you mean 'clients'"),
        ("[limits]\nclients = 'x'", "limits.clients = 'x' is wrong; it is to be: a number, more than 0"),
        ("[limits]\nidle_s = 0", "more than 0"),
        ("[limits]\nidle_s = nan", "more than 0"),
        ("vocabulary = ''", "vocabulary = '' is wrong; it is to be: the file of"),
        ("lm = ''", "lm = '' is wrong; it is to be: a KenLM n-gram"),
    ],
)
def test_a_wrong_file_is_explained(settings_file: Path, text: str, complaint: str) -> None:
    settings_file.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_no_text_is_explained(settings_file: Path) -> None:
    settings_file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=str(settings_file)):
        load_settings()


def test_the_file_lies_in_the_users_configuration_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASR_CONFIG")
    assert (config_file().parent.name, config_file().name) == ("asr", "config.toml")


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for wrong in (tmp_path / "none.toml", tmp_path):
        monkeypatch.setenv("ASR_CONFIG", str(wrong))
        with pytest.raises(ConfigError, match="which is no file"):
            load_settings()


def test_the_limits_of_the_daemon_are_a_table(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file.write_text("[limits]\nclients = 3\n")
    monkeypatch.setenv("ASR_LIMITS", '{"streams": 2}')
    assert load_settings().limits == Limits(clients=3, streams=2)


def test_files_of_written_text_lie_beside_the_vocabulary(tmp_path: Path) -> None:
    settings = load_settings(vocabulary=tmp_path / "words.txt")
    assert (settings.replacements, settings.own_commands) == (tmp_path / "replacements.txt", tmp_path / "commands.toml")


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description
        assert f"`{name}`" in page
        assert f"`ASR_{name.upper()}`" in page
    for limit in fields(Limits):
        assert f"| `{limit.name}` | {limit.default:g} |" in page or f"| `{limit.name}` | {limit.default} |" in page


def test_a_command_has_defaults_of_its_own(settings_file: Path) -> None:
    settings_file.write_text("beam = 10\n")
    settings = load_settings().where_unset(chunk_ms="full", beam=20)
    assert (settings.chunk_ms, settings.beam) == ("full", 10)
    assert load_settings(chunk_ms="640").where_unset(chunk_ms="full").chunk_ms == 640


def test_a_path_may_begin_at_home(settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings_file.write_text('vocabulary = "~/words.txt"\npersonal_lm = "~/mine.arpa"\n')
    settings = load_settings(lm="~/other.bin")
    assert settings.vocabulary == tmp_path / "words.txt"
    assert (settings.personal_lm, settings.lm) == (tmp_path / "mine.arpa", tmp_path / "other.bin")
    settings_file.write_text('hotwords = "~nobody-of-this-name/words.txt"')
    with pytest.raises(ConfigError, match="hotwords = '~nobody"):
        load_settings()

"""Settings: command line over environment over file over default; the only place that reads configuration.

The file is `config.toml` in the user's configuration folder, or the one that ASR_CONFIG names; environment variables
are ASR_MODEL, ASR_CHUNK_MS and so on.
"""

import difflib
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from asr_app.daemon.limits import Limits
from asr_app.errors import ConfigError
from asr_app.options import DecoderName, DeviceName


def config_file() -> Path:
    """Where the settings file is looked for."""
    named = os.environ.get("ASR_CONFIG")
    return Path(named) if named else platformdirs.user_config_path("asr") / "config.toml"


def _vocabulary_file() -> Path:
    return platformdirs.user_config_path("asr") / "vocabulary.txt"


def _positive(limits: Limits) -> Limits:
    if not all(limit > 0 for limit in asdict(limits).values()):  # nan, too
        raise ValueError("a limit that is not more than 0")
    return limits


def _file(path: Path) -> Path:
    """A file's path with the user's home folder for ~, which no shell has seen; ValueError where it names none."""
    if not path.name:
        raise ValueError("no file")
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError("no such user") from error


UserPath = Annotated[Path, AfterValidator(_file)]


class Settings(BaseSettings):
    """What a user can set once instead of on every command line."""

    model_config = SettingsConfigDict(env_prefix="ASR_", extra="forbid", frozen=True)

    model: str = Field("english", description="a model's name or folder")
    lm: UserPath | None = Field(None, description="a KenLM n-gram in place of the model's own")
    decoder: DecoderName = Field("beam", description="beam, characters or greedy")
    beam: int | None = Field(None, ge=1, description="how many hypotheses to keep, 1 or more")
    chunk_ms: Annotated[int, Field(ge=1, le=30_000)] | Literal["full"] = Field(
        640, description="whole milliseconds for the encoder to wait, at most 30000, or full"
    )
    device: DeviceName = Field("auto", description="auto, cpu, cuda or mps")
    language: str | None = Field(None, description="a code of one of the model's languages, where it has several")
    final_model: str = Field(
        "same", description="the model that writes the finals of live speech, same for the model itself, or none"
    )
    personal_lm: UserPath | None = Field(
        None, description="a language model of your own texts (`asr lm build`), mixed with the other one"
    )
    personal_lm_weight: float | None = Field(None, gt=0, lt=1, description="its share, between 0 and 1")
    hotwords: UserPath | None = Field(None, description="a text file of words and phrases to expect")
    vocabulary: UserPath = Field(default_factory=_vocabulary_file, description="the file of `asr vocabulary`")
    threads: int | None = Field(None, ge=1, description="a number of CPU threads, 1 or more")
    written: bool | None = Field(
        None, description="true or false: written text; unset, dictation writes and transcripts are as recognised"
    )
    commands: str = Field("en", description="the language of voice commands in dictation, empty for none")
    numbers: Literal["usual", "plain", "off"] = Field("usual", description="usual, plain or off")
    hook: str | None = Field(None, description="a program that gets each written text and gives the text to use")
    hook_shell: bool = Field(False, description="true or false: whether a shell runs the hook")
    hook_timeout_s: float = Field(5.0, gt=0, le=600, description="seconds that the hook may take, more than 0")
    history_files: bool = Field(True, description="true or false: remember what asr transcribe writes")
    history_dictation: bool = Field(False, description="true or false: remember dictations")
    history_days: int | None = Field(None, ge=1, description="days to remember what is not kept, 1 or more")
    sink: str = Field("type", description="where the daemon's text goes: type, type:TOOL,TOOL, stdout or none")
    pace: Literal["final", "committed"] = Field("final", description="final or committed")
    limits: Annotated[Limits, AfterValidator(_positive)] = Field(
        default_factory=Limits, description="a table of numbers, more than 0, of what clients of the daemon may ask"
    )

    def where_unset(self, **values: Any) -> "Settings":
        """These settings, with such values for what the user has not set."""
        return self.model_copy(update={name: one for name, one in values.items() if name not in self.model_fields_set})

    @property
    def replacements(self) -> Path:
        """The file of `asr replace`."""
        return self.vocabulary.with_name("replacements.txt")

    @property
    def own_commands(self) -> Path:
        """The user's file of voice commands, which need not be there."""
        return self.vocabulary.with_name("commands.toml")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line (given to the constructor), environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def load_settings(**given: Any) -> Settings:
    """Settings, with what the command line gave (None where it gave nothing) over all else.

    Raises ConfigError that names the wrong key or value and, for an unknown key, the nearest known one.
    """
    named = os.environ.get("ASR_CONFIG")
    if named and not Path(named).is_file():
        raise ConfigError(f"ASR_CONFIG names {named}, which is no file: correct or unset it")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error
    except (OSError, ValueError) as error:  # tomllib's error is a ValueError
        raise ConfigError(f"{config_file()}: {error}") from error


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key, *inner = (str(part) for part in first["loc"])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = [field.name for field in fields(Limits)] if inner else list(Settings.model_fields)
        near = difflib.get_close_matches(inner[-1] if inner else key, known, n=1, cutoff=0.0)
        return f"{config_file()}: unknown setting {'.'.join([key, *inner])!r}; did you mean {near[0]!r}?"
    wrong, right = str(first["input"])[:40], Settings.model_fields[key].description
    if key == "limits" and inner:
        key, right = f"limits.{inner[0]}", "a number, more than 0"
    return f"the setting {key} = {wrong!r} is wrong; it is to be: {right}"

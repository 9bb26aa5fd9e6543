"""Reading what may be said to dictation: the file that ships, and the user's own over it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from asr_app.errors import ConfigError

Action = Literal["scratch", "undo", "stop"]
Capitals = Literal["cap", "all_caps", "all_caps_on", "all_caps_off"]
Where = Literal["anywhere", "last", "alone"]
Joins = Literal["before", "after", "both", "none"]
ACTIONS: frozenset[str] = frozenset(get_args(Action))
_DOES = ACTIONS | frozenset(get_args(Capitals))


@dataclass(frozen=True, slots=True)
class Command:
    """What some phrases write or do; the fields are told in resources/commands.toml."""

    writes: str = ""
    does: str = ""
    where: Where = "anywhere"
    joins: Joins = "before"
    not_after: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Language:
    """The commands of one language, by their phrases."""

    keyword: str
    not_after: frozenset[str]
    commands: Mapping[str, Command]


def read_commands(language: str, own: Path | None = None) -> Language:
    """The commands of a language ("en"), with the user's own file over them where there is one.

    Raises ConfigError for a language that neither file has, and for a wrong file, which it names.
    """
    shipped = tomllib.loads((files("asr_app") / "resources" / "commands.toml").read_text(encoding="utf-8"))
    tables = [shipped.get(language)]
    if own is not None and own.exists():
        try:
            tables.append(tomllib.loads(own.read_text(encoding="utf-8-sig")).get(language))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{own}: {error}: mend or remove it") from error
    found = [table for table in tables if table is not None]
    if not found:
        raise ConfigError(
            f"no commands are known in {language!r}: write them to your commands.toml, or choose from en, de, fr, es"
        )
    try:
        return _language(found)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{own}: {error} is wrong or missing: see docs/written-text.md for the form") from error


def _language(tables: list[dict[str, Any]]) -> Language:
    commands: dict[str, Command] = {}
    keyword, not_after = "", frozenset[str]()
    for table in tables:
        keyword = table.get("keyword", keyword)
        not_after = frozenset(_phrases(table["not_after"])) if "not_after" in table else not_after
        for entry in table["commands"]:
            command = _command({name: value for name, value in entry.items() if name != "phrases"})
            commands.update(dict.fromkeys(_phrases(entry["phrases"]), command))
    return Language(keyword, not_after, {phrase: one for phrase, one in commands.items() if one.writes or one.does})


def _phrases(said: list[str]) -> list[str]:
    """Phrases as they are compared: in lower case and single spaces."""
    if isinstance(said, str):
        raise TypeError(f"{said!r} in the place of a list of phrases")
    return [" ".join(phrase.casefold().split()) for phrase in said]


def _command(fields: dict[str, Any]) -> Command:
    for name in {"not_after", "not_before"} & set(fields):
        fields[name] = frozenset(_phrases(fields[name]))
    command = Command(**fields)
    if command.does and command.does not in _DOES:
        raise ConfigError(f"does = {command.does!r} of a command: give one of {', '.join(sorted(_DOES))}")
    if command.where not in get_args(Where) or command.joins not in get_args(Joins):
        raise ConfigError(
            f"where = {command.where!r}, joins = {command.joins!r} of a command: see docs/written-text.md"
        )
    return command

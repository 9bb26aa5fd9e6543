"""What was transcribed, in an SQLite database with full-text search; words only, never sound.

The file is the user's own (mode 0600). Processes may use it at the same time: readers never wait (WAL), writers wait
for each other. What is deleted is overwritten, in the index of the search, too.
"""

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import platformdirs

from asr_app.errors import AsrError, ConfigError, OutputError
from asr_app.events import Written
from asr_app.file_names import as_text
from asr_app.sinks.segment import Segment, Utterance, speaker_of, spoken
from decoder.types import Word

_Made = TypeVar("_Made")

_WAIT_S = 10.0
"""For another process that writes."""

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE transcripts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            source TEXT NOT NULL,
            kind TEXT NOT NULL,
            started REAL NOT NULL,
            duration_s REAL NOT NULL,
            model TEXT NOT NULL,
            language TEXT NOT NULL,
            kept INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX transcripts_by_time ON transcripts (started)",
        """CREATE TABLE segments (
            id INTEGER PRIMARY KEY,
            transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
            speaker TEXT NOT NULL,
            text TEXT NOT NULL,
            words TEXT NOT NULL,
            raw TEXT NOT NULL,
            raw_words TEXT NOT NULL
        )""",
        "CREATE INDEX segments_by_transcript ON segments (transcript)",
        """CREATE VIRTUAL TABLE texts USING fts5 (
            text, raw, content='segments', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
        )""",
        """CREATE TRIGGER segment_added AFTER INSERT ON segments BEGIN
            INSERT INTO texts (rowid, text, raw) VALUES (new.id, new.text, new.raw);
        END""",
        """CREATE TRIGGER segment_deleted AFTER DELETE ON segments BEGIN
            INSERT INTO texts (texts, rowid, text, raw) VALUES ('delete', old.id, old.text, old.raw);
        END""",
    ),
)
"""The statements that make each version of the database of the one before; started: seconds since 1970, UTC."""

_BEGIN_ANEW = "move the file away, then a new one is begun"
_ADVICE = {
    "SQLITE_BUSY": "another asr is writing, try again",
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_CANTOPEN": "mend the permissions of its folder",
    "SQLITE_READONLY": "mend the permissions of the file and its folder",
}


class HistoryError(OutputError):
    """The history cannot be read or written."""


class Kind(StrEnum):
    """Where a transcript came about."""

    FILE = "file"
    DICTATION = "dictation"
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a transcript beside its words.

    source: the recording's absolute path, or the name of what was listened to.
    started: when it was made, with a time zone.
    duration_s: seconds of sound.
    """

    source: str
    kind: Kind
    started: datetime
    duration_s: float
    model: str
    language: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A segment as it is remembered.

    written: its words as they were written.
    text: these with their line breaks.
    raw: its words as they were recognised.
    """

    written: Utterance
    text: str
    raw: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A transcript of a list. number: what commands call it; opening: how its text begins."""

    number: int
    about: About
    kept: bool
    opening: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment that a search found.

    start_s: where it begins in its transcript, in seconds.
    snippet: a part of its text, with [ and ] around what was searched for.
    """

    number: int
    about: About
    start_s: float
    snippet: str


@dataclass(frozen=True, slots=True)
class Period:
    """Transcripts that were made since a time, and before another; None leaves it open."""

    since: datetime | None = None
    before: datetime | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Seconds since 1970."""
        first = self.since.timestamp() if self.since else -math.inf
        return first, self.before.timestamp() if self.before else math.inf


ALWAYS = Period()


def history_file() -> Path:
    """Where the user's history lies."""
    return platformdirs.user_data_path("asr") / "history.sqlite3"


def passage(segment: Segment) -> Passage:
    """A segment of any kind as it is remembered."""
    written = Utterance(segment.words, speaker_of(segment))
    if isinstance(segment, Written):
        return Passage(written, segment.text, segment.raw)
    return Passage(written, spoken(segment), segment.words)


class History:
    """The database; use as a context manager, in one thread. Everything raises HistoryError where it is damaged."""

    def __init__(self, path: Path, days: int | None = None) -> None:
        """days: how long what is not kept stays; None is for ever."""
        self._path = path
        with self._explained():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)  # SQLite's own files beside it get the same mode
            self._db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        try:
            self._prepare(days)
        except AsrError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, about: About, segments: Iterable[Segment]) -> int:
        """Remember a transcript; its number. Bytes of names that are no UTF-8 are kept as \\xe9."""
        source, model = as_text(about.source), as_text(about.model)
        row = (source, about.kind, about.started.timestamp(), about.duration_s, model, about.language)
        with self._writing():
            added = self._db.execute(
                """INSERT INTO transcripts (source, kind, started, duration_s, model, language)
                VALUES (?, ?, ?, ?, ?, ?)""",
                row,
            )
            number = added.lastrowid
            assert number is not None
            self._db.executemany(
                "INSERT INTO segments (transcript, speaker, text, words, raw, raw_words) VALUES (?, ?, ?, ?, ?, ?)",
                [(number, *_row(passage(segment))) for segment in segments if segment.words],
            )
        return number

    def transcripts(self, period: Period = ALWAYS, limit: int = -1) -> list[Listed]:
        """The newest first, at most so many; -1 is all."""
        return self._rows(
            """SELECT *, (SELECT text FROM segments WHERE transcript = transcripts.id ORDER BY id LIMIT 1) AS opening
            FROM transcripts WHERE started >= ? AND started < ? ORDER BY started DESC, id DESC LIMIT ?""",
            (*period.bounds, limit),
            lambda row: Listed(row["id"], _about(row), bool(row["kept"]), row["opening"] or ""),
        )

    def search(self, query: str, period: Period = ALWAYS, limit: int = -1) -> list[Hit]:
        """The segments that have all words of a query, the best first (BM25), at most so many.

        "Words in quotes" are a phrase; word* is how a word begins. Case and accents do not count. ConfigError where
        there is nothing to search for.
        """
        return self._rows(
            """SELECT transcripts.*, words, snippet(texts, -1, '[', ']', '…', 16) AS snippet
            FROM texts JOIN segments ON segments.id = texts.rowid JOIN transcripts ON transcripts.id = transcript
            WHERE texts MATCH ? AND started >= ? AND started < ? ORDER BY rank, started DESC LIMIT ?""",
            (_match(query), *period.bounds, limit),
            lambda row: Hit(row["id"], _about(row), _words(row["words"])[0].start_s, row["snippet"]),
        )

    def about(self, number: int) -> About:
        """What is known of a transcript; ConfigError where there is none of this number."""
        found = self._rows("SELECT * FROM transcripts WHERE id = ?", (number,), _about)
        if not found:
            raise ConfigError(f"there is no transcript {number}: `asr history list` shows those that are there")
        return found[0]

    def passages(self, number: int) -> list[Passage]:
        """The segments of a transcript, in order."""
        return self._rows("SELECT * FROM segments WHERE transcript = ? ORDER BY id", (number,), _remembered)

    def mark(self, numbers: Sequence[int], kept: bool) -> None:
        """Whether transcripts stay, however old they are; ConfigError where one of them is not there."""
        self._check(numbers)
        with self._writing():
            self._db.executemany("UPDATE transcripts SET kept = ? WHERE id = ?", [(kept, one) for one in numbers])

    def delete(self, numbers: Sequence[int]) -> None:
        """Forget transcripts, kept or not; ConfigError where one of them is not there."""
        self._check(numbers)
        with self._writing():
            self._db.executemany("DELETE FROM transcripts WHERE id = ?", [(one,) for one in numbers])
        self._overwrite()

    def expire(self, before: datetime) -> int:
        """Forget all that was made before a time and is not kept; how many they were."""
        old = "FROM transcripts WHERE started < ? AND NOT kept"
        if not self._rows(f"SELECT 1 {old} LIMIT 1", (before.timestamp(),), tuple):
            return 0
        with self._writing():
            count = self._db.execute(f"DELETE {old}", (before.timestamp(),)).rowcount
        self._overwrite()
        return count

    def _prepare(self, days: int | None) -> None:
        with self._explained():
            self._db.row_factory = sqlite3.Row
            for setting in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
                self._db.execute(f"PRAGMA {setting}")
        if self._version() != len(_MIGRATIONS):
            self._migrate()
        if days is not None:
            self.expire(datetime.now().astimezone() - timedelta(days=days))

    def _version(self) -> int:
        return self._rows("PRAGMA user_version", (), lambda row: int(row[0]))[0]

    def _migrate(self) -> None:
        """Bring an older database, or an empty one, to this version, all or nothing."""
        with self._writing():
            version = self._version()  # another process may have done it meanwhile
            if version > len(_MIGRATIONS):
                raise HistoryError(f"{self._path} was made by a newer asr: update this one")
            for statement in (one for migration in _MIGRATIONS[version:] for one in migration):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def _check(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.about(number)

    def _overwrite(self) -> None:
        """Leave nothing of deleted text: secure_delete zeroes pages, but the index drops words only when it merges."""
        with self._writing():
            self._db.execute("INSERT INTO texts (texts) VALUES ('optimize')")
        self._rows("PRAGMA wal_checkpoint (TRUNCATE)", (), tuple)

    def _rows(self, statement: str, values: tuple[object, ...], make: Callable[[Any], _Made]) -> list[_Made]:
        with self._explained():
            rows = self._db.execute(statement, values).fetchall()
        try:
            return [make(row) for row in rows]
        except (ValueError, TypeError, LookupError):
            raise self._unusable("damaged") from None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A transaction, which waits for those of other processes."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:  # commits, or rolls back
                yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the database as one line, without their own words: these may hold what was said."""
        try:
            yield
        except OSError as error:
            raise HistoryError(f"{self._path}: {error.strerror}: mend the permissions of its folder") from error
        except sqlite3.Error as error:
            raise self._unusable(getattr(error, "sqlite_errorname", "damaged")) from None

    def _unusable(self, name: str) -> HistoryError:
        """name: of SQLite's error, or damaged."""
        advice = next((text for kind, text in _ADVICE.items() if name.startswith(kind)), _BEGIN_ANEW)
        return HistoryError(f"the history {self._path} cannot be used ({name}): {advice}")


def _row(one: Passage) -> tuple[str, str, str, str, str]:
    """The columns of a segment; raw words that are those that were written are not kept twice."""
    raw = () if one.raw == one.written.words else one.raw
    return one.written.speaker, one.text, _in_json(one.written.words), spoken(Utterance(raw)), _in_json(raw)


def _remembered(row: Any) -> Passage:
    words = _words(row["words"])
    return Passage(Utterance(words, row["speaker"]), row["text"], _words(row["raw_words"]) or words)


def _in_json(words: Iterable[Word]) -> str:
    return json.dumps([astuple(word) for word in words], ensure_ascii=False)


def _words(text: str) -> tuple[Word, ...]:
    return tuple(Word(*fields) for fields in json.loads(text))


def _about(row: Any) -> About:
    started = datetime.fromtimestamp(row["started"]).astimezone()
    return About(row["source"], Kind(row["kind"]), started, row["duration_s"], row["model"], row["language"])


def _match(query: str) -> str:
    """A query in FTS5's own language (sqlite.org/fts5.html, 3): strings, so that nothing of it is an operator."""
    query = query.encode("utf-8", "replace").decode()  # a command line may have bytes that are no UTF-8
    terms = [phrase or word for phrase, word in re.findall(r'"([^"]*)"|([^\s"]+)', query)]
    terms = [term for term in terms if any(map(str.isalnum, term))]
    if not terms:
        raise ConfigError("nothing to search for: give a word, or a phrase in quotes")
    return " ".join(f'"{term.rstrip("*")}"' + "*" * term.endswith("*") for term in terms)

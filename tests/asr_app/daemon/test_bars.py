"""What desktop bars are shown."""

import json
from typing import Any

from asr_app.daemon.bars import i3status, json_lines, waybar


def words(kind: str, *texts: str) -> dict[str, Any]:
    return {"type": kind, "words": [{"text": text} for text in texts]}


MESSAGES = [
    {"type": "state", "state": "idle"},
    {"type": "state", "state": "listening"},
    {"type": "speech_started", "time_s": 0.1},
    {"type": "state", "state": "speech"},
    words("partial", "rock", "&", "roll"),
    words("partial", "rock", "&", "roll"),
    words("final", "rock", "&", "roll"),
    {"type": "state", "state": "stopped"},
]


def test_waybar_is_escaped_and_told_of_changes_only() -> None:
    lines = [json.loads(line) for line in waybar(MESSAGES)]
    assert [line["class"] for line in lines] == ["idle", "listening", "speech", "speech", "speech", "stopped"]
    assert lines[3]["text"] == "◉ rock &amp; roll"
    assert lines[4]["text"] == "◉"


def test_i3status_is_the_protocol_of_i3bar() -> None:
    version, opening, *lines = i3status(MESSAGES)
    assert json.loads(version) == {"version": 1}
    rows = json.loads(opening + "".join(lines).rstrip(",") + "]")
    assert [len(row) for row in rows] == [1] * 6
    assert rows[3][0]["full_text"] == "◉ rock & roll"


def test_long_words_in_progress_show_their_end() -> None:
    (line,) = waybar([words("partial", *(f"word{n}" for n in range(30)))])
    assert json.loads(line)["text"].endswith("word29")
    assert len(json.loads(line)["text"]) < 50


def test_json_is_every_message() -> None:
    assert [json.loads(line) for line in json_lines(MESSAGES)] == MESSAGES

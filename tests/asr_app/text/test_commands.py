"""Voice commands in four languages, and words that only look like them."""

from pathlib import Path

import pytest

from asr_app.errors import ConfigError
from asr_app.text.command_file import read_commands
from asr_app.text.commands import Commands
from asr_app.text.stages import check_spans, text_of, tokens_of

ENGLISH = Commands(read_commands("en"))


def obeyed(text: str, commands: Commands = ENGLISH) -> str:
    tokens = commands.apply(tokens_of(text.split()))
    check_spans(tokens, len(text.split()))
    return text_of(tokens)


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("dear anna comma new line thank you", "dear anna,\nthank you"),
        ("the end new paragraph the start", "the end\n\nthe start"),
        ("he said open quote hello close quote and left", "he said “hello” and left"),
        ("really question mark", "really?"),
        ("period", "."),
        ("that is all full stop we left", "that is all. we left"),
        ("it was late command period we left", "it was late. we left"),
        ("well command dash no", "well – no"),
        ("mother command hyphen in command hyphen law", "mother-in-law"),
        ("all caps nasa is there", "NASA is there"),
        ("all caps on very big all caps off news", "VERY BIG news"),
        ("command cap smith came", "Smith came"),
        ("that was it all caps", "that was it"),
        ("New Line", "\n"),
        ("open quote", "“"),
        ("no comma thanks", "no, thanks"),
        ("what is that question mark", "what is that?"),
        ("two things colon new line first", "two things:\nfirst"),
        ("two things colon", "two things:"),
        ("i am here period new paragraph bye", "i am here.\n\nbye"),
        ("wait dot dot dot r ampersand d", "wait… r & d"),
        ("see you tomorrow period", "see you tomorrow."),
        ("i live here period he does not period", "i live here. he does not."),
        ("he left period close quote", "he left.”"),
        ("we won in that period period", "we won in that period."),
        ("note colon this is new", "note: this is new"),
        ("it is late semi colon we go", "it is late; we go"),
        ("so open paren see it close paren yes", "so (see it) yes"),
    ],
)
def test_commands_are_obeyed(spoken: str, expected: str) -> None:
    assert obeyed(spoken) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a new line of products",
        "the comma is small",
        "a long period",
        "there is a grace period",
        "we agreed on a thirty day trial period",
        "it was the same period",
        "nothing happened during this period",
        "nothing happened in that period",
        "a twenty four hour period",
        "a new period of growth",
        "comma separated values",
        "she got her period today",
        "it is a big question mark",
        "we came to a complete full stop",
        "the title in all caps",
        "write it in all caps please",
        "he wears caps on his head",
        "the mushroom caps off the grill",
        "put the cap on",
        "my colon hurts",
        "colon cancer",
        "the end of the period",
        "his baseball cap",
        "a quote unquote friend",
        "to a full stop",
        "",
    ],
)
def test_words_that_clash_are_words(text: str) -> None:
    assert obeyed(text) == text


@pytest.mark.parametrize(
    ("language", "spoken", "expected"),
    [
        ("de", "hallo komma neue zeile wie geht es fragezeichen", "hallo,\nwie geht es?"),
        ("fr", "bonjour virgule à la ligne ça va", "bonjour,\nça va"),
        ("es", "hola comando coma nueva línea abrir interrogación qué tal cerrar interrogación", "hola,\n¿qué tal?"),
        ("de", "wir kommen morgen punkt", "wir kommen morgen."),
        ("de", "das ist ein wichtiger punkt", "das ist ein wichtiger punkt"),
        ("de", "anführungszeichen auf er kommt punkt anführungszeichen zu", "„er kommt.“"),
        ("fr", "on arrive demain point", "on arrive demain."),
        ("fr", "il est en retard sur ce point", "il est en retard sur ce point"),
        ("es", "llegamos mañana punto", "llegamos mañana."),
        ("es", "son las tres en punto", "son las tres en punto"),
        ("es", "ya es tarde punto y aparte hasta mañana", "ya es tarde.\n\nhasta mañana"),
    ],
)
def test_other_languages(language: str, spoken: str, expected: str) -> None:
    assert obeyed(spoken, Commands(read_commands(language))) == expected


@pytest.mark.parametrize(
    ("spoken", "action"),
    [
        ("scratch that", "scratch"),
        ("command undo that", "undo"),
        ("Stop Dictation", "stop"),
        ("please stop dictation", ""),
        ("scratch that itch", ""),
        ("", ""),
    ],
)
def test_actions_are_whole_utterances(spoken: str, action: str) -> None:
    assert ENGLISH.action(spoken.split()) == action


def test_a_mark_that_a_pause_has_made_idle_is_not_doubled() -> None:
    def gone_on(before: str, text: str) -> str:
        return obeyed(text, ENGLISH.going_on(before))

    assert gone_on("We went home.", "period") == ""
    assert gone_on("He said “no.”", "comma and left") == "and left"
    assert gone_on("We went home", "full stop") == "."
    assert gone_on("We went home.\n", "comma") == ","
    assert gone_on("It is late.", "question mark") == "?"
    assert gone_on("It is late.", "so comma yes") == "so, yes"


def test_every_language_can_scratch_undo_and_stop() -> None:
    for language in ("en", "de", "fr", "es"):
        commands = read_commands(language)
        assert {"scratch", "undo", "stop"} <= {command.does for command in commands.commands.values()}
        assert {",", ".", "?", "\n", "\n\n"} <= {command.writes for command in commands.commands.values()}


def test_what_a_command_writes_is_locked_and_knows_its_words() -> None:
    comma = ENGLISH.apply(tokens_of(["hi", "comma"]))[1]
    assert (comma.text, comma.start, comma.end, comma.space_before, comma.locked) == (",", 1, 2, False, True)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "commands.toml"
    own.write_text(
        '[en]\ncommands = [{ phrases = ["smiley"], writes = "🙂", joins = "none" }, '
        '{ phrases = ["comma"], writes = "" }]\n'
        '[la]\nkeyword = "iussum"\ncommands = [{ phrases = ["nova linea"], writes = "\\n" }]\n',
        encoding="utf-8",
    )
    assert obeyed("fine smiley comma new line", Commands(read_commands("en", own))) == "fine 🙂 comma\n"
    assert obeyed("nova linea", Commands(read_commands("la", own))) == "\n"
    assert read_commands("en", tmp_path / "none.toml") == read_commands("en")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[en", "commands.toml"),
        ("[en]\n", "commands"),
        ('[en]\ncommands = [{ writes = "x" }]', "phrases"),
        ('[en]\ncommands = [{ phrases = ["x"], does = "explode" }]', "explode"),
        ('[en]\ncommands = [{ phrases = ["x"], writes = "x", where = "moon" }]', "moon"),
        ('[en]\ncommands = [{ phrases = ["x"], colour = "red" }]', "colour"),
        ('[en]\ncommands = [{ phrases = ["x"], writes = "x", not_after = "the" }]', "list of phrases"),
        ('[en]\ncommands = [{ phrases = "x", writes = "x" }]', "list of phrases"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    own = tmp_path / "commands.toml"
    own.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_commands("en", own)


def test_an_unknown_language() -> None:
    with pytest.raises(ConfigError, match="'tlh'"):
        read_commands("tlh")

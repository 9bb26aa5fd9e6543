"""Voice commands: spoken punctuation, line breaks and capitals become tokens; a whole utterance may be an action."""

from collections.abc import Sequence
from dataclasses import replace

from asr_app.text.command_file import ACTIONS, Command, Language
from asr_app.text.phrases import Match, Phrases
from asr_app.text.stages import Token, Tokens

_STAGE = "commands"


class Commands:
    """The stage that obeys the commands of one language."""

    name = _STAGE

    def __init__(self, language: Language) -> None:
        self._keyword, self._not_after = language.keyword, language.not_after
        self._phrases: Phrases[Command] = Phrases(language.commands)

    def action(self, words: Sequence[str]) -> str:
        """What a whole utterance wants done ("scratch", "undo", "stop"), empty for another; the keyword may lead it."""
        begin = int(len(words) > 1 and words[0].casefold() == self._keyword)
        match = self._phrases.at(words, begin) if words else None
        whole = match is not None and match.end == len(words) and match.value.does in ACTIONS
        return match.value.does if match and whole else ""

    def apply(self, tokens: Tokens) -> Tokens:
        """See stages.Stage; what a command writes is locked."""
        words = [token.text for token in tokens]
        writer = _Writer()
        place = 0
        while place < len(tokens):
            match = self._command_at(words, place)
            if match is None:
                writer.copy(tokens[place])
            else:
                writer.obey(match.value, tokens[place].start, tokens[match.end - 1].end)
            place = match.end if match else place + 1
        return writer.finish()

    def _command_at(self, words: Sequence[str], place: int) -> Match[Command] | None:
        """The command at a place, its keyword included."""
        called = words[place].casefold() == self._keyword and place + 1 < len(words)
        match = self._phrases.at(words, place + called)
        if match is None or match.value.does in ACTIONS:
            return None
        if called:
            return replace(match, start=place)
        clashes = place > 0 and words[place - 1].casefold() in self._not_after
        return match if self._stands_free(match, words) and not clashes else None

    def _stands_free(self, match: Match[Command], words: Sequence[str]) -> bool:
        """Whether a command without its keyword stands where it holds."""
        if match.value.where == "anywhere" or match.end - match.start == len(words):
            return True
        if match.end == len(words):
            return match.value.where == "last"
        after = self._phrases.at(words, match.end)
        return bool(match.value.writes) and after is not None and after.value.writes.isspace()


class _Writer:
    """The tokens so far, and what the words that come next are to look like."""

    def __init__(self) -> None:
        self._tokens: list[Token] = []
        self._does = ""
        self._joined = False
        self._silent: int | None = None  # the first raw word of a command that writes nothing itself
        self._end = 0  # behind its last

    def copy(self, token: Token) -> None:
        text = token.text
        if self._does == "cap":
            text = text[:1].upper() + text[1:]
        elif self._does in ("all_caps", "all_caps_on"):
            text = text.upper()
        if self._does:
            token = replace(token, text=text, locked=True, stage=_STAGE)
        if self._does != "all_caps_on":
            self._does = ""
        self._add(token)

    def obey(self, command: Command, start: int, end: int) -> None:
        if command.does:
            self._does = "" if command.does == "all_caps_off" else command.does
            self._silent = start if self._silent is None else self._silent
            self._end = end
            return
        is_break = command.writes.isspace()
        self._add(Token(command.writes, start, end, not is_break and command.joins in ("after", "none"), True, _STAGE))
        self._joined = is_break or command.joins in ("after", "both")

    def finish(self) -> Tokens:
        """All tokens; a command for capitals after which no word came writes nothing."""
        if self._silent is not None:
            self._tokens.append(Token("", self._silent, self._end, False, True, _STAGE))
        return tuple(self._tokens)

    def _add(self, token: Token) -> None:
        if self._silent is not None:
            token, self._silent = replace(token, start=self._silent), None
        if self._joined:
            token, self._joined = replace(token, space_before=False), False
        self._tokens.append(token)

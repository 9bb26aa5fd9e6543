"""Voice commands: spoken punctuation, line breaks and capitals become tokens; a whole utterance may be an action."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

from asr_app.text.command_file import ACTIONS, Command, Language
from asr_app.text.phrases import Match, Phrases
from asr_app.text.rewriting import ends_sentence
from asr_app.text.stages import Token, Tokens

_STAGE = "commands"
_IDLE = frozenset(".,;:")
"""Marks that say nothing behind the end of a sentence."""
_CLOSERS = frozenset("”“»)")
_LONGEST_BEFORE = 3
"""Words of the longest phrase of not_after."""


class Commands:
    """The stage that obeys the commands of one language."""

    name = _STAGE

    def __init__(self, language: Language) -> None:
        self._keyword, self._not_after = language.keyword, language.not_after
        self._phrases: Phrases[Command] = Phrases(language.commands)
        self._ends_before = False

    def going_on(self, before: str) -> "Commands":
        """The same commands for a final that goes on from a text."""
        commands = copy(self)
        commands._ends_before = ends_sentence(before)
        return commands

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
        return self._opened(writer.finish())

    def _opened(self, tokens: Tokens) -> Tokens:
        """Tokens without the mark they begin with, where a pause has ended the sentence: "period" said behind it."""
        if not (self._ends_before and tokens and tokens[0].stage == _STAGE and tokens[0].text in _IDLE):
            return tokens
        return (replace(tokens[0], text=""), *tokens[1:])

    def _command_at(self, words: Sequence[str], place: int) -> Match[Command] | None:
        """The command at a place, its keyword included."""
        called = words[place].casefold() == self._keyword and place + 1 < len(words)
        match = self._phrases.at(words, place + called)
        if match is None or match.value.does in ACTIONS:
            return None
        if called:
            return replace(match, start=place)
        return match if self._stands_free(match, words) and not self._are_words(match, words) else None

    def _are_words(self, match: Match[Command], words: Sequence[str]) -> bool:
        """Whether the words beside a command make words of it: a comma, the trial period, a period of time."""
        before = [word.casefold() for word in words[max(0, match.start - _LONGEST_BEFORE) : match.start]]
        behind = {" ".join(before[begin:]) for begin in range(len(before))}
        after = words[match.end].casefold() if match.end < len(words) else ""
        not_after = self._not_after | match.value.not_after
        return not behind.isdisjoint(not_after) or after in match.value.not_before

    def _stands_free(self, match: Match[Command], words: Sequence[str]) -> bool:
        """Whether a command without its keyword stands where it holds."""
        if match.value.where == "anywhere" or match.end - match.start == len(words):
            return True
        is_last = match.value.where == "last"
        if match.end == len(words):
            return is_last
        after = self._phrases.at(words, match.end)
        if after is None or not match.value.writes:
            return False
        return after.value.writes.isspace() or (is_last and after.value.writes in _CLOSERS)


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

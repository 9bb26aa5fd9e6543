"""From finals to written text: a pipeline of stages, and the worker that runs it beside the recogniser.

Whatever happens in a stage, a final comes out: as it was recognised, with a note that says why.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from asr_app.events import Final, Written
from asr_app.text.command_file import read_commands
from asr_app.text.commands import Commands
from asr_app.text.guard import Guarded
from asr_app.text.hook import Hook, HookError
from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.itn.style import PLAIN, USUAL
from asr_app.text.patience import Patience, TooSlowError
from asr_app.text.realign import realigned
from asr_app.text.replacements import Replacements, read_replacements
from asr_app.text.rewriting import Punctuation, Rewriting
from asr_app.text.stages import Rewriter, Stage, Tagger, Tokens, check_spans, text_of, tokens_of
from asr_app.text.written import written

logger = logging.getLogger(__name__)

TIMEOUT_S, _TIMEOUT_A_WORD_S = 3.0, 0.005
_REMEMBERED = 100
"""Segments that may be scratched one after another before the next begins a text anew."""


class Write(Protocol):
    """Writes finals; shared by all streams."""

    def __call__(self, final: Final, before: str = "", /) -> Written:
        """The written form of a final that goes on from a text, of the same stream."""
        ...


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """What is to be done to a final.

    commands: the language of voice commands ("en"); None for none, as of recordings.
    own_commands, replacements: the user's files, which need not be there.
    numbers: how they are written, usual or plain; off leaves them in words.
    hook: the user's own last step.
    """

    commands: str | None = None
    own_commands: Path | None = None
    replacements: Path | None = None
    numbers: Literal["usual", "plain", "off"] = "usual"
    hook: Hook | None = None


def load_pipeline(
    options: WritingOptions, rewriter: Rewriter | None = None, tagger: Tagger | None = None
) -> "Pipeline":
    """The pipeline of some options. rewriter: a model in the place of the rules, which guard it. tagger: a model.

    Raises ConfigError for a wrong file.
    """
    commands = Commands(read_commands(options.commands, options.own_commands)) if options.commands else None
    texts = read_replacements(options.replacements) if options.replacements else {}
    stages: list[Stage] = [Replacements(texts)] if texts else []
    if options.numbers != "off":
        rules = RuleRewriter(USUAL if options.numbers == "usual" else PLAIN)
        stages.append(Rewriting(Guarded(rewriter, rules) if rewriter else rules))
    return Pipeline(stages, commands, Punctuation(tagger) if tagger else None, options.hook)


class Pipeline:
    """Stages in order; shared by all streams, it keeps nothing of them."""

    def __init__(
        self,
        stages: Sequence[Stage],
        commands: Commands | None = None,
        punctuation: Punctuation | None = None,
        hook: Hook | None = None,
    ) -> None:
        """stages: between the commands and the punctuation."""
        self._stages = stages
        self._commands, self._punctuation, self._hook = commands, punctuation, hook

    def write(self, final: Final, before: str = "") -> Written:
        """The written form of a final, which goes on from a text; its raw words and a note where a stage fails."""
        words = [word.text for word in final.words]
        action = self._commands.action(words) if self._commands else ""
        if action:
            return written(final, (), action=action)
        tokens = tokens_of(words)
        first: list[Stage] = [self._commands.going_on(before)] if self._commands else []
        last = [replace(self._punctuation, before=before)] if self._punctuation else []
        for stage in [*first, *self._stages, *last]:
            try:
                tokens = _applied(stage, tokens, len(words))
            except Exception as error:
                logger.info("the details:", exc_info=True)
                return unwritten(final, f"{stage.name} failed ({type(error).__name__})")
        return self._hooked(final, tokens)

    def _hooked(self, final: Final, tokens: Tokens) -> Written:
        if self._hook is None or not tokens:
            return written(final, tokens)
        try:
            return written(final, realigned(tokens, self._hook.run(text_of(tokens)), "hook"))
        except HookError as error:
            return written(final, tokens, note=str(error))


def unwritten(final: Final, reason: str) -> Written:
    """A final as it was recognised, in the form of written text."""
    return written(final, tokens_of(word.text for word in final.words), note=f"{reason}: the words are as recognised")


def _applied(stage: Stage, tokens: Tokens, words: int) -> Tokens:
    """What a stage makes of tokens; ValueError where it lost words or changed what was locked."""
    after = stage.apply(tokens)
    check_spans(after, words)
    if not {token for token in tokens if token.locked} <= set(after):
        raise ValueError("a locked token was changed")
    return after


class PostProcessor:
    """Writes the finals of a stream in a worker of its own, in their order; each comes out once, within its time."""

    def __init__(
        self,
        write: Write,
        tell: Callable[[Written], None],
        ended: Callable[[], None] = lambda: None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """write: of a Pipeline. tell, ended: get what was written, and its end, in another thread.

        timeout_s: for a short final.
        """
        self._tell, self._ended, self._timeout_s = tell, ended, timeout_s
        self._finals: queue.SimpleQueue[Final | None] = queue.SimpleQueue()
        self._models = Patience[tuple[Final, str], Written](lambda asked: write(*asked))
        self._texts: deque[str] = deque(maxlen=_REMEMBERED)
        self._dispatcher = threading.Thread(target=self._dispatch, name="writer", daemon=True)
        self._dispatcher.start()

    def put(self, final: Final) -> None:
        """Take a final; never waits."""
        self._finals.put(final)

    def close(self) -> None:
        """Take no more; never waits for what was taken."""
        self._finals.put(None)

    def join(self) -> None:
        """Wait, after close, until all that was taken has come out."""
        self._dispatcher.join()

    @property
    def before(self) -> str:
        """The text of the segments that were written and not taken back, which the next one goes on from."""
        return " ".join(self._texts)

    def _dispatch(self) -> None:
        for final in iter(self._finals.get, None):
            text = self._written(final)
            self._remember(text)
            self._tell(text)
        self._models.close()
        self._ended()

    def _remember(self, text: Written) -> None:
        if text.text:
            self._texts.append(text.text)
        elif text.action == "scratch" and self._texts:
            self._texts.pop()
        elif text.action:
            self._texts.clear()

    def _written(self, final: Final) -> Written:
        patience_s = self._timeout_s + _TIMEOUT_A_WORD_S * len(final.words)
        try:
            return self._models.ask((final, self.before), patience_s)
        except TooSlowError as error:
            return unwritten(final, f"the text models {error}")
        except Exception as error:
            logger.info("the details:", exc_info=True)
            return unwritten(final, f"the text models failed ({type(error).__name__})")

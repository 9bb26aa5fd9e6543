"""From finals to written text: a pipeline of stages, and the worker that runs it beside the recogniser.

Whatever happens in a stage, a final comes out: as it was recognised, with a note that says why.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asr_app.events import Final, Written
from asr_app.text.command_file import read_commands
from asr_app.text.commands import Commands
from asr_app.text.guard import Guarded
from asr_app.text.hook import Hook, HookError
from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.itn.style import PLAIN, USUAL
from asr_app.text.realign import realigned
from asr_app.text.replacements import Replacements, read_replacements
from asr_app.text.rewriting import Punctuation, Rewriting
from asr_app.text.stages import Rewriter, Stage, Tagger, Tokens, check_spans, text_of, tokens_of
from asr_app.text.written import written

logger = logging.getLogger(__name__)

_TIMEOUT_S, _TIMEOUT_A_WORD_S = 3.0, 0.005


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
    if tagger:
        stages.append(Punctuation(tagger))
    return Pipeline(stages, commands, options.hook)


class Pipeline:
    """Stages in order; shared by all streams, as every final is written by itself."""

    def __init__(self, stages: Sequence[Stage], commands: Commands | None = None, hook: Hook | None = None) -> None:
        self._stages: list[Stage] = [commands, *stages] if commands else [*stages]
        self._commands, self._hook = commands, hook

    def write(self, final: Final) -> Written:
        """The written form of a final; its raw words and a note where a stage fails."""
        words = [word.text for word in final.words]
        action = self._commands.action(words) if self._commands else ""
        if action:
            return written(final, (), action=action)
        tokens = tokens_of(words)
        for stage in self._stages:
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
    """Writes finals in a worker of its own, in their order; each comes out once, within its time."""

    def __init__(
        self,
        write: Callable[[Final], Written],
        tell: Callable[[Written], None],
        ended: Callable[[], None] = lambda: None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        """write: of a Pipeline. tell, ended: get what was written, and its end, in another thread.

        timeout_s: for a short final.
        """
        self._write, self._tell, self._ended, self._timeout_s = write, tell, ended, timeout_s
        self._finals: queue.SimpleQueue[Final | None] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[tuple[Final, Future[Written]] | None] = queue.SimpleQueue()
        self._job: Future[Written] | None = None
        self._dispatcher = threading.Thread(target=self._dispatch, name="writer", daemon=True)
        for thread in (self._dispatcher, threading.Thread(target=self._work, name="text models", daemon=True)):
            thread.start()

    def put(self, final: Final) -> None:
        """Take a final; never waits."""
        self._finals.put(final)

    def close(self) -> None:
        """Take no more; never waits for what was taken."""
        self._finals.put(None)

    def join(self) -> None:
        """Wait, after close, until all that was taken has come out."""
        self._dispatcher.join()

    def _dispatch(self) -> None:
        for final in iter(self._finals.get, None):
            self._tell(self._written(final))
        self._jobs.put(None)
        self._ended()

    def _written(self, final: Final) -> Written:
        if self._job is not None and not self._job.done():
            return unwritten(final, "the text models are still busy with an earlier segment")
        self._job = Future()
        self._jobs.put((final, self._job))
        patience_s = self._timeout_s + _TIMEOUT_A_WORD_S * len(final.words)
        try:
            return self._job.result(patience_s)
        except TimeoutError:
            return unwritten(final, f"the text models took longer than {patience_s:.1f} s")
        except Exception as error:
            logger.info("the details:", exc_info=True)
            return unwritten(final, f"the text models failed ({type(error).__name__})")

    def _work(self) -> None:
        """The thread that a stage may hold up: what comes too late is dropped."""
        for final, job in iter(self._jobs.get, None):
            try:
                job.set_result(self._write(final))
            except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
                job.set_exception(error)

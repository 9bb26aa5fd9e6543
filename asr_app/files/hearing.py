"""What is said in a run of speech: encoder, search and second pass, at once instead of step by step.

Runs are heard one by one. A batch of them is hardly faster on a CPU (docs/transcribe.md has the figures), and a run's
result would depend on what else is in its batch.
"""

from collections.abc import Callable
from dataclasses import replace

from asr_app.files.segments import Speech
from asr_app.recognizer import Recognizer
from asr_app.rescoring import HYPOTHESES
from asr_app.sinks.segment import Alternative, Utterance
from decoder.beam_session import BeamSession
from decoder.types import Hypothesis, Word

Hear = Callable[[Speech], Utterance]


def hear(recognizer: Recognizer, speech: Speech, alternatives: int = 0) -> Utterance:
    """The words of a run, at their times in the recording, and at most so many of its likeliest readings."""
    decoder = recognizer.decoder.session()
    decoder.accept(recognizer.log_probs(speech.samples))
    best, readings = decoder.finish(), []
    if isinstance(decoder, BeamSession):
        readings = decoder.nbest(max(alternatives, HYPOTHESES))
        best = recognizer.rescorer.best(readings, ()) if recognizer.rescorer else best
    words = tuple(_placed(word, speech.start_s, recognizer) for word in recognizer.written.final(best).words)
    return Utterance(words, alternatives=tuple(_alternative(one) for one in readings[:alternatives]))


def _placed(word: Word, offset_s: float, recognizer: Recognizer) -> Word:
    """A word at its time in the recording, its confidence calibrated; plain numbers, which go through JSON."""
    return replace(
        word,
        start_s=float(word.start_s + offset_s),
        end_s=float(word.end_s + offset_s),
        confidence=float(recognizer.calibration(word.confidence)),
    )


def _alternative(hypothesis: Hypothesis) -> Alternative:
    return Alternative(hypothesis.text, float(hypothesis.acoustic_score + hypothesis.lm_score))

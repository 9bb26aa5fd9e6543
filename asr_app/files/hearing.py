"""What is said in a run of speech: encoder, search and second pass, at once instead of step by step.

Runs are heard one by one, unless a GPU hears them (asr_app/files/in_batches.py). A batch of them is hardly faster on a
CPU (docs/transcribe.md has the figures), and a run's result would depend on what else is in its batch.
"""

from asr_app.files.segments import Speech
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Alternative, Utterance
from decoder.beam_session import BeamSession
from decoder.types import Hypothesis, LogProbs


def hear(recognizer: Recognizer, speech: Speech, alternatives: int = 0) -> Utterance:
    """The words of a run, at their times in the recording, and at most so many of its likeliest readings."""
    return read(recognizer, recognizer.log_probs(speech.samples), speech, alternatives)


def read(recognizer: Recognizer, log_probs: LogProbs, speech: Speech, alternatives: int = 0) -> Utterance:
    """The same of a run whose log-probabilities (T, V) are known."""
    decoder = recognizer.decoder.session()
    decoder.accept(log_probs)
    words = recognizer.words(recognizer.final(decoder), speech.start_s)
    readings = decoder.nbest(alternatives) if alternatives and isinstance(decoder, BeamSession) else []
    return Utterance(words, alternatives=tuple(map(_alternative, readings)))


def _alternative(hypothesis: Hypothesis) -> Alternative:
    return Alternative(hypothesis.text, hypothesis.acoustic_score + hypothesis.lm_score)

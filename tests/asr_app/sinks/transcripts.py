"""Transcripts to write."""

from hypothesis import strategies as st

from asr_app.sinks.segment import Utterance
from decoder.types import Word


def said(text: str, start_s: float = 0.0, each_s: float = 0.4, speaker: str = "") -> Utterance:
    """Words of equal length without pauses."""
    words = [Word(w, start_s + k * each_s, start_s + (k + 1) * each_s, 0.9) for k, w in enumerate(text.split())]
    return Utterance(tuple(words), speaker)


def random_segments() -> st.SearchStrategy[list[Utterance]]:
    """Segments of odd words and lengths, one after the other."""
    word = st.tuples(st.text("abc <é\n", max_size=60), st.floats(0, 3), st.floats(0, 9))

    def timed(rows: list[list[tuple[str, float, float]]]) -> list[Utterance]:
        now, segments = 0.0, []
        for row in rows:
            words = []
            for text, pause, length in row:
                words.append(Word(text, now + pause, now + pause + length, 0.5))
                now += pause + length
            segments.append(Utterance(tuple(words)))
        return segments

    return st.lists(st.lists(word, max_size=30), max_size=4).map(timed)

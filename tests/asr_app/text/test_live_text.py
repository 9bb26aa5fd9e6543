"""Live text: two words of look-ahead, and nothing that was shown as fixed ever changes."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from asr_app.events import Partial
from asr_app.text.live_text import LOOK_AHEAD, LivePartials, LiveText
from decoder.types import Word


class Tagger:
    """Ends a sentence where the next two words are "and then", which takes both of them to know."""

    def __init__(self) -> None:
        self.longest = 0

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        self.longest = max(self.longest, len(words))
        ends = [list(words[place + 1 : place + 3]) == ["and", "then"] for place in range(len(words))]
        starts = [place == 0 or ends[place - 1] for place in range(len(words))]
        return [
            (word.capitalize() if start else word, "." if end else "")
            for word, start, end in zip(words, starts, ends, strict=True)
        ]


WORDS = ["we", "came", "and", "then", "we", "left", "and", "then", "it", "rained"]
WRITTEN = ["We", "came.", "And", "then", "we", "left.", "And", "then", "it", "rained"]


@given(st.lists(st.integers(0, 4)))
def test_any_way_of_coming_gives_the_same_words(sizes: list[int]) -> None:
    text, given_words, at = LiveText(Tagger()), [], 0
    for size in sizes:
        given_words += text.accept(WORDS[at : at + size])
        at = min(len(WORDS), at + size)
        assert len(given_words) == max(0, at - LOOK_AHEAD)
        assert given_words == WRITTEN[: len(given_words)]
    assert given_words + text.accept(WORDS[at:], is_final=True) == WRITTEN
    assert list(text.fixed) == WRITTEN


def test_the_work_for_a_word_does_not_grow() -> None:
    tagger = Tagger()
    text = LiveText(tagger)
    for _ in range(1000):
        text.accept(["word"])
    assert tagger.longest < 80
    assert len(text.fixed) == 1000 - LOOK_AHEAD


def partial(words: Sequence[str], stable: int, segment_id: int = 0) -> Partial:
    timed = tuple(Word(word, index, index + 1, 0.5) for index, word in enumerate(words))
    return Partial(segment_id, stable, timed, stable)


def test_partials_with_sentences() -> None:
    live = LivePartials(Tagger())
    shown = [live.write(partial([*WORDS[:stable], "maybe"], stable)) for stable in range(len(WORDS))]
    for stable, event in enumerate(shown):
        fixed = max(0, stable - LOOK_AHEAD)
        assert event.stable_words == fixed
        assert [word.text for word in event.words] == [*WRITTEN[:fixed], *WORDS[fixed:stable], "maybe"]
        assert [word.start_s for word in event.words] == list(range(stable + 1))
    assert live.write(partial(["new"], 1, segment_id=1)).words[0].text == "new"

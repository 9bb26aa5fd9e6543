"""Live text: two words of look-ahead, and nothing that was shown as fixed ever changes."""

import threading
import time
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
    rest = [*WORDS[at:], *["soon"] * LOOK_AHEAD]
    assert given_words + text.accept(rest) == WRITTEN


def test_the_work_for_a_word_does_not_grow() -> None:
    tagger = Tagger()
    text = LiveText(tagger)
    assert sum(len(text.accept(["word"])) for _ in range(1000)) == 1000 - LOOK_AHEAD
    assert tagger.longest < 80


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


def test_a_segment_goes_on_in_the_sentence_that_the_text_before_left_open() -> None:
    for before, first in (("", "It"), ("So it rained.", "It"), ("It rained. So", "it")):
        live = LivePartials(Tagger(), lambda before=before: before)  # type: ignore[misc]
        assert live.write(partial(["it", "was", "i"], 3)).words[0].text == first


def test_a_tagger_that_hangs_holds_up_one_event_and_says_so() -> None:
    release = threading.Event()

    class Hangs(Tagger):
        def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
            if "hang" in words:
                release.wait(30)
            return super().tag(words)

    live = LivePartials(Hangs(), timeout_s=0.1)
    assert live.write(partial(WORDS, 3)).words[0].text == "We"
    began = time.monotonic()
    stuck = ["we", "came", "and", "hang", "on"]
    for _ in range(100):
        shown = live.write(partial(stuck, 4))
    assert [word.text for word in shown.words] == ["We", *stuck[1:]]
    assert shown.stable_words == 4
    assert live.write(partial(stuck, 4, segment_id=1)).words[0].text == "we"
    assert time.monotonic() - began < 5
    assert live.failure(0) == "the text models took longer than 0.1 s: the words in progress were as recognised"
    assert "still busy" in live.failure(1)
    assert live.failure(0) == ""
    release.set()
    live.close()


def test_a_tagger_that_fails_is_asked_again_in_the_next_segment() -> None:
    class Fails(Tagger):
        def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
            if "crash" in words:
                raise RuntimeError
            return super().tag(words)

    live = LivePartials(Fails())
    said = ["crash", "we", "came", "home"]
    assert [live.write(partial(said, stable)).words[0].text for stable in (3, 4)] == ["crash", "crash"]
    assert live.write(partial(WORDS, 3, segment_id=1)).words[0].text == "We"
    assert "failed (RuntimeError)" in live.failure(0)
    assert live.failure(1) == ""
    live.close()

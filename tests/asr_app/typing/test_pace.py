from asr_app.events import Final, Partial, SpeechEnded
from asr_app.typing.pace import CommittedWords
from decoder.types import Word


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(word, 0.0, 0.0, 1.0) for word in text.split())


def test_each_word_once_as_soon_as_it_is_stable() -> None:
    pace = CommittedWords()
    events = [
        Partial(0, 0, words("we kneed"), 1),
        Partial(0, 1, words("we need milk"), 1),
        SpeechEnded(1.0),
        Partial(0, 3, words("we need milk and"), 3),  # one between was left out
        Final(0, 4, words("we need milk and bread")),
        Partial(1, 0, words("six"), 0),
        Final(1, 1, words("six eggs")),
        Final(2, 0, ()),
    ]
    assert [pace(event) for event in events] == ["we", "", "", "need milk", "and bread", "", "six eggs", ""]

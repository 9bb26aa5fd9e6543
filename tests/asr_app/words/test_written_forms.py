from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_app.words.vocabulary import Entry
from asr_app.words.written_forms import WrittenForms
from decoder.types import Hypothesis, Word

ENTRIES = [Entry(text) for text in ("Kubernetes", "New York", "GPT-4o", "G-P", "plain word", "3M", "Dr. No")]


def heard(text: str, stable: int = 0) -> Hypothesis:
    words = (Word(word, float(i), i + 0.5, 1 - i / 20) for i, word in enumerate(text.split()))
    return Hypothesis(tuple(words), stable, -3.0, -4.0)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a kubernetes cluster", "a Kubernetes cluster"),
        ("in new york a new plain word", "in New York a new plain word"),
        ("g p t four o or g p t four", "GPT-4o or G-P t four"),
        ("three m and three men", "3M and three men"),
        ("doctor no and co", "Dr. No and co"),
        ("", ""),
    ],
)
def test_entries_are_written_as_the_user_does(said: str, written: str) -> None:
    final = WrittenForms(ENTRIES).final(heard(said))
    assert final.text == written
    assert final.stable_words == len(final.words)
    assert (final.acoustic_score, final.lm_score) == (-3.0, -4.0)


def test_a_written_word_has_the_time_of_all_its_words_and_their_least_confidence() -> None:
    words = WrittenForms(ENTRIES).final(heard("say g p t four o")).words
    assert words[1] == Word("GPT-4o", 1.0, 5.5, pytest.approx(0.75))


@pytest.mark.parametrize(
    ("said", "stable", "written", "then_stable"),
    [
        ("use kubernetes now", 2, "use Kubernetes now", 2),
        ("go to new", 3, "go to new", 2),  # york may follow
        ("go to new york", 3, "go to New York", 2),
        ("go to new york", 4, "go to New York", 4),
        ("go to new shops", 4, "go to new shops", 4),
        ("g p t four", 4, "G-P t four", 0),
        ("g p t for", 4, "G-P t for", 3),
    ],
)
def test_a_word_is_stable_where_no_later_one_can_make_it_part_of_an_entry(
    said: str, stable: int, written: str, then_stable: int
) -> None:
    partial = WrittenForms(ENTRIES).partial(heard(said, stable))
    assert (partial.text, partial.stable_words) == (written, then_stable)


@given(st.lists(st.sampled_from(["g", "p", "t", "four", "o", "new", "york", "other"]), max_size=12))
def test_stable_written_words_never_change(words: Sequence[str]) -> None:
    forms = WrittenForms(ENTRIES)
    final = forms.final(heard(" ".join(words))).text.split()
    for stable in range(len(words) + 1):
        partial = forms.partial(heard(" ".join(words[:stable]), stable))
        assert partial.text.split()[: partial.stable_words] == final[: partial.stable_words]


@pytest.mark.parametrize("text", ["kubernetes", "$5 million", "new york"])
def test_an_entry_without_a_form_of_its_own_stays_as_it_is_heard(text: str) -> None:
    hypothesis = heard(f"so {Entry(text).text} it is", 2)
    assert WrittenForms([Entry(text)]).partial(hypothesis) is hypothesis

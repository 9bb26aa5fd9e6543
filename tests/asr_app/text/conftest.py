"""Finals for text stages."""

from collections.abc import Callable

import pytest

from asr_app.events import Final
from decoder.types import Word


def said(text: str, segment_id: int = 0) -> Final:
    """A final whose words last half a second each."""
    words = tuple(Word(word, index / 2, index / 2 + 0.5, 0.9) for index, word in enumerate(text.split()))
    return Final(segment_id, 3, words)


@pytest.fixture
def final() -> Callable[..., Final]:
    """The function said: (text, segment_id=0) -> a final."""
    return said

"""Words that are typed one by one, as soon as they can no longer change, and not with their segment."""

from collections.abc import Callable

from asr_app.events import Event, Partial, Transcript

Pace = Callable[[Event], str]
"""The words that an event makes ready to be typed, each word once; events of one segment after those of another."""


class CommittedWords:
    """The words of partials that are stable, then those that their final adds."""

    def __init__(self) -> None:
        self._segment_id: int | None = None
        self._given = 0

    def __call__(self, event: Event) -> str:
        """The words of an event that were not given yet."""
        if not isinstance(event, Transcript):
            return ""
        if event.segment_id != self._segment_id:
            self._segment_id, self._given = event.segment_id, 0
        settled = event.stable_words if isinstance(event, Partial) else len(event.words)
        new = event.words[self._given : settled]
        self._given = max(self._given, settled)
        return " ".join(word.text for word in new)

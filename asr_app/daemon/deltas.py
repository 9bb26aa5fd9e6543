"""What each event adds to the text that a client was told."""

from asr_app.events import Final, Partial, Transcript


class Deltas:
    """Of one stream: words, once they can no longer change, in the order in which they were said.

    A segment may begin before the final of the one before it has come; its words wait for that.
    """

    def __init__(self) -> None:
        self._told = False
        self._segment: int | None = None  # whose final is yet to come
        self._of_segment = 0

    def of(self, event: Transcript) -> str:
        """The new text, a space before it where words were told before; empty for none."""
        if self._segment is None:
            self._segment, self._of_segment = event.segment_id, 0
        if event.segment_id != self._segment:
            return ""
        certain = event.words[: event.stable_words] if isinstance(event, Partial) else event.words
        news = [word.text for word in certain[self._of_segment :]]
        self._of_segment = max(self._of_segment, len(certain))
        if isinstance(event, Final):
            self._segment = None
        text = " ".join([""] * self._told + news) if news else ""
        self._told = self._told or bool(news)
        return text

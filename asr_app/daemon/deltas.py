"""What each event adds to the text that a client was told."""

from asr_app.events import Final, Partial, Transcript


class Deltas:
    """Of one stream: words, once they can no longer change."""

    def __init__(self) -> None:
        self._told = False
        self._of_segment = 0

    def of(self, event: Transcript) -> str:
        """The new text, a space before it where words were told before; empty for none."""
        certain = event.words[: event.stable_words] if isinstance(event, Partial) else event.words
        news = [word.text for word in certain[self._of_segment :]]
        self._of_segment = 0 if isinstance(event, Final) else max(self._of_segment, len(certain))
        text = " ".join([""] * self._told + news) if news else ""
        self._told = self._told or bool(news)
        return text

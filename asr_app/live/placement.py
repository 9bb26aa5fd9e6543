"""Where a run of speech lies in its stream: a recogniser session's own times and numbers become the stream's."""

from dataclasses import replace

from asr_app.events import Event, Transcript


class Placement:
    """Of one session; next_segment is the number of the segment after those that were placed."""

    def __init__(self, start_s: float = 0.0, first_segment: int = 0) -> None:
        self.next_segment = first_segment
        self._start_s, self._first_segment = start_s, first_segment

    def placed(self, events: list[Event]) -> list[Event]:
        """The session's events, with the stream's times and segment numbers."""
        return [self._place(event) if isinstance(event, Transcript) else event for event in events]

    def _place(self, event: Transcript) -> Transcript:
        number = self._first_segment + event.segment_id
        self.next_segment = number + 1
        words = tuple(
            replace(word, start_s=word.start_s + self._start_s, end_s=word.end_s + self._start_s)
            for word in event.words
        )
        return replace(event, segment_id=number, words=words)

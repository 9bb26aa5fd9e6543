"""What comes to the screen from other threads, and what its parts tell each other."""

from textual.message import Message

from asr_app.errors import AsrError
from asr_app.events import Event, Partial, Transcript
from tui.session import DictationSession


class Heard(Message):
    """An event of a session. Where several wait, a partial gives way to what is newer of its segment."""

    def __init__(self, session: DictationSession, event: Event) -> None:
        super().__init__()
        self.session, self.event = session, event

    def can_replace(self, message: Message) -> bool:
        """Whether the message that comes next makes this one stale; finals never are."""
        return (
            isinstance(message, Heard)
            and message.session is self.session
            and isinstance(self.event, Partial)
            and isinstance(message.event, Transcript)
            and message.event.segment_id == self.event.segment_id
        )


class Opened(Message):
    """A session has begun with the model and the microphone that were asked for, None where any would do."""

    def __init__(self, session: DictationSession, model: str | None, device: str | None) -> None:
        super().__init__()
        self.session, self.model, self.device = session, model, device


class NotOpened(Message):
    """A session could not be opened."""

    def __init__(self, error: AsrError) -> None:
        super().__init__()
        self.error = error


class Ended(Message):
    """A session has no more events."""

    def __init__(self, session: DictationSession) -> None:
        super().__init__()
        self.session = session


class Edited(Message):
    """The user has rewritten a segment."""

    def __init__(self, segment_id: int, text: str) -> None:
        super().__init__()
        self.segment_id, self.text = segment_id, text


class EditDropped(Message):
    """The user has left an edit without a change."""


class Sought(Message):
    """The user looks for a text; done when the search line is to close, with or without going to a match."""

    def __init__(self, text: str, done: bool = False) -> None:
        super().__init__()
        self.text, self.done = text, done

"""A live source that others listen to as well: the recorder, and what draws the spectrogram."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self

from asr_app.audio.live_source import LiveSource
from asr_app.audio.types import AudioChunk


class Listener(Protocol):
    """What hears every chunk of a source before the recogniser does."""

    def accept(self, chunk: AudioChunk) -> None:
        """Hear a chunk; quickly, for the recogniser waits."""
        ...

    def close(self) -> None:
        """The source has ended."""
        ...


class Overheard:
    """A LiveSource with listeners."""

    def __init__(self, source: LiveSource, listeners: Sequence[Listener]) -> None:
        self._source, self._listeners = source, listeners
        self._open = ExitStack()

    @property
    def name(self) -> str:
        """The source's."""
        return self._source.name

    @property
    def sample_rate(self) -> int:
        """Hz of every chunk."""
        return self._source.sample_rate

    @property
    def is_connected(self) -> bool:
        """Whether sound comes."""
        return self._source.is_connected

    @property
    def waiting_s(self) -> float:
        """Seconds that were captured and not yet iterated."""
        return self._source.waiting_s

    def __enter__(self) -> Self:
        for listener in self._listeners:
            self._open.callback(listener.close)
        with self._open:  # a source that cannot be opened leaves nothing open
            self._open.enter_context(self._source)
            self._open = self._open.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[AudioChunk]:
        for chunk in self._source:
            for listener in self._listeners:
                listener.accept(chunk)
            yield chunk

    def stop(self) -> None:
        """Let the iteration end; from any thread."""
        self._source.stop()

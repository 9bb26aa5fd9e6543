"""What clients of the daemon may ask of it; what is more is refused, and says which limit it met."""

from dataclasses import dataclass

from asr_app.engine.limits import EngineLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of all clients.

    clients: connections to the control socket, and to each server, at the same time.
    line_bytes: of a command.
    idle_s: a connection that sends no whole command, or takes nothing of what it subscribed to, for so long is closed.
    backlog: events that wait for a subscriber; one that is further behind is closed.
    drain_s: how long a daemon that is told to end works on what was said.
    streams, queue_s: open streams of all clients, and seconds of sound that wait in each.
    message_bytes: of a message to the servers of the network.
    uploads: recordings that are received or heard at the same time.
    upload_bytes, upload_s: of a recording's request, and the seconds that it may take to arrive.
    recording_s: of a recording's sound. decode_s: how long a recording is worked on.
    hints: words and phrases that a client may expect in a stream.
    """

    clients: int = 32
    line_bytes: int = 65_536
    idle_s: float = 60.0
    backlog: int = 1_000
    drain_s: float = 10.0
    streams: int = 64
    queue_s: float = 10.0
    message_bytes: int = 1 << 20
    uploads: int = 8
    upload_bytes: int = 256 << 20
    upload_s: float = 600.0
    recording_s: float = 4 * 3600.0
    decode_s: float = 3600.0
    hints: int = 100

    @property
    def engine(self) -> EngineLimits:
        """Those of the engine."""
        return EngineLimits(streams=self.streams, queue_s=self.queue_s)

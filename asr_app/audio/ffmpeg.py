"""Recordings that FFmpeg reads: MP3, FLAC, and the sound of MP4, WebM, Matroska, AAC, WMA and others."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asr_app.audio.blocks import Block, block_frames, cut_short, shown, silence
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError

if TYPE_CHECKING:
    import av
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

logger = logging.getLogger(__name__)

# Only containers of sound: a play list or subtitle file would have FFmpeg open other files.
_FORMATS = (
    "aac,ac3,adts,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,"
    "mp2,mp3,mpeg,mpegts,mpc,mpc8,nut,oga,ogg,rm,tak,tta,voc,w64,wav,wv"
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
_SHORTEST_GAP_S = 0.1  # below that the times of some containers are too coarse to tell
_LONGEST_GAP_S = 600.0  # above that a time is an error
_TOLERANCE_S = 0.5  # between the stated length and the decoded one: codec delay, coarse times
_PLANES = 8  # PyAV reads beyond the end of the list of planes where there are so many, and crashes
_NO_LENGTH = ("aac", "mpegts", "mpeg")  # containers without a stated length: FFmpeg estimates it


class FfmpegReader:
    """Decodes the best audio stream of a file; raises AudioFormatError, or OSError if it cannot be opened.

    Silence stands for gaps between the times of packets, and before the first: times are those of the
    container, so that subtitles fit a video whose sound starts late.
    """

    def __init__(self, path: Path) -> None:
        import av

        self._name, self._damaged = shown(path), False
        self._failure = av.error.FFmpegError
        try:
            # "file:" keeps FFmpeg from taking a colon in a name for a protocol.
            self._container: av.container.InputContainer = av.open(
                f"file:{path.absolute()}", "r", container_options=_OPTIONS, metadata_errors="replace"
            )
        except OSError:
            raise
        except av.error.FFmpegError as error:
            raise AudioFormatError(
                f"{self._name} is not a recording, or its header is damaged or missing: give a wav, flac, "
                "mp3, ogg, opus, aiff, m4a, mp4, webm or mkv file that plays"
            ) from error
        try:
            self._stream = _audio_stream(self._container, self._name)
        except AudioFormatError:
            self._container.close()
            raise
        start = self._container.start_time
        self._start_s = start / av.time_base if start is not None else 0.0

    @property
    def duration_s(self) -> float | None:
        """Length in seconds as stated by the container, None where it does not."""
        import av

        stated, kind = self._container.duration, self._container.format.name
        # Without a LAME or Xing header (which sets a start time) the length of an MP3 is a guess, too.
        guessed = kind in _NO_LENGTH or (kind == "mp3" and self._start_s == 0.0)
        return None if guessed or stated is None or stated <= 0 else stated / av.time_base

    @property
    def channels(self) -> int:
        """As the container states."""
        return self._stream.codec_context.channels

    def __iter__(self) -> Iterator[Block]:
        got_s = 0.0
        for block in _joined(self._decoded()):
            got_s += len(block.samples) / block.sample_rate
            yield block
        if self._damaged and got_s == 0.0:
            raise AudioFormatError(f"{self._name} is damaged, none of its sound can be read: get another copy")
        stated_s = self.duration_s
        missing = stated_s is not None and got_s < stated_s - _TOLERANCE_S
        if self._damaged or missing:
            logger.warning("%s", cut_short(self._name, got_s, stated_s if missing else None))

    def close(self) -> None:
        """Release the file."""
        self._container.close()

    def _decoded(self) -> Iterator[Block]:
        """The frames of the stream as blocks, with silence in the gaps."""
        clock_s = 0.0
        for time_s, block in (timed for packet in self._packets() for timed in self._decode(packet)):
            gap_s = time_s - self._start_s - clock_s if time_s is not None else 0.0
            if _SHORTEST_GAP_S < gap_s < _LONGEST_GAP_S:
                logger.info("%s has no sound from %.2f s for %.2f s", self._name, clock_s, gap_s)
                yield from _gap(gap_s, block)
                clock_s += gap_s
            clock_s += len(block.samples) / block.sample_rate
            yield block

    def _packets(self) -> Iterator["Packet[AudioStream]"]:
        """The packets of the stream, as far as the container can be read."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._failure:
                self._damaged = True
                return
            if packet is None:
                return
            yield packet

    def _decode(self, packet: "Packet[AudioStream]") -> list[tuple[float | None, Block]]:
        """The blocks of a packet with their times in seconds; none if it is damaged, which is noted."""
        try:
            frames = [frame for frame in packet.decode() if frame.sample_rate > 0]
            return [(frame.time, Block(_as_float(frame), frame.sample_rate)) for frame in frames]
        except (self._failure, ValueError):  # ValueError: PyAV on a sample format or layout it does not know
            self._damaged = True
            return []


def _audio_stream(container: "av.container.InputContainer", name: str) -> "AudioStream":
    """The audio stream that FFmpeg prefers."""
    if not container.streams.audio:
        kind = "a video or picture without sound" if container.streams.video else "without sound"
        raise AudioFormatError(f"{name} is {kind}: give a recording that has an audio track")
    best = container.streams.best("audio")
    streams = [stream for stream in container.streams.audio if best is None or stream.index == best.index]
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise AudioFormatError(f"{name} is encoded in a way that FFmpeg does not know: convert it to wav or flac")
    if not (context.sample_rate > 0 and context.channels > 0):
        raise AudioFormatError(
            f"{name} has a damaged header ({context.sample_rate} Hz, {context.channels} channels): "
            "get another copy of it"
        )
    return stream


def _as_float(frame: "AudioFrame") -> Samples:
    """The samples of a frame as float32 (n, channels), full scale 1."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels >= _PLANES:
        frame = _packed(frame)
    values = frame.to_ndarray()  # (channels, n) if planar, else (1, n * channels)
    values = values.T if frame.format.is_planar else values.reshape(-1, channels)
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    full_scale = float(1 << (8 * values.dtype.itemsize - 1))
    centre = full_scale if values.dtype.kind == "u" else 0.0
    return ((values.astype(np.float64) - centre) / full_scale).astype(np.float32)


def _packed(frame: "AudioFrame") -> "AudioFrame":
    """The frame with its channels interleaved."""
    import av

    (packed,) = av.AudioResampler(format=frame.format.packed).resample(frame)
    return packed


def _joined(blocks: Iterator[Block]) -> Iterator[Block]:
    """Join the short frames of one form to blocks of about a second: fewer, larger steps downstream."""
    held: list[Samples] = []
    form, frames = (0, 0), 0
    for block in blocks:
        this = (block.sample_rate, block.samples.shape[1])
        if held and (this != form or frames >= block_frames(*form)):
            yield Block(np.concatenate(held), form[0])
            held, frames = [], 0
        form = this
        held.append(block.samples)
        frames += len(block.samples)
    if held:
        yield Block(np.concatenate(held), form[0])


def _gap(seconds: float, like: Block) -> Iterator[Block]:
    """Silence in blocks of at most a second, of the same form as a block."""
    channels, left = like.samples.shape[1], round(seconds * like.sample_rate)
    while left > 0:
        frames = min(left, block_frames(like.sample_rate, channels))
        yield Block(silence(frames, channels), like.sample_rate)
        left -= frames

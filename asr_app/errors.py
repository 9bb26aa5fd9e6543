"""The error tree: every error a user can cause or meet, with the exit code the command line gives it.

A message says what is wrong and what to do next, in one line.
"""


class AsrError(Exception):
    """Base of all errors that are shown to a user as one line."""

    exit_code = 1


class ConfigError(AsrError):
    """An option, setting or recipe is wrong."""

    exit_code = 2


class AudioFormatError(AsrError):
    """A recording cannot be read as audio."""

    exit_code = 3


class AudioDeviceError(AsrError):
    """No microphone, no audio library, or no permission."""

    exit_code = 4


class CheckpointError(AsrError):
    """A model, lexicon or language-model file is missing, corrupt or of another kind."""

    exit_code = 5


class DeviceError(AsrError):
    """The asked-for compute device is not there."""

    exit_code = 6


class ProtocolError(AsrError):
    """A client or server broke its protocol."""

    exit_code = 7


class OutputError(AsrError):
    """A result cannot be written."""

    exit_code = 8


class DaemonError(AsrError):
    """No daemon runs, another one does, or it refuses."""

    exit_code = 12


class EngineError(AsrError):
    """The engine takes no more streams: it is full, or has stopped."""

    exit_code = 13

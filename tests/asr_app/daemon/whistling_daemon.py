"""`asr daemon` to whose ear whistling is speech."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from loudness import Loudness

import asr_app.audio.voice_activity
import asr_app.daemon.recordings
from asr_app.cli import daemon
from asr_app.cli.messages import complain
from asr_app.errors import AsrError

asr_app.audio.voice_activity.SileroVad = Loudness  # type: ignore[misc, assignment]
asr_app.daemon.recordings.SileroVad = Loudness  # type: ignore[misc, assignment]

if __name__ == "__main__":
    try:
        daemon.app()
    except AsrError as error:
        complain(error)
        sys.exit(error.exit_code)

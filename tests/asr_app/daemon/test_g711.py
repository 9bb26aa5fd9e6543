"""G.711 against libsndfile's reading of every byte."""

import io

import numpy as np
import pytest
import soundfile

from asr_app.daemon import g711


@pytest.mark.parametrize(("table", "subtype"), [(g711.MU_LAW, "ULAW"), (g711.A_LAW, "ALAW")])
def test_every_byte(table: g711.Table, subtype: str) -> None:
    every = io.BytesIO(bytes(range(256)))
    expected, _ = soundfile.read(every, format="RAW", subtype=subtype, samplerate=g711.RATE, channels=1)
    np.testing.assert_array_equal(table, expected)

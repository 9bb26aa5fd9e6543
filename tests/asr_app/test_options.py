import math

import pytest

from asr_app.options import hotword_weight


def test_many_hotwords_weigh_less_each() -> None:
    assert hotword_weight(1) == hotword_weight(100) == 6.0
    assert 1000 * math.exp(hotword_weight(1000)) == pytest.approx(100 * math.exp(6.0))
    assert hotword_weight(1_000_000) == 1.0

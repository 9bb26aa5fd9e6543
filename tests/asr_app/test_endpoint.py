import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_app.endpoint import EndpointRules

seconds = st.floats(0, 100)


@pytest.mark.parametrize(
    ("length_s", "silence_s", "over"),
    [
        (3.0, 0.99, False),
        (3.0, 1.0, True),
        (11.9, 0.5, False),
        (12.0, 0.39, False),
        (12.0, 0.4, True),
        (24.9, 0.2, False),
        (25.0, 0.04, False),
        (25.0, 0.08, True),
        (59.9, 0.0, False),
        (60.0, 0.0, True),
    ],
)
def test_the_rules(length_s: float, silence_s: float, over: bool) -> None:
    assert EndpointRules().is_endpoint(length_s, silence_s) is over


@given(seconds, seconds, seconds, seconds)
def test_what_is_over_stays_over(length_s: float, silence_s: float, longer: float, quieter: float) -> None:
    rules = EndpointRules()
    if rules.is_endpoint(length_s, silence_s):
        assert rules.is_endpoint(length_s + longer, silence_s + quieter)


def test_rules_of_ones_own() -> None:
    rules = EndpointRules(trailing_silence_s=0.3, limit_s=5.0)
    assert rules.is_endpoint(1.0, 0.3)
    assert rules.is_endpoint(5.0, 0.0)

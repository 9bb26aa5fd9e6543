import numpy as np
import pytest

from models.recipes.data.rooms import Room, draw_room, impulse_response, reverberate, reverberation_time, room_responses


@pytest.mark.parametrize("seed", range(12))
def test_a_room_reverberates_as_long_as_asked(seed: int) -> None:
    room = draw_room(np.random.default_rng(seed))
    response = impulse_response(room)
    measured = reverberation_time(response.astype(np.float64) ** 2, 16000)
    assert measured == pytest.approx(room.reverberation_s, rel=0.2)
    assert len(response) / 16000 == pytest.approx(0.75 * room.reverberation_s, rel=0.05)


def test_reverberation_time_of_an_exponential_decay() -> None:
    seconds = np.arange(16000) / 16000
    assert reverberation_time(10 ** (-6 * seconds / 0.4), 16000) == pytest.approx(0.4, rel=0.01)


def test_the_direct_sound_is_first_and_not_late() -> None:
    for response in room_responses(seed=5, count=6):
        assert response[0] == pytest.approx(1.0)


def test_first_echoes_come_from_the_nearest_walls() -> None:
    """In a large room: floor and ceiling 2 m away, so the mirrored path has sqrt(4^2 + 4^2) m."""
    middle = np.array([20.0, 20.0, 2.0])
    aside = np.array([2.0, 0.0, 0.0])
    room = Room(np.array([40.0, 40.0, 4.0]), middle - aside, middle + aside, 0.5)
    response = impulse_response(room)
    late = round((np.sqrt(32) - 4) / 343 * 16000)
    assert np.flatnonzero(response)[:2].tolist() == [0, late]
    assert -1.42 < response[late] < 0  # both echoes, each weaker by 4 / sqrt(32), and inverted


def test_a_longer_way_is_more_reverberant() -> None:
    size = np.array([6.0, 5.0, 3.0])
    source = np.array([1.0, 1.0, 1.5])
    aside = np.array([1.0, 1.0, 0.0])
    near, far = (
        np.sum(impulse_response(Room(size, source, source + away * aside, 0.5))[32:] ** 2) for away in (0.3, 3)
    )
    assert far > 10 * near


def test_reverberated_samples_are_in_time_and_as_many() -> None:
    click = np.zeros(1000, np.float32)
    click[300] = 0.5
    response = room_responses(seed=5, count=1)[0]
    heard = reverberate(click, response)
    assert len(heard) == 1000
    assert np.allclose(heard[:300], 0, atol=1e-6)
    assert np.allclose(heard[300:], 0.5 * response[:700], atol=1e-5)


def test_rooms_are_decided_by_the_seed() -> None:
    first, again, other = room_responses(1, 2), tuple(impulse_response(one) for one in _rooms(1)), room_responses(2, 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def _rooms(seed: int) -> list[Room]:
    random = np.random.default_rng(seed)
    return [draw_room(random) for _ in range(2)]

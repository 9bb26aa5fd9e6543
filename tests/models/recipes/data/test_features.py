from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipes.data.features import (
    LOG_MEL_HIGH,
    LOG_MEL_LOW,
    Entry,
    Store,
    StoreWriter,
    dequantise,
    quantise,
)

WIDTH = 3
HALF_STEP = (LOG_MEL_HIGH - LOG_MEL_LOW) / 255 / 2


def rows(frames: int, first: int = 0) -> npt.NDArray[np.uint8]:
    return np.arange(first, first + frames * WIDTH).astype(np.uint8).reshape(frames, WIDTH)


def fill(folder: Path, *keys: str) -> None:
    writer = StoreWriter(folder, WIDTH, np.uint8)
    for number, key in enumerate(keys):
        if key not in writer.keys:
            writer.add(key, rows(2 + number, 10 * number), f"text of {key}", "someone")
    writer.close()


def contents(folder: Path) -> dict[str, list[list[int]]]:
    store = Store(folder)
    return {entry.key: store.rows(entry).tolist() for entry in store.entries}


@given(values=st.lists(st.floats(LOG_MEL_LOW, LOG_MEL_HIGH, width=32), min_size=1))
def test_eight_bits_keep_a_value_to_half_a_step(values: list[float]) -> None:
    features = np.array(values, np.float32)
    error = np.abs(dequantise(quantise(features)) - features)
    assert error.max() <= HALF_STEP + 1e-5 < 0.05


def test_values_out_of_range_are_clipped() -> None:
    found = dequantise(quantise(np.array([-99.0, 99.0, -np.inf, np.inf], np.float32)))
    assert found == pytest.approx([LOG_MEL_LOW, LOG_MEL_HIGH] * 2)


@given(level=st.integers(0, 255))
def test_quantising_again_changes_nothing(level: int) -> None:
    stored = np.array([level], np.uint8)
    assert quantise(dequantise(stored)) == stored


def test_a_store_gives_back_what_was_written(tmp_path: Path) -> None:
    fill(tmp_path / "deep" / "store", "a", "b")
    store = Store(tmp_path / "deep" / "store")
    assert store.entries == [
        Entry("a", 0, 2, "text of a", "someone"),
        Entry("b", 2, 3, "text of b", "someone"),
    ]
    assert np.array_equal(store.rows(store.entries[1]), rows(3, 10))
    assert store.rows(store.entries[0]).dtype == np.uint8


def test_other_types_and_no_text(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, 2, np.float16)
    wanted = np.array([[0.5, -1.25], [3.0, 60000.0]], np.float16)
    writer.add("ö/a", wanted[:, ::-1][:, ::-1], None, "")
    writer.close()
    store = Store(tmp_path)
    assert store.entries[0].text is None
    assert store.entries[0].key == "ö/a"
    assert np.array_equal(store.rows(store.entries[0]), wanted)


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    fill(tmp_path / "whole", "a", "b", "c")
    fill(tmp_path / "stopped", "a")
    fill(tmp_path / "stopped", "a", "b", "c")
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert (tmp_path / "stopped" / "rows.bin").read_bytes() == (tmp_path / "whole" / "rows.bin").read_bytes()


@pytest.mark.parametrize("stray", [1, WIDTH, 5 * WIDTH + 2])
def test_rows_without_an_entry_are_dropped(tmp_path: Path, stray: int) -> None:
    """A kill between the rows and their entry."""
    fill(tmp_path / "whole", "a", "b")
    fill(tmp_path / "cut", "a")
    with (tmp_path / "cut" / "rows.bin").open("ab") as data:
        data.write(bytes(stray))
    fill(tmp_path / "cut", "a", "b")
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def cut_index(folder: Path) -> None:
    index = folder / "index.jsonl"
    index.write_text(index.read_text()[:-20])


def test_an_entry_that_was_cut_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    cut_index(tmp_path)
    assert contents(tmp_path) == {"a": rows(2).tolist()}


def test_a_run_goes_on_after_an_entry_that_was_cut(tmp_path: Path) -> None:
    fill(tmp_path / "whole", "a", "b")
    fill(tmp_path / "cut", "a", "b")
    cut_index(tmp_path / "cut")
    fill(tmp_path / "cut", "a", "b")
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


class KilledError(Exception):
    """Stands for a kill."""


def test_a_second_kill_takes_nothing_that_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written anew is empty for a moment."""
    fill(tmp_path, "a", "b", "c")
    cut_index(tmp_path)

    def killed(path: Path, _: bytes) -> int:
        path.open("wb").close()
        raise KilledError

    monkeypatch.setattr(Path, "write_bytes", killed)
    StoreWriter(tmp_path, WIDTH, np.uint8).close()
    assert contents(tmp_path).keys() == {"a", "b"}


@pytest.mark.parametrize("stray", [1, WIDTH])
def test_a_store_that_is_still_written_opens(tmp_path: Path, stray: int) -> None:
    fill(tmp_path, "a")
    with (tmp_path / "rows.bin").open("ab") as data:
        data.write(bytes(stray))
    assert contents(tmp_path) == {"a": rows(2).tolist()}


@pytest.mark.parametrize(("width", "dtype"), [(WIDTH + 1, np.uint8), (WIDTH, np.float16)])
def test_rows_of_another_shape_are_not_added(tmp_path: Path, width: int, dtype: type[np.generic]) -> None:
    fill(tmp_path, "a")
    with pytest.raises(ValueError, match=r"has rows of .*'uint8'.*, not of .* choose another --output"):
        StoreWriter(tmp_path, width, dtype)
    assert contents(tmp_path) == {"a": rows(2).tolist()}


def test_lost_rows_are_no_zeros(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    with (tmp_path / "rows.bin").open("r+b") as data:
        data.truncate(WIDTH)
    for opened in (Store, lambda folder: StoreWriter(folder, WIDTH, np.uint8)):
        with pytest.raises(ValueError, match="is damaged"):
            opened(tmp_path)


def test_a_store_without_utterances_opens(tmp_path: Path) -> None:
    fill(tmp_path)
    assert Store(tmp_path).entries == []

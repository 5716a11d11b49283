"""Values over one piece of memory are that on the other side too, and no others are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.shelf import Shelf, writer_of

BASE = np.arange(100_000.0)
SMALL = np.arange(20)
TEXTS = np.array(["a", "bb", None, "dd"], dtype=object)
DATES = np.arange(10_000).astype("M8[s]")
RECORDS = np.zeros(1_000, dtype=[("n", "i4"), ("x", "f8")])

MATRIX = np.arange(4).reshape(2, 2).view(np.matrix)
NAMED = np.array([(1, 2.0), (3, 4.0)], dtype=RECORDS.dtype).view(np.recarray)
MASKED = np.ma.array(np.arange(6.0), mask=np.arange(6) % 4 == 1, fill_value=7, hard_mask=True)

VIEWS: dict[str, tuple[Any, Any]] = {
    "a part of an array": (BASE, BASE[10:20]),
    "a large part": (BASE, BASE[10:90_000]),
    "two parts that overlap": (BASE[0:60_000], BASE[50_000:]),
    "every second": (BASE, BASE[::2]),
    "backwards": (BASE, BASE[::-1]),
    "a column": (BASE.reshape(1000, 100), BASE.reshape(1000, 100)[:, 3]),
    "another shape": (BASE, BASE.reshape(100, -1)),
    "a transpose": (BASE.reshape(1000, 100), BASE.reshape(1000, 100).T),
    "small ones": (SMALL, SMALL[3:9]),
    "small and backwards": (SMALL, SMALL[::-2]),
    "objects": (TEXTS, TEXTS[1:]),
    "objects backwards": (TEXTS, TEXTS[::-1]),
    "dates": (DATES, DATES[3:]),
    "every third date": (DATES, DATES[::3]),
    "another type over the same bytes": (BASE, BASE.view("u8")),
    "a field of records": (RECORDS, RECORDS["x"]),
    "a matrix as an array": (MATRIX, MATRIX.A),
    "a field of records by attribute": (NAMED, NAMED.x),
    "a part of a masked array": (MASKED, MASKED[1:3]),
    "the mask": (MASKED.mask, MASKED[1:3].mask),
    "what lies under the mask": (MASKED, MASKED.data),
}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize("what", VIEWS)
def test_what_shares_memory_goes_on_sharing_it(shelf: Shelf, what: str) -> None:
    one, other = VIEWS[what]
    back = shelf.round(one=one, other=[other])
    np.testing.assert_array_equal(back["one"], one)
    np.testing.assert_array_equal(back["other"][0], other)
    assert back["one"].dtype == one.dtype
    assert back["one"].flags.writeable
    assert np.shares_memory(back["one"], back["other"][0])


def test_what_is_written_through_a_view_is_in_the_array(shelf: Shelf) -> None:
    grid = np.zeros((300, 300))
    back = shelf.round(grid=grid, column=grid[:, 7])
    back["column"][:] = 1
    assert back["grid"].sum() == 300
    assert back["grid"][5, 7] == 1


class Measured(np.ndarray[Any, Any]):
    """An array with a unit, as numpy's manual makes one."""

    unit = ""

    def __array_finalize__(self, other: Any) -> None:
        self.unit = getattr(other, "unit", "")


def test_an_array_of_ones_own_keeps_its_attributes_and_its_views(shelf: Shelf) -> None:
    whole = np.arange(5.0).view(Measured)
    whole.unit = "m"
    back = shelf.round(whole=whole, part=whole[1:])
    back["part"][0] = 9
    assert (type(back["whole"]), back["whole"].unit, back["part"].unit) == (Measured, "m", "m")
    assert back["whole"].tolist() == [0, 9, 2, 3, 4]


def test_a_masked_array_keeps_what_it_does_besides(shelf: Shelf) -> None:
    back = shelf.round(masked=MASKED)["masked"]
    back[1] = 5
    assert (back.fill_value, back.count(), back.data[1]) == (7, 4, 1)


def test_objects_that_came_as_a_view_go_on_as_one(shelf: Shelf, tmp_path: Path) -> None:
    grid = np.array([["a", 1], [None, 2.5]])
    back = shelf.round(grid=grid, column=grid[:, 0], turned=grid.T)
    again = Shelf(tmp_path).round(**back)
    again["column"][1] = again["turned"][1, 0] = "new"
    assert again["grid"].tolist() == [["a", "new"], ["new", 2.5]]


def test_arrays_of_equal_content_stay_two(shelf: Shelf) -> None:
    back = shelf.round(a=np.zeros(500_000), b=np.zeros(500_000), c=np.zeros(2_000))
    back["a"][0] = 1
    assert back["b"][0] == 0
    assert shelf.written == 4_000_000 + 16_000


def test_columns_that_lie_between_each_other_are_not_taken_for_one(shelf: Shelf) -> None:
    grid = np.arange(300_000.0).reshape(-1, 3)
    back = shelf.round(left=grid[:, 0], right=grid[:, 2])
    assert shelf.written == 0
    np.testing.assert_array_equal(back["right"], grid[:, 2])


def test_a_small_view_alone_does_not_take_its_array_along(shelf: Shelf) -> None:
    shelf.round(v=np.zeros(1_000_000)[::1000])
    assert shelf.written == 0


def test_frames_that_pandas_keeps_apart_stay_apart(shelf: Shelf) -> None:
    frame = pd.DataFrame({"x": np.arange(200_000.0), "y": 1.0})
    lazy = frame.copy(deep=False)
    column = frame["x"]
    back = shelf.round(frame=frame, lazy=lazy, column=column)
    back["frame"].loc[0, "x"] = -1
    assert (back["lazy"].loc[0, "x"], back["column"].loc[0]) == (0, 0)


def test_two_series_of_one_column_stay_apart(shelf: Shelf) -> None:
    frame = pd.DataFrame({"x": np.arange(20_000.0), "y": 1.0})
    back = shelf.round(one=frame["x"], other=frame["x"])
    back["one"].iloc[0] = -1
    assert back["other"].iloc[0] == 0


@pytest.mark.parametrize("shape", [(1_000_000, 3), (4, 1_000_000, 3), (3,)])
def test_an_array_that_was_broadcast_takes_the_room_of_its_elements(
    shelf: Shelf, shape: tuple[int, ...]
) -> None:
    array = np.broadcast_to(np.arange(3.0), shape)
    contents = shelf.put(writer_of({"array": array}))
    back = shelf.get(contents)["array"]
    assert sum(entry.size_bytes for entry in contents.entries) < 1_000
    assert (back.shape, back.strides) == (array.shape, array.strides)
    assert back.flags.writeable == array.flags.writeable
    assert back[..., 1].sum() == array[..., 1].sum()


def test_dates_stay_out_of_the_stream(shelf: Shelf) -> None:
    contents = shelf.put(writer_of({"d": np.arange(1_000_000).astype("m8[ns]")}))
    assert contents.entries[0].end < 300
    assert shelf.get(contents)["d"].dtype == "m8[ns]"


def test_an_object_that_makes_a_new_array_each_time_ends(shelf: Shelf) -> None:
    data = np.arange(10.0)

    class Fresh:
        def __reduce__(self) -> Any:
            return np.stack, ([data[:5], data[5:], data[2:7]],)

    back = shelf.round(data=data, fresh=Fresh())
    assert back["fresh"].shape == (3, 5)

"""Named values ↔ stream, buffers and contents: what is shared, mapped, writable, and said."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbsubmit.core.bundle import Bundle, LoadError
from nbsubmit.core.contents import type_name
from nbsubmit.core.writer import BundleWriter
from tests.shelf import Shelf, writer_of

HOME: dict[str, Any] = {"__name__": "__main__"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_values_come_back_by_name_and_in_order(shelf: Shelf) -> None:
    values = {"b": [1, "ü"], "a": None, "ünï": {"k": (1.5, b"x")}}
    back = shelf.round(**values)
    assert back == values
    assert list(back) == ["b", "a", "ünï"]


def test_an_empty_bundle_is_one_too(shelf: Shelf) -> None:
    assert shelf.round() == {}


def test_what_two_names_share_stays_shared(shelf: Shelf) -> None:
    inner = [1]
    back = shelf.round(a={"x": inner}, b=[inner], c=inner)
    assert back["a"]["x"] is back["b"][0] is back["c"]


def test_one_large_array_under_two_names_is_written_once_and_stays_one(shelf: Shelf) -> None:
    array = np.zeros(100_000)
    back = shelf.round(a=array, b=[array])
    assert back["b"][0] is back["a"]
    assert shelf.written == array.nbytes


def test_a_cycle_through_two_names_closes_again(shelf: Shelf) -> None:
    a: list[Any] = []
    b = [a]
    a.append(b)
    back = shelf.round(a=a, b=b)
    assert back["a"][0] is back["b"]
    assert back["b"][0] is back["a"]


LARGE = {
    "array": np.arange(10_000.0),
    "matrix": np.arange(10_000).reshape(100, 100),
    "Fortran's order": np.asfortranarray(np.arange(10_000).reshape(100, 100)),
    "strided": np.arange(20_000)[::2],
    "bytes": b"x" * 10_000,
    "bytearray": bytearray(10_000),
    "dates": np.arange(10_000).astype("M8[s]"),
    "structured": np.zeros(10_000, dtype=[("a", "i4"), ("b", "f8")]),
    "big-endian": np.arange(10_000, dtype=">i4"),
    "no rows": np.zeros((0, 5)),
    "small": np.arange(3),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_value_comes_back_equal_with_its_type(shelf: Shelf, kind: str) -> None:
    value: Any = LARGE[kind]
    back = shelf.round(before=1, v=value, after=2)
    assert (back["before"], back["after"]) == (1, 2)
    assert type(back["v"]) is type(value)
    np.testing.assert_array_equal(back["v"], value)
    if isinstance(value, np.ndarray):
        assert back["v"].dtype == value.dtype


def test_a_frame_comes_back_equal_and_can_be_changed(shelf: Shelf) -> None:
    frame = pd.DataFrame({"a": np.arange(10_000), "b": ["x", "y"] * 5_000})
    back = shelf.round(frame=frame)["frame"]
    pd.testing.assert_frame_equal(back, frame)
    back.loc[0, "a"] = -1
    assert back["a"].iloc[0] == -1


def test_an_array_can_be_written_to_and_the_file_stays_as_it_was(shelf: Shelf) -> None:
    back = shelf.round(v=np.zeros(100_000))["v"]
    before = shelf.pack.read_bytes()
    back[:] = 7
    assert back.sum() == 700_000
    assert shelf.pack.read_bytes() == before


def test_two_readers_do_not_see_each_others_changes(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    writer.add("v", np.zeros(100_000))
    contents = shelf.put(writer)
    first, second = shelf.get(contents)["v"], shelf.get(contents)["v"]
    first[0] = 1
    assert second[0] == 0


def test_a_large_array_is_mapped_and_not_read(shelf: Shelf) -> None:
    back = shelf.round(v=np.zeros(100_000))["v"]
    assert str(shelf.pack) in Path("/proc/self/maps").read_text()
    assert back.sum() == 0


def test_an_array_outlives_the_folder_that_it_came_from(shelf: Shelf) -> None:
    back = shelf.round(v=np.arange(100_000))["v"]
    shelf.pack.unlink()
    shelf.stream.unlink()
    assert back[-1] == 99_999


def test_what_was_read_only_stays_read_only(shelf: Shelf) -> None:
    fixed, free = np.zeros(10_000), np.zeros(10_000)
    fixed.flags.writeable = False
    back = shelf.round(fixed=fixed, free=free)
    assert not back["fixed"].flags.writeable
    assert back["free"].flags.writeable


def test_small_buffers_stay_in_the_stream(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    writer.add("small", np.zeros(500))
    writer.add("large", np.zeros(512))
    contents = shelf.put(writer)
    assert [len(entry.buffers) for entry in contents.entries] == [0, 1]
    back = shelf.get(contents)
    assert back["small"].flags.writeable


def test_every_buffer_lies_where_a_processor_likes_it(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    for number in range(5):
        writer.add(f"v{number}", np.full(4097 + number, number, dtype="u1"))
    contents = shelf.put(writer)
    starts = [start for _, start, _ in contents.regions]
    assert len(starts) == 5
    assert all(start % 64 == 0 for start in starts)
    assert [int(v[0]) for v in shelf.get(contents).values()] == [0, 1, 2, 3, 4]


def test_a_writer_holds_views_and_copies_no_array(shelf: Shelf) -> None:
    array = np.zeros(100_000)
    writer = BundleWriter(dict(HOME))
    writer.add("v", array)
    array[0] = 5  # seen, for it is the same memory
    assert np.frombuffer(shelf.get(shelf.put(writer))["v"], dtype=float)[0] == 5


def test_an_entry_says_name_type_size_and_why(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    writer.add("a", np.zeros(1_000_000), "read in line 3")
    writer.add("b", {"x": "y" * 50_000})
    array, text = shelf.put(writer).entries
    assert (array.name, array.type, array.why) == ("a", "numpy.ndarray", "read in line 3")
    assert 8_000_000 <= array.size_bytes < 8_001_000
    assert 50_000 <= text.size_bytes < 50_100
    assert array.end < text.end


def test_what_is_shared_counts_for_the_first_name(shelf: Shelf) -> None:
    array = np.zeros(1_000_000)
    contents = shelf.put(writer_of({"a": array, "b": array, "c": array[:5]}))
    first, second, third = contents.entries
    assert first.size_bytes > 8_000_000
    assert max(second.size_bytes, third.size_bytes) < 200


class Unloadable:
    """Goes and does not come back."""

    def __reduce__(self) -> Any:
        return _refuse, ("the other side lacks it",)


def _refuse(text: str) -> None:
    raise RuntimeError(text)


def test_a_value_that_cannot_be_rebuilt_is_named_and_those_before_it_arrive(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    for name, value in {"a": [1], "b": {"deep": Unloadable()}, "c": 3}.items():
        writer.add(name, value)
    contents = shelf.put(writer)
    arrived: dict[str, Any] = {}
    with pytest.raises(LoadError) as caught:
        shelf.bundle(contents).load(dict(HOME), arrived.__setitem__)
    assert caught.value.name == "b"
    assert str(caught.value) == "b: RuntimeError: the other side lacks it"
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert arrived == {"a": [1]}
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.name, again.message) == ("b", "RuntimeError: the other side lacks it")


def test_a_stream_that_was_cut_short_is_a_load_error_with_a_name(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    writer.add("a", 1)
    writer.add("b", list(range(1000)))
    contents = shelf.put(writer)
    data = shelf.stream.read_bytes()
    shelf.stream.write_bytes(data[: contents.entries[0].end + 20])
    with pytest.raises(LoadError, match=r"^b: "):
        shelf.get(contents)
    shelf.stream.write_bytes(data[:3])
    with pytest.raises(LoadError, match=r"^a: "):
        shelf.get(contents)
    shelf.stream.write_bytes(b"")
    values, failed = Bundle(shelf.stream, contents, shelf.folder.locate).load_what_can_be({})
    assert (values, list(failed)) == ({}, ["a", "b"])
    assert failed["a"] == f"EOFError, in {shelf.stream}"


def test_buffers_that_were_cut_short_are_a_load_error_with_a_name(shelf: Shelf) -> None:
    writer = BundleWriter(dict(HOME))
    writer.add("v", np.zeros(100_000))
    contents = shelf.put(writer)
    shelf.pack.write_bytes(shelf.pack.read_bytes()[:5_000])
    with pytest.raises(LoadError, match=r"^v: "):
        shelf.get(contents)


class Net:
    """A class of a module."""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "int"),
        (None, "NoneType"),
        ([], "list"),
        (np.zeros(1), "numpy.ndarray"),
        (pd.DataFrame(), "pandas.DataFrame"),
        (Net(), "tests.Net"),
        (type("Own", (), {"__module__": "__main__"})(), "Own"),
    ],
)
def test_a_type_is_named_as_people_write_it(value: object, name: str) -> None:
    assert type_name(value) == name

"""Mapped buffers: what still shows the file is known without being read, and not written again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nbsubmit.core import mapped, memory
from nbsubmit.core.fingerprint import fingerprint
from nbsubmit.core.mapped import Mappings
from nbsubmit.core.writer import BundleWriter
from tests.shelf import Shelf, writer_of

HOME: dict[str, object] = {"__name__": "__main__"}
SIZE = 1_000_000


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture(params=["with the page table", "without it"])
def page_table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without it":

        def refuse(*_: object) -> memoryview:
            raise OSError("there is none")

        monkeypatch.setattr(mapped, "_page_table", refuse)


def arrived(shelf: Shelf) -> tuple[dict[str, np.ndarray], Mappings]:
    values = {
        "large": np.arange(float(SIZE)),
        "other": np.ones(300_000),
        "first": np.zeros(2_000),
        "second": np.zeros(2_001),
    }
    mappings = Mappings()
    return shelf.get(shelf.put(writer_of(values)), mappings=mappings), mappings


def print_of(array: object, mappings: Mappings) -> bytes:
    return fingerprint(array, dict(HOME), None, mappings.content)


@pytest.mark.usefixtures("page_table")
def test_a_write_is_seen_and_nothing_else(shelf: Shelf) -> None:
    values, mappings = arrived(shelf)
    before = {name: print_of(value, mappings) for name, value in values.items()}
    assert values["large"].sum() == SIZE * (SIZE - 1) / 2
    values["large"][777_777] += 1
    values["second"][-1] = 5  # in the same page as the end of the first
    changed = {name for name in values if print_of(values[name], mappings) != before[name]}
    assert changed == {"large", "second"}


@pytest.mark.usefixtures("page_table")
def test_the_same_value_written_again_is_no_change(shelf: Shelf) -> None:
    values, mappings = arrived(shelf)
    before = print_of(values["large"], mappings)
    values["large"][5] = 5
    assert print_of(values["large"], mappings) == before


def test_a_write_through_a_view_is_seen(shelf: Shelf) -> None:
    values, mappings = arrived(shelf)
    before = print_of(values["large"], mappings)
    values["large"].reshape(1000, -1)[3:5, 7] = 0
    assert print_of(values["large"], mappings) != before


def test_a_clean_buffer_is_told_by_its_place_and_not_written(shelf: Shelf) -> None:
    values, mappings = arrived(shelf)
    written = shelf.written
    writer = BundleWriter(dict(HOME))
    writer.add("view", values["large"][1_000:900_000])
    writer.add("new", np.zeros(10_000))
    contents = writer.place(shelf.store, "result.bin", mappings).contents
    view, new = (contents.regions[entry.buffers[0][0]] for entry in contents.entries)
    assert view[0].startswith("blobs/")
    assert view[1:] == (8_000, 899_000 * 8)
    assert new == ("", 0, 80_000)
    assert shelf.written == written


def test_a_buffer_that_was_written_to_is_written_whole(shelf: Shelf) -> None:
    values, mappings = arrived(shelf)
    values["large"][0] = -1
    writer = BundleWriter(dict(HOME))
    writer.add("large", values["large"])
    placed = writer.place(shelf.store, "result.bin", mappings)
    assert placed.contents.entries[0].new_bytes > SIZE * 8


def test_reading_all_of_it_makes_nothing_dirty(shelf: Shelf) -> None:
    values, mappings = arrived(shelf)
    np.testing.assert_array_equal(values["large"], np.arange(float(SIZE)))
    assert mappings.content(values["large"].data.cast("B")) is not None


def test_where_files_cannot_be_mapped_they_are_read(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(memory, "map_file", refuse)
    values, mappings = arrived(shelf)
    before = print_of(values["large"], mappings)
    values["large"][3] = 0
    assert print_of(values["large"], mappings) != before
    assert mappings.content(values["other"].data.cast("B")) is None


def test_a_mapping_costs_no_descriptor(shelf: Shelf) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    values, _ = arrived(shelf)
    assert len(values) == 4
    assert len(list(descriptors.iterdir())) == before


def test_a_mapping_goes_with_the_last_array_that_looks_at_it(shelf: Shelf) -> None:
    def mapped_files() -> int:
        return Path("/proc/self/maps").read_text().count(str(shelf.folder.path))

    values, mappings = arrived(shelf)
    del mappings
    kept = values.pop("large")[:10]
    values.clear()
    assert mapped_files() == 1
    assert kept[9] == 9
    del kept
    assert mapped_files() == 0

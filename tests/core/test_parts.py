"""The parts of an array that a backend has been given."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.parts import Handed, Rest, parts_of, write_rest
from nbsubmit.core.tasks import Shape, pack_of, tasks_of


@pytest.mark.parametrize(
    ("count", "pack", "elements"), [(7, 3, 3), (6, 3, 2), (1, 3, 1), (7, 1, 7), (7, 50, 1)]
)
def test_a_packed_array_has_as_many_elements_as_packs(count: int, pack: int, elements: int) -> None:
    shape = Shape(count, pack=pack)
    assert Shape.of(shape.to_json()) == shape
    assert shape.elements == elements
    members = [index for element in range(elements) for index in shape.members(element)]
    assert members == list(range(count))
    assert [shape.element(index) for index in members] == [index // pack for index in members]


def test_a_task_of_a_pack_goes_by_the_handle_of_that_and_has_a_log_of_its_own(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    folder, shape = JobFolder(tmp_path), Shape(20, part=3, pack=3)
    folder.write_json(folder.spec_file, shape.to_json())
    folder.write_json(folder.handle_file, {"parts": [[0, 3, "7"], [3, 2, "8"]]})
    tasks = tasks_of(folder)
    handles = [task.handle() for task in tasks]
    assert handles[:9] == ["7_0"] * 3 + ["7_1"] * 3 + ["7_2"] * 3
    assert handles[9:] == ["8_0"] * 3 + ["8_1"] * 3 + [""] * 5
    assert len({task.log_out for task in tasks}) == 20
    logs = [pack_of(folder, shape, number).log_out.name for number in (0, 2, 3, 6)]
    assert logs == ["pack-0.out", "pack-2.out", "pack-1+0.out", "pack-2+0.out"]
    assert (parts_of(folder).count, parts_of(folder).size) == (5, 7)


def test_who_asks_while_another_thread_reads_is_told_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    folder = JobFolder(tmp_path)
    folder.write_json(folder.spec_file, {"array": {"count": 40}})
    folder.write_json(folder.handle_file, {"parts": [[0, 10, "7"]]})
    write_rest(folder, Rest(most=10))
    reading, go, read_json = threading.Event(), threading.Event(), JobFolder.read_json

    def slow(self: JobFolder, file: Path) -> dict[str, Any] | None:
        if file.name == folder.handle_file.name and threading.current_thread() in slowed:
            reading.set()
            assert go.wait(30)
        return read_json(self, file)

    slowed: list[threading.Thread] = []
    monkeypatch.setattr(JobFolder, "read_json", slow)

    def first() -> Handed:
        slowed.append(threading.current_thread())
        return parts_of(folder)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(first)
        assert reading.wait(30)
        told = parts_of(folder)
        go.set()
        assert (told.count, told.size) == (10, 40)
        assert (other.result(30).count, other.result(30).size) == (10, 40)

"""The parts of an array that a backend has been given."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.parts import Handed, Rest, parts_of, write_rest


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

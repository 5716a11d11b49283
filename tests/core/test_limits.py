"""More than was meant is not sent, and nothing is begun that the disk cannot take."""

from __future__ import annotations

import pickle
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.capture import capture
from nbsubmit.core.errors import FolderError, TooLarge
from nbsubmit.core.limits import check_size, check_space, nearly_full
from nbsubmit.core.names import analyse
from nbsubmit.core.payload import Payload

MEBIBYTE = 1 << 20
Usage = namedtuple("Usage", "total used free")


def payload_of(blobs: Path, **names: Any) -> Payload:
    return capture(analyse(f"use({', '.join(names)})"), names, BlobStore(blobs))


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    return payload_of(
        tmp_path, big=np.zeros(MEBIBYTE), bigger=np.ones(2 * MEBIBYTE), small=np.zeros(10)
    )


def test_what_is_below_the_limit_goes(payload: Payload) -> None:
    check_size(payload, (), "25.2M")


def test_what_is_above_it_is_named_with_size_and_place(payload: Payload) -> None:
    with pytest.raises(TooLarge) as caught:
        check_size(payload, (), "20M")
    text = str(caught.value)
    assert caught.value.names == ("bigger", "big")
    assert "would send 25.2 MB, and the limit is 20 MB" in text
    assert "bigger  16.8 MB  (read in line 1)" in text
    assert "--in bigger,big" in text
    assert "small" not in text
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_what_was_asked_for_does_not_count(payload: Payload) -> None:
    check_size(payload, ("bigger",), "20M")
    check_size(payload, ("*",), "1M")


def test_no_limit_is_no_limit(payload: Payload) -> None:
    check_size(payload, (), "0")


def test_what_is_there_already_does_not_count(tmp_path: Path) -> None:
    first = payload_of(tmp_path / "blobs", big=np.zeros(MEBIBYTE))
    first.placed.write_blobs(tmp_path / "job")
    check_size(payload_of(tmp_path / "blobs", again=np.zeros(MEBIBYTE)), (), "1M")


def test_a_disk_that_cannot_take_it_is_told_before_anything_is_written(
    payload: Payload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "not" / "made" / "yet"
    check_space(payload, store)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 50 * MEBIBYTE))
    with pytest.raises(FolderError, match=r"52\.4 MB free; the job's data need 25\.2 MB") as told:
        check_space(payload, store)
    assert not store.exists()
    assert "%jobs clean" in str(told.value)


@pytest.mark.parametrize(
    ("total", "free", "words"),
    [
        (100e9, 6e9, ""),
        (100e9, 4e9, "has 4 GB free, 4.0 % of it"),
        (100e12, 1e12, ""),
        (100e12, 19e9, "has 19 GB free, 0.0 % of it"),
    ],
)
def test_a_disk_that_will_be_full_soon_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: float, free: float, words: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total, total - free, free))
    told = nearly_full(tmp_path)
    assert told.endswith(words) if words else told == ""

"""Values of other packages travel as they are, out of the stream, and share what they share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from tqdm import tqdm

from nbsubmit.core import culprit
from nbsubmit.core.bundle import LoadError
from nbsubmit.core.contents import Contents
from nbsubmit.core.writer import BundleWriter
from tests.shelf import Shelf, writer_of

COUNT = 200_000
ARROW_TEXT = pd.ArrowDtype(pa.large_string())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def in_stream(contents: Contents) -> int:
    return contents.entries[-1].end


# torch


def test_a_tensor_is_mapped_and_can_be_written_to(shelf: Shelf) -> None:
    tensor = torch.arange(COUNT, dtype=torch.float32).reshape(100, -1)
    contents = shelf.put(writer_of({"t": tensor}))
    back = shelf.get(contents)["t"]
    assert in_stream(contents) < 1_000
    assert torch.equal(back, tensor)
    back[0, 0] = 5
    assert float(back[0, 0]) == 5
    assert float(tensor[0, 0]) == 0


TENSORS = {
    "half precision": torch.arange(5_000).to(torch.bfloat16),
    "complex": torch.ones(3_000, dtype=torch.complex64),
    "truth": torch.ones(9_000, dtype=torch.bool),
    "transposed": torch.arange(6_000).reshape(60, 100).T,
    "every second": torch.arange(10_000)[::2],
    "nothing": torch.empty(0, 3),
    "a number": torch.tensor(2.5),
    "small": torch.arange(3),
    "sparse": torch.eye(50).to_sparse(),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor_of_any_kind_comes_back(shelf: Shelf, kind: str) -> None:
    tensor = TENSORS[kind]
    back = shelf.round(t=tensor)["t"]
    assert (back.dtype, back.shape, back.stride if kind == "sparse" else back.stride()) == (
        tensor.dtype, tensor.shape, back.stride if kind == "sparse" else tensor.stride(),
    )  # fmt: skip
    assert torch.equal(back.to_dense(), tensor.to_dense())


def test_a_model_and_its_optimiser_go_on_sharing_their_weights(shelf: Shelf) -> None:
    model = torch.nn.Linear(200, 300)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 200)).sum().backward()
    optimiser.step()
    back = shelf.round(optimiser=optimiser, model=model)
    weight = back["model"].weight
    assert isinstance(weight, torch.nn.Parameter)
    assert weight.requires_grad
    assert back["optimiser"].param_groups[0]["params"][0] is weight
    assert torch.equal(weight, model.weight)


def test_a_tensor_and_an_array_over_one_memory_stay_that(shelf: Shelf) -> None:
    array = np.zeros(COUNT)
    tensor = torch.from_numpy(array)
    back = shelf.round(array=array, tensor=tensor, part=tensor[10:20])
    back["array"][:] = 1
    assert back["tensor"].sum() == COUNT
    assert back["part"].sum() == 10
    assert shelf.written == array.nbytes


def test_a_small_part_goes_alone_and_with_its_tensor_shares_it(
    shelf: Shelf, tmp_path: Path
) -> None:
    tensor = torch.zeros(COUNT, dtype=torch.float64)
    alone = shelf.round(part=tensor[100:2_000])["part"]
    assert (shelf.written, len(alone)) == (1_900 * 8, 1_900)
    both = shelf.round(part=tensor[100:2_000], tensor=tensor)
    both["part"][:] = 1
    assert both["tensor"].sum() == 1_900


# polars and arrow

FRAMES = {
    "numbers and texts": pl.DataFrame(
        {
            "n": range(COUNT),
            "x": np.arange(COUNT) / 7,
            "s": [f"text {n % 50}" for n in range(COUNT)],
        }
    ),
    "dates": pl.DataFrame({"d": [dt.date(2024, 1, 2)], "t": [dt.datetime(2024, 1, 2, 3)]}),
    "zones": pl.DataFrame({"t": [dt.datetime(2024, 1, 2)]}).with_columns(
        pl.col("t").dt.replace_time_zone("Europe/Vienna")
    ),
    "lists": pl.DataFrame({"l": [[1, 2], [], None], "s": [{"a": 1, "b": "x"}] * 3}),
    "categories": pl.DataFrame({"c": ["a", "b", "a"]}, schema={"c": pl.Categorical}),
    "an enumeration": pl.DataFrame({"e": ["lo", "hi"]}, schema={"e": pl.Enum(["lo", "hi"])}),
    "decimals": pl.DataFrame({"d": ["1.10", "2.25"]}).cast({"d": pl.Decimal(10, 2)}),
    "missing ones": pl.DataFrame({"x": [1.5, None, float("nan")]}),
    "no columns": pl.DataFrame(),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_of_polars_comes_back_with_its_types(shelf: Shelf, kind: str) -> None:
    frame = FRAMES[kind]
    back = shelf.round(frame=frame)["frame"]
    assert back.schema == frame.schema
    assert back.equals(frame)


def test_a_frame_of_polars_stays_out_of_the_stream(shelf: Shelf) -> None:
    frame = FRAMES["numbers and texts"]
    contents = shelf.put(writer_of({"frame": frame, "column": frame["s"]}))
    assert in_stream(contents) < 20_000
    back = shelf.get(contents)
    assert back["column"].equals(frame["s"])
    assert back["column"].name == "s"


def test_a_slice_of_arrow_goes_without_the_rest(shelf: Shelf) -> None:
    table = pa.table({"n": np.arange(1_000_000), "s": ["abc"] * 1_000_000})
    part = table.slice(500_000, 10)
    assert shelf.round(part=part)["part"].equals(part)
    assert shelf.written < 10_000


def test_a_sparse_matrix_stays_out_of_the_stream(shelf: Shelf) -> None:
    matrix = scipy.sparse.random(2_000, 2_000, 0.05, format="csr", random_state=1)
    contents = shelf.put(writer_of({"m": matrix}))
    assert in_stream(contents) < 2_000
    assert (shelf.get(contents)["m"] != matrix).nnz == 0


# Arrays in files


def test_an_array_in_a_file_goes_as_its_place_there(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    whole = np.memmap(file, "f8", "w+", 0, (1_000, 300))
    whole[:] = np.arange(300_000).reshape(1_000, 300)
    read = np.memmap(file, "f8", "r", 8 * 300, (999, 300))
    back = shelf.round(whole=whole, part=whole[100:200], read=read, column=whole[:, 3])
    assert shelf.written == 0
    assert file.stat().st_size == 2_400_000
    np.testing.assert_array_equal(back["part"], whole[100:200])
    np.testing.assert_array_equal(back["column"], whole[:, 3])
    np.testing.assert_array_equal(back["read"], read)
    assert not back["read"].flags.writeable
    back["whole"][5, 5] = -1
    back["whole"].flush()
    assert whole[5, 5] == -1


def test_what_was_written_to_a_private_mapping_goes_by_value(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(80_000))
    private = np.memmap(file, "f8", "c")
    private[0] = 7
    assert shelf.round(p=private)["p"][0] == 7


def test_what_is_computed_from_an_array_in_a_file_is_in_no_file(
    shelf: Shelf, tmp_path: Path
) -> None:
    file = tmp_path / "data.bin"
    whole = np.memmap(file, "f8", "w+", 0, (1_000,))
    assert shelf.round(twice=whole * 2 + 1)["twice"][0] == 1


def test_a_file_that_the_node_does_not_see_is_named(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    contents = shelf.put(writer_of({"a": np.memmap(file, "f8", "w+", 0, (1_000,))}))
    file.unlink()
    with pytest.raises(LoadError, match=r"data\.bin, which .* does not see"):
        shelf.get(contents)


# What would be damaged


def test_a_progress_bar_is_refused_when_it_is_sent_and_named() -> None:
    bar: Any = tqdm(total=3, disable=True)
    with pytest.raises(Exception, match="tqdm"):
        BundleWriter({}).add("job", {"bar": bar})
    (found,) = culprit.find("job", {"bar": bar}, {})
    assert (found.path, found.what) == ("job['bar']", "a progress bar of tqdm")


# pandas


def test_a_column_of_text_is_not_copied_to_be_pickled(shelf: Shelf) -> None:
    column = pd.Series([f"word {n}" for n in range(COUNT)], dtype=ARROW_TEXT)
    frame = pd.DataFrame({"text": column})
    writer = writer_of({"frame": frame})
    placed = shelf.place(writer)
    buffers = pa.array(frame["text"].array).buffers()
    assert all(placed.content(memoryview(buffer)) for buffer in buffers if buffer is not None)
    back = shelf.get(shelf.put(writer))["frame"]
    pd.testing.assert_frame_equal(back, frame)
    back.loc[0, "text"] = "changed"
    assert (back.loc[0, "text"], frame.loc[0, "text"]) == ("changed", "word 0")


def test_a_piece_of_a_column_of_text_goes_without_the_rest(shelf: Shelf) -> None:
    column = pd.Series([f"word {n}" for n in range(COUNT)], dtype=ARROW_TEXT)
    back = shelf.round(part=column[: COUNT // 4])["part"]
    pd.testing.assert_series_equal(back, column[: COUNT // 4])
    assert shelf.written < len("word 123456") * COUNT // 2


def test_a_column_of_text_in_several_pieces_travels(shelf: Shelf) -> None:
    part = pd.Series([f"word {n}" for n in range(COUNT)], dtype=ARROW_TEXT)
    column = pd.concat([part, part])
    pd.testing.assert_series_equal(shelf.round(column=column)["column"], column)

"""Values of other packages travel as they are, out of the stream, and share what they share."""

from __future__ import annotations

import datetime as dt
import os
import weakref
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tqdm import tqdm

from nbsubmit.core import culprit
from nbsubmit.core.bundle import LoadError
from nbsubmit.core.contents import Contents
from nbsubmit.core.fingerprint import fingerprint
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


DTYPES = sorted({str(v)[6:] for v in vars(torch).values() if isinstance(v, torch.dtype)})


@pytest.mark.filterwarnings("ignore::UserWarning:torch")
@pytest.mark.filterwarnings("ignore:.*quantize|ComplexHalf:UserWarning")
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("name", DTYPES)
def test_a_tensor_of_every_kind_of_elements_comes_back(
    shelf: Shelf, name: str, large: bool
) -> None:
    dtype = getattr(torch, name)
    raw = torch.arange(32_000 if large else 64, dtype=torch.uint8)
    if name.startswith("q"):
        tensor = quantized(raw.float(), dtype)
        back = shelf.round(t=tensor)["t"]
        assert (back.dtype, back.qscheme()) == (dtype, tensor.qscheme())
        assert torch.equal(back.dequantize(), tensor.dequantize())
        assert len(set(tensor.dequantize().flatten().tolist())) > 1
        return
    tensor = raw.view(dtype)
    back = shelf.round(t=tensor, every_second=tensor[::2], end=tensor[-4:])
    assert back["t"].dtype is dtype
    assert torch.equal(back["t"].view(torch.uint8), raw)
    for part, like in ((back["every_second"], tensor[::2]), (back["end"], tensor[-4:])):
        assert (part.shape, part.stride(), part.storage_offset()) == (
            like.shape, like.stride(), like.storage_offset(),
        )  # fmt: skip
        assert part.untyped_storage().data_ptr() == back["t"].data_ptr()


def quantized(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Round values to a kind of whole numbers; those of less than a byte have scales by row."""
    if dtype in (torch.quint4x2, torch.quint2x4):
        rows = values.reshape(4, -1)
        return torch.quantize_per_channel(rows, torch.ones(4), torch.zeros(4), 0, dtype)
    return torch.quantize_per_tensor(values, 0.5, 3, dtype)


def learnt() -> torch.Tensor:
    return torch.ones(3, requires_grad=True)


COMPUTED: dict[str, Callable[[], torch.Tensor]] = {
    "a loss": lambda: (learnt() * 2).sum(),
    "a view": lambda: learnt()[1:],
    "a part of much": lambda: (torch.ones(COUNT * 4, requires_grad=True) * 2)[5:900],
    "sparse": lambda: (learnt() * torch.eye(3)).to_sparse(),
    "complex": lambda: (learnt() * 2j).conj(),
    "half precision": lambda: learnt().to(torch.float8_e5m2),
}


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_computed_tensor_has_its_values_and_says_that_no_gradient_can_come(
    shelf: Shelf, kind: str
) -> None:
    tensor = COMPUTED[kind]()
    back = shelf.round(t=tensor)["t"]
    assert (back.is_leaf, back.requires_grad, back.shape) == (False, True, tensor.shape)
    assert torch.equal(
        back.detach().to_dense().to(torch.complex64), tensor.detach().to_dense().to(torch.complex64)
    )
    with pytest.raises(RuntimeError, match=r"without the tensors that it was.*detach\(\)"):
        back.to(
            back.dtype if kind == "complex" else torch.float32
        ).to_dense().abs().sum().backward()
    again = shelf.round(t=back)["t"]
    assert not again.is_leaf


def test_a_computed_tensor_can_be_changed_in_place(shelf: Shelf) -> None:
    tensor = learnt() * 2
    tensor.retain_grad()
    tensor.sum().backward()  # type: ignore[no-untyped-call]
    back = shelf.round(t=tensor, view=tensor.detach())
    assert back["t"].grad.tolist() == [1, 1, 1]
    back["t"].add_(1)
    assert back["view"].tolist() == [3, 3, 3]


LEAVES: dict[str, Callable[[], torch.Tensor]] = {
    "sparse": lambda: torch.eye(3).to_sparse().requires_grad_(),
    "sparse rows": lambda: torch.eye(3).to_sparse_csr().requires_grad_(),
    "sparse blocks": lambda: torch.eye(4).to_sparse_bsr((2, 2)),
    "a parameter": lambda: torch.nn.Parameter(torch.ones(3)),
    "a frozen one": lambda: torch.nn.Parameter(torch.ones(3), requires_grad=False),
    "a buffer": lambda: torch.nn.Buffer(torch.ones(3), persistent=False),
    "conjugate": lambda: torch.full((3,), 2 + 1j).conj(),
    "negative": lambda: torch.full((3,), 2 + 1j).conj().imag,
    "repeated": lambda: torch.ones(1).expand(9_000),
    "half precision": lambda: torch.ones(3).to(torch.float8_e5m2).requires_grad_(),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning")
@pytest.mark.parametrize("kind", LEAVES)
def test_a_tensor_is_what_it_was(shelf: Shelf, kind: str) -> None:
    tensor = LEAVES[kind]()
    back = shelf.round(t=tensor)["t"]
    plain = torch.complex64 if tensor.is_complex() else torch.float32
    assert torch.equal(back.detach().to_dense().to(plain), tensor.detach().to_dense().to(plain))
    for fact in ("dtype", "layout", "requires_grad", "is_leaf"):
        assert getattr(back, fact) == getattr(tensor, fact)
    assert (back.is_conj(), back.is_neg()) == (tensor.is_conj(), tensor.is_neg())
    assert (type(back), vars(back)) == (type(tensor), vars(tensor))
    assert tensor.layout is not torch.strided or back.stride() == tensor.stride()


def test_a_gradient_goes_along(shelf: Shelf) -> None:
    tensor = learnt()
    (tensor * 3).sum().backward()  # type: ignore[no-untyped-call]
    sparse = torch.nn.Embedding(4, 2, sparse=True)
    sparse(torch.tensor([1])).sum().backward()
    back = shelf.round(t=tensor, sparse=sparse)
    assert back["t"].grad.tolist() == [3, 3, 3]
    assert back["sparse"].weight.grad.to_dense().sum() == 2


def test_storages_of_which_one_is_a_part_of_the_other_stay_that(shelf: Shelf) -> None:
    array = np.zeros(COUNT)
    back = shelf.round(first=torch.from_numpy(array[:1_000]), whole=torch.from_numpy(array))
    assert (len(back["first"]), len(back["whole"])) == (1_000, COUNT)
    back["first"][:] = 1
    assert back["whole"].sum() == 1_000


def test_weights_that_two_layers_share_are_shared(shelf: Shelf) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(50, 50), torch.nn.Linear(50, 50))
    model[1].weight = model[0].weight
    state = model.state_dict()
    back = shelf.round(state=state, model=model)
    assert back["model"][1].weight is back["model"][0].weight
    with torch.no_grad():
        back["model"][0].weight[:] = 5
    assert back["state"]["1.weight"][3, 3] == 5


def test_what_is_around_tensors_travels(shelf: Shelf) -> None:
    generator = torch.Generator().manual_seed(7)
    torch.rand(1, generator=generator)
    back = shelf.round(
        generator=generator, meta=torch.empty(3, 2, device="meta"), limits=torch.finfo(torch.half),
        whole=torch.iinfo(torch.int8), size=torch.Size([2, 3]), kind=torch.float8_e5m2,
        lazy=torch.nn.LazyLinear(3),
    )  # fmt: skip
    assert torch.equal(
        torch.rand(3, generator=back["generator"]), torch.rand(3, generator=generator)
    )
    assert (back["meta"].device.type, back["meta"].shape) == ("meta", (3, 2))
    assert (back["limits"].max, back["whole"].max) == (65504, 127)
    assert (back["size"], back["kind"]) == (torch.Size([2, 3]), torch.float8_e5m2)
    assert back["lazy"](torch.ones(1, 5)).shape == (1, 3)


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


def test_a_small_tensor_and_an_array_over_one_memory_stay_that(shelf: Shelf) -> None:
    tensor = torch.zeros(6)
    back = shelf.round(tensor=tensor, array=tensor.numpy(), part=tensor[1:])
    back["array"][0] = back["part"][0] = 5
    assert back["tensor"].tolist() == [5, 5, 0, 0, 0, 0]
    assert back["array"].tolist() == [5, 5, 0, 0, 0, 0]


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


SERIES: dict[str, pl.Series] = {
    "very whole numbers": pl.Series([1, -(2**100), None], dtype=pl.Int128),
    "lists of them": pl.Series([[2**100], None], dtype=pl.List(pl.Int128)),
    "without signs": pl.Series([1, 2**100], dtype=pl.UInt128),
    "half precision": pl.Series([1.5, None], dtype=pl.Float16),
    "objects": pl.Series([{1}, None, "a"], dtype=pl.Object),
    "nothing": pl.Series([None, None]),
    "lists of nothing": pl.Series([[None], []]),
    "bytes": pl.Series([b"a", None]),
    "times": pl.Series([dt.time(1, 2), None]),
    "times with a zone": pl.Series([dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)]),
    "milliseconds": pl.Series([dt.timedelta(1)], dtype=pl.Duration("ms")),
    "arrays": pl.Series([[[1, 2], [3, 4]], None], dtype=pl.Array(pl.Int8, (2, 2))),
    "structures": pl.Series([{"a": [{"b": b"x"}]}, None]),
    "structures of categories": pl.Series([{"a": "q"}], dtype=pl.Struct({"a": pl.Categorical})),
    "lists of an enumeration": pl.Series([["hi"]], dtype=pl.List(pl.Enum(["lo", "hi"]))),
    "decimals": pl.Series([Decimal("1.10"), None], dtype=pl.Decimal(38, 10)),
    "no text": pl.Series([], dtype=pl.String),
    "several pieces": pl.concat([pl.Series(["a"]), pl.Series(["b"])], rechunk=False),
}


@pytest.mark.filterwarnings("ignore::polars.exceptions.UnstableWarning")
@pytest.mark.parametrize("kind", SERIES)
def test_a_series_of_polars_comes_back_with_its_type(shelf: Shelf, kind: str) -> None:
    series = SERIES[kind].alias("x")
    frame = series.to_frame()
    back = shelf.round(series=series, frame=frame)
    if series.dtype != pl.Object:  # no plan has any
        back["lazy"] = shelf.round(plan=frame.lazy())["plan"].collect()
        assert back["lazy"]["x"].to_list() == series.to_list()
    for found in (back["series"], back["frame"]["x"]):
        assert (found.name, found.dtype) == (series.name, series.dtype)
        assert found.to_list() == series.to_list()


def test_what_polars_is_asked_to_do_travels(shelf: Shelf) -> None:
    frame = pl.LazyFrame({"a": [1, 2, 3]})
    back = shelf.round(
        plan=frame.filter(pl.col("a") > 1), sum=pl.col("a").sum(),
        mapped=pl.col("a").map_elements(lambda a: f'{a}!', return_dtype=pl.String),
    )  # fmt: skip
    assert back["plan"].select(back["sum"]).collect().item() == 5
    assert frame.select(back["mapped"]).collect()["a"].to_list() == ["1!", "2!", "3!"]


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


WORDS = [f"word number {number}" for number in range(100_000)]
NUMBERS = pa.array(range(100_000))
HALVES = pa.array([number // 2 for number in range(100_000)], pa.int32())
SIDES = pa.array([0, 1] * 50_000, pa.int8())
ARRAYS: dict[str, pa.Array] = {
    "texts": pa.array(WORDS),
    "views of texts": pa.array(WORDS, pa.string_view()),
    "views of bytes": pa.array([word.encode() for word in WORDS], pa.binary_view()),
    "structures": pa.StructArray.from_arrays([pa.array(WORDS), NUMBERS], ["a", "b"]),
    "lists": pa.array([[word] for word in WORDS]),
    "lists of two": pa.array([[n, n] for n in range(100_000)], pa.list_(pa.int64(), 2)),
    "maps": pa.array([[(word, 1)] for word in WORDS], pa.map_(pa.string(), pa.int8())),
    "one of two, apart": pa.UnionArray.from_sparse(SIDES, [NUMBERS, pa.array(WORDS)]),
    "one of two": pa.UnionArray.from_dense(
        SIDES, HALVES, [NUMBERS[:50_000], pa.array(WORDS[:50_000])]
    ),
    "runs": pa.RunEndEncodedArray.from_arrays(
        pa.array(range(1, 100_001), pa.int32()), pa.array(WORDS)
    ),
    "of an extension": pa.ExtensionArray.from_storage(
        pa.uuid(), pa.array([n.to_bytes(16, "big") for n in range(100_000)], pa.binary(16))
    ),
    "tensors": pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((100_000, 2, 2))),
    "of a dictionary": pa.array(["low", "high"] * 50_000).dictionary_encode(),
    "truth": pa.array([True, False] * 500_000),
    "nothing": pa.nulls(100_000),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_of_arrow_comes_back_and_a_slice_of_it_without_the_rest(
    shelf: Shelf, kind: str
) -> None:
    array = ARRAYS[kind]
    part = array.slice(50_001, 10)
    back = shelf.round(part=part, table=pa.table({"c": array}).slice(7, 3))
    assert shelf.written + shelf.stream.stat().st_size < 10_000
    assert back["table"].equals(pa.table({"c": array}).slice(7, 3))
    for found, was in ((back["part"], part), (shelf.round(whole=array)["whole"], array)):
        found.validate(full=True)
        assert (found.type, found.equals(was)) == (was.type, True)


def test_a_few_of_many_views_go_without_the_rest(shelf: Shelf) -> None:
    series = pl.Series(WORDS * 2)
    some = series.filter(pl.arange(len(series), eager=True) % 1_000 == 0)
    assert shelf.round(some=some)["some"].equals(some)
    assert shelf.written + shelf.stream.stat().st_size < 20_000


def test_a_dictionary_goes_whole_with_a_part_of_its_elements(shelf: Shelf) -> None:
    array = pa.DictionaryArray.from_arrays(HALVES, pa.array(WORDS), ordered=True)[:4]
    back = shelf.round(array=array)["array"]
    assert (back.type, back.dictionary.equals(array.dictionary)) == (array.type, True)


def test_a_tensor_of_arrow_travels(shelf: Shelf) -> None:
    tensor = pa.Tensor.from_numpy(np.arange(6.0).reshape(2, 3), dim_names=["x", "y"])
    back = shelf.round(tensor=tensor)["tensor"]
    assert (back.equals(tensor), back.dim_names) == (True, ["x", "y"])


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


def test_a_plain_array_over_one_in_a_file_writes_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    mapped = np.memmap(file, "f8", "w+", 0, (100, 30))
    plain = np.asarray(mapped)
    back = Shelf(tmp_path).round(plain=plain, row=plain[3], mapped=mapped)
    back["row"][2] = 5
    assert type(back["plain"]) is np.ndarray
    assert (back["plain"][3, 2], back["mapped"][3, 2], mapped[3, 2]) == (5, 5, 5)


def test_what_is_computed_from_an_array_in_a_file_is_in_no_file(
    shelf: Shelf, tmp_path: Path
) -> None:
    file = tmp_path / "data.bin"
    whole = np.memmap(file, "f8", "w+", 0, (1_000,))
    assert shelf.round(twice=whole * 2 + 1)["twice"][0] == 1


def mapped(file: Path, mode: Any = "r+", **place: Any) -> Any:
    np.arange(1_000.0).tofile(file)
    return np.memmap(file, "f8", mode, **place)


def test_a_file_that_was_cut_short_meanwhile_is_not_lengthened(
    shelf: Shelf, tmp_path: Path
) -> None:
    file = tmp_path / "data.bin"
    contents = shelf.put(writer_of({"a": mapped(file)}))
    os.truncate(file, 800)
    with pytest.raises(LoadError, match=r"data\.bin, which was cut short .* has 800 bytes.* 8000"):
        shelf.get(contents)
    assert file.stat().st_size == 800


def test_a_file_that_was_replaced_meanwhile_is_not_shown(shelf: Shelf, tmp_path: Path) -> None:
    file, other = tmp_path / "data.bin", tmp_path / "other"
    array = mapped(file)
    contents = shelf.put(writer_of({"a": array}))
    np.zeros(1_000).tofile(other)
    other.replace(file)
    with pytest.raises(LoadError, match=r"data\.bin, which was replaced"):
        shelf.get(contents)
    # What the notebook sees is in no file any more.
    np.testing.assert_array_equal(shelf.round(a=array)["a"], array)


def test_a_file_that_has_grown_or_been_written_to_is_the_same_file(
    shelf: Shelf, tmp_path: Path
) -> None:
    file = tmp_path / "data.bin"
    array = mapped(file)
    contents = shelf.put(writer_of({"a": array}))
    array[0] = 5
    with file.open("ab") as more:
        more.write(b"more")
    back = shelf.get(contents)["a"]
    assert (back[0], len(back)) == (5, 1_000)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_an_array_in_a_deleted_file_goes_by_value(shelf: Shelf, tmp_path: Path, mode: str) -> None:
    array = mapped(tmp_path / "data.bin", mode)
    (tmp_path / "data.bin").unlink()
    np.testing.assert_array_equal(shelf.round(a=array)["a"], array)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_an_array_at_any_place_in_a_file_is_found_again(
    shelf: Shelf, tmp_path: Path, mode: str, order: str
) -> None:
    file = tmp_path / "data.bin"
    array = mapped(file, mode, offset=16, shape=(10, 5), order=order)
    back = shelf.round(a=array)["a"]
    np.testing.assert_array_equal(back, array)
    assert back.flags.f_contiguous == array.flags.f_contiguous
    assert back.flags.writeable == (mode != "r")
    if mode != "r":
        back[0, 0] = -1
    assert (np.fromfile(file)[2] == -1) == (mode == "r+")


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


COLUMNS: dict[str, tuple[list[Any], Any]] = {
    "whole numbers": ([1, None], "Int64"),
    "halves": ([0.5, None], "Float32"),
    "truth": ([True, None], "boolean"),
    "texts": (["a", None], "str"),
    "texts of Python": (["a", None], "string[python]"),
    "texts of Arrow": (["a", None], "string[pyarrow]"),
    "categories": (["a", "b"], pd.CategoricalDtype(["b", "a", "c"], ordered=True)),
    "dates": (["2024-01-01", None], "datetime64[s]"),
    "dates with a zone": (["2024-01-01", None], "datetime64[ns, Europe/Vienna]"),
    "durations": ([1_000, None], "timedelta64[ms]"),
    "months": (["2024-01", None], "period[M]"),
    "sparse": ([0.0, 1.0], "Sparse[float64]"),
    "ranges": ([pd.Interval(0, 1), pd.Interval(1, 2)], "interval[int64]"),
    "objects": (["a", {1}], "object"),
    "complex": ([1j, 2], "complex128"),
    "lists of Arrow": ([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))),
    "structures of Arrow": ([{"a": 1}, None], pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
    "a dictionary of Arrow": (["a", "b"], pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "decimals of Arrow": ([Decimal("1.5"), None], pd.ArrowDtype(pa.decimal128(5, 2))),
    "dates of Arrow": ([pd.Timestamp("2024"), None], "timestamp[ns, tz=UTC][pyarrow]"),
}


@pytest.mark.parametrize("times", [1, 10_000])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_pandas_comes_back_with_its_type(shelf: Shelf, kind: str, times: int) -> None:
    values, dtype = COLUMNS[kind]
    column = pd.Series(values * times, dtype=dtype, name="x")
    column.attrs["unit"] = {"m": 1}
    back = shelf.round(column=column, frame=column.to_frame(), half=column[::2])
    pd.testing.assert_series_equal(back["column"], column)
    pd.testing.assert_series_equal(back["half"], column[::2])
    pd.testing.assert_frame_equal(back["frame"], column.to_frame())
    assert back["column"].attrs == back["frame"].attrs == {"unit": {"m": 1}}


def test_what_a_frame_says_of_itself_comes_back(shelf: Shelf) -> None:
    index = pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["p", "q"])
    frame = pd.DataFrame({"a": [1, 2]}, index=index).set_flags(allows_duplicate_labels=False)
    dated = pd.DataFrame({"a": [1]}, index=pd.date_range("2024", periods=1, freq="ME", tz="UTC"))
    back = shelf.round(frame=frame, dated=dated, groups=frame.groupby("q"), turned=frame.T)
    pd.testing.assert_frame_equal(back["frame"], frame)
    pd.testing.assert_frame_equal(back["turned"], frame.T)
    assert not back["frame"].flags.allows_duplicate_labels
    pd.testing.assert_frame_equal(back["dated"], dated, check_freq=True)
    assert back["groups"]["a"].sum().to_dict() == {"x": 1, "y": 2}


# The same each time


def figure() -> Any:
    plain = Figure()
    first, second = plain.subplots(2)
    first.plot([1, 2], label="line")
    first.legend()
    plain.colorbar(second.imshow(np.eye(4)))
    return plain


def dated() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": [True, False]}, pd.date_range("2024", periods=2))


def weak() -> Any:
    holder = LinearRegression()
    return [holder, weakref.ref(holder), weakref.WeakValueDictionary({"a": holder})]


def trained() -> Any:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LSTM(4, 2))
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3))[0].sum().backward()
    optimiser.step()
    return model, optimiser


POINTS, SIDE = np.arange(40.0).reshape(20, 2) % 7, np.arange(20) % 2
# What is made → how it is used without being changed.
SAME: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "a figure": (figure, lambda v: v.get_axes()),
    "a frame": (lambda: pd.DataFrame({"a": [1], "b": ["x"]}), lambda v: (v.loc[0], v.groupby("b"))),
    "a frame by dates": (dated, lambda v: (v.loc["2024-01-01"], v.index.year, repr(v))),
    "dates in a column": (lambda: dated().reset_index(), lambda v: v["index"].dt.month),
    "categories": (lambda: pd.Series(["a"], dtype="category"), lambda v: v.cat.codes),
    "a frame of polars": (lambda: pl.DataFrame({"a": ["x"]}), lambda v: v.filter(v["a"] == "x")),
    "a plan of polars": (lambda: pl.LazyFrame({"a": [1]}).tail(), lambda v: v.collect()),
    "a set of texts": (lambda: set("abcdefgh"), lambda v: "x" in v),
    "weak references": (weak, lambda v: v[1]()),
    "a model and its optimiser": (trained, lambda v: v[0](torch.ones(2, 3))),
    "a computed tensor": (lambda: learnt() * 2, repr),
    "a part of a tensor": (lambda: torch.zeros(COUNT * 4)[:50], repr),
    "a forest": (lambda: RandomForestClassifier(5).fit(POINTS, SIDE), lambda v: v.predict(POINTS)),
    "a line": (lambda: LinearRegression().fit(POINTS, SIDE), lambda v: v.predict(POINTS)),
    "a machine": (lambda: make_pipeline(StandardScaler(), SVC()).fit(POINTS, SIDE),
                  lambda v: v.predict(POINTS)),
    "a sparse matrix": (lambda: scipy.sparse.eye(5, format="csr"), lambda v: v @ np.ones(5)),
    "a slice of Arrow": (lambda: pa.array(WORDS)[5:9], repr),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAME)
def test_a_value_that_is_not_changed_is_pickled_the_same_each_time(kind: str) -> None:
    make, use = SAME[kind]
    value = make()
    first = fingerprint(value, {})
    for _ in range(2):
        use(value)
        assert fingerprint(value, {}) == first

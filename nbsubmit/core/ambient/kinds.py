"""Whose settings and whose chance travel, and how each is read and set.

A module is asked only if it is there: nothing here imports one.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from nbsubmit.core.ambient.kind import SEEDS, Chance, Kind, Values, under
from nbsubmit.core.ambient.learning import Sklearn, TorchSettings
from nbsubmit.core.ambient.logs import Logging
from nbsubmit.core.ambient.process import Process, Shell


class _Python(Kind):
    module = "sys"

    def get(self) -> Values:
        return {"recursion": sys.getrecursionlimit()}

    def put(self, values: Mapping[str, Any]) -> None:
        sys.setrecursionlimit(values["recursion"])


class _Warnings(Kind):
    """The filters; a category goes by its name, for its module may not be needed."""

    module = "warnings"

    def get(self) -> Values:
        found: list[Any] = list(warnings.filters)
        return {"filters": [_plain(*one) for one in found]}

    def put(self, values: Mapping[str, Any]) -> None:
        # The public way to tell Python that the list is another; it adds a filter of its own.
        warnings.simplefilter("default", category=_Never)
        filters: Any = warnings.filters
        old = filters[1:]
        if "filters" in values:
            filters[:] = _resolved(values["filters"])
        else:
            new = _resolved(values["added"])
            filters[:] = [*new, *(one for one in old if one not in new)]

    def changes(self, before: Values, after: Values) -> Values:
        # What the job could not find, and so did not set, is not to be lost at home.
        new = [one for one in after["filters"] if one not in before["filters"]]
        return {"added": new} if new else {}


class _Never(Warning):
    """Nobody warns of this."""


def _plain(action: str, message: Any, category: type, module: Any, line: int) -> tuple[Any, ...]:
    return action, message, (category.__module__, category.__qualname__), module, line


def _resolved(plain: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [found for one in plain if (found := _filter(*one)) is not None]


def _filter(
    action: str, message: Any, category: tuple[str, str], module: Any, line: int
) -> tuple[Any, ...] | None:
    home = sys.modules.get(category[0])
    kind = getattr(home, category[1], None)
    return None if kind is None else (action, message, kind, module, line)


class _Decimal(Kind):
    """The context of the thread."""

    module = "decimal"

    def get(self) -> Values:
        context = sys.modules["decimal"].getcontext()
        return {"precision": context.prec, "rounding": context.rounding}

    def put(self, values: Mapping[str, Any]) -> None:
        context = sys.modules["decimal"].getcontext()
        context.prec = values.get("precision", context.prec)
        context.rounding = values.get("rounding", context.rounding)


class _Numpy(Kind):
    module = "numpy"

    def get(self) -> Values:
        numpy = sys.modules["numpy"]
        options = {f"print {name}": v for name, v in numpy.get_printoptions().items()}
        options.pop("print override_repr", None)
        return options | {f"error {name}": value for name, value in numpy.geterr().items()}

    def put(self, values: Mapping[str, Any]) -> None:
        numpy = sys.modules["numpy"]
        numpy.set_printoptions(**under("print ", values))
        numpy.seterr(**under("error ", values))


class _Pandas(Kind):
    module = "pandas"

    def get(self) -> Values:
        pandas = sys.modules["pandas"]
        return dict(_flat("", object.__getattribute__(pandas.options, "d")))

    def put(self, values: Mapping[str, Any]) -> None:
        pandas = sys.modules["pandas"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of those that are on their way out
            for name, value in values.items():
                pandas.set_option(name, value)


def _flat(prefix: str, tree: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


class _Matplotlib(Kind):
    module = "matplotlib"

    def get(self) -> Values:
        values = dict(dict.items(sys.modules["matplotlib"].rcParams))
        # Where figures are drawn is each process's own.
        return {n: v for n, v in values.items() if not n.startswith(("backend", "interactive"))}

    def put(self, values: Mapping[str, Any]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of those that are on their way out
            sys.modules["matplotlib"].rcParams.update(values)


class _Random(Chance):
    module = "random"

    def get(self) -> Values:
        return {"state": sys.modules["random"].getstate()}

    def put(self, values: Mapping[str, Any]) -> None:
        random = sys.modules["random"]
        if "seed" in values:
            random.seed(values["seed"])
        else:
            random.setstate(values["state"])

    def draw(self) -> int:
        return int(sys.modules["random"].randrange(SEEDS))


class _NumpyRandom(Chance):
    module = "numpy.random"

    def get(self) -> Values:
        kind, key, *rest = sys.modules["numpy.random"].get_state()
        return {"state": (kind, key.tobytes(), *rest)}

    def put(self, values: Mapping[str, Any]) -> None:
        numpy = sys.modules["numpy.random"]
        if "seed" in values:
            numpy.seed(values["seed"])
            return
        kind, key, *rest = values["state"]
        numpy.set_state((kind, sys.modules["numpy"].frombuffer(key, "u4"), *rest))

    def draw(self) -> int:
        return int(sys.modules["numpy.random"].randint(0, SEEDS, dtype="u4"))


class _Torch(Chance):
    module = "torch"

    def get(self) -> Values:
        return {"state": sys.modules["torch"].get_rng_state().numpy().tobytes()}

    def put(self, values: Mapping[str, Any]) -> None:
        torch = sys.modules["torch"]
        if "seed" in values:
            torch.manual_seed(values["seed"])
        else:
            torch.set_rng_state(torch.frombuffer(bytearray(values["state"]), dtype=torch.uint8))

    def draw(self) -> int:
        torch = sys.modules["torch"]
        return int(torch.randint(0, SEEDS, (), dtype=torch.int64))


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _Python(), _Warnings(), Logging(), _Decimal(), _Numpy(), _Pandas(), _Matplotlib(),
        _Random(), _NumpyRandom(), _Torch(), TorchSettings(), Sklearn(), Process(), Shell(),
    )
}  # fmt: skip

"""The settings of torch and of scikit-learn, as plain values: to read them needs neither."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from nbsubmit.core.ambient.kind import Kind, Values, under

_PRINTED = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")


class TorchSettings(Kind):
    """What holds for all tensors; torch's chance is another thing."""

    name = "torch settings"
    module = "torch"
    can_be_kept = True

    def get(self) -> Values:
        torch = sys.modules["torch"]
        printed = _printed()
        return {
            "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
            "grad": torch.is_grad_enabled(),
            "deterministic": (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
        } | {f"print {name}": value for name, value in printed.items()}

    def put(self, values: Mapping[str, Any]) -> None:
        torch = sys.modules["torch"]
        if "dtype" in values:
            torch.set_default_dtype(getattr(torch, values["dtype"]))
        if "grad" in values:
            torch.set_grad_enabled(values["grad"])
        if "deterministic" in values:
            mode, warn_only = values["deterministic"]
            torch.use_deterministic_algorithms(mode, warn_only=warn_only)
        printed = under("print ", values)
        if printed:
            # One of them goes back to its default when others are set without it.
            torch.set_printoptions(**{**_printed(), **printed})


def _printed() -> Values:
    options = sys.modules["torch"]._tensor_str.PRINT_OPTS
    return {name: getattr(options, name) for name in _PRINTED}


class Sklearn(Kind):
    """What ``sklearn.set_config`` sets, in this thread."""

    module = "sklearn"
    can_be_kept = True

    def get(self) -> Values:
        return dict(sys.modules["sklearn"].get_config())

    def put(self, values: Mapping[str, Any]) -> None:
        sys.modules["sklearn"].set_config(**values)

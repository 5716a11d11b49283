"""What may be taken from ``nbsubmit``: listed, there, and in the manual.

Promise 8 of README.
"""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import nbsubmit


def test_the_public_names_are_sorted_and_each_is_there_once() -> None:
    assert nbsubmit.__all__ == sorted(set(nbsubmit.__all__))


@pytest.mark.parametrize("name", nbsubmit.__all__)
def test_a_public_name_can_be_taken(name: str) -> None:
    assert getattr(nbsubmit, name) is not None
    namespace: dict[str, object] = {}
    exec(f"from nbsubmit import {name}", namespace)
    assert name in namespace


@pytest.mark.parametrize("name", [n for n in nbsubmit.__all__ if not n.startswith("_")])
def test_a_public_name_has_words_about_it(name: str) -> None:
    assert inspect.getdoc(getattr(nbsubmit, name))


def test_a_star_takes_them_all_and_nothing_else() -> None:
    namespace: dict[str, object] = {}
    exec("from nbsubmit import *", namespace)
    del namespace["__builtins__"]
    assert sorted(namespace) == nbsubmit.__all__


def test_what_is_listed_is_what_is_public() -> None:
    extension = {"load_ipython_extension", "unload_ipython_extension"}
    assert set(dir(nbsubmit)) == set(nbsubmit.__all__) | extension
    assert all(callable(getattr(nbsubmit, name)) for name in extension)


def test_a_name_that_is_not_there_is_an_attribute_error_and_no_import_error() -> None:
    with pytest.raises(AttributeError, match="module 'nbsubmit' has no attribute 'nothing'"):
        nbsubmit.nothing  # noqa: B018
    assert not hasattr(nbsubmit, "numpy")


def test_the_version_is_that_of_the_package() -> None:
    assert nbsubmit.__version__ == importlib.import_module("importlib.metadata").version("nbsubmit")


def test_a_name_costs_only_its_own_room() -> None:
    code = "import nbsubmit, sys; nbsubmit.NbsubmitError; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_who_comes_from_submitit_finds_the_helpers() -> None:
    code = (
        "import sys, nbsubmit as submitit; before = 'nbsubmit.client' in sys.modules\n"
        "print(before, submitit.helpers.CommandFunction(['echo', 'hello'], verbose=False)())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False hello\n"


def test_a_helper_has_words_about_it_and_each_is_listed() -> None:
    found = {n for n in vars(nbsubmit.helpers) if not n.startswith("_")}
    assert found == set(nbsubmit.helpers.__all__)
    assert all(inspect.getdoc(getattr(nbsubmit.helpers, name)) for name in found)

"""What comes back into the notebook, and what never does: a value that the user bound since.

Promise 3 of README.
"""

from __future__ import annotations

import copy
import fractions
import gc
import statistics
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.capture import capture
from nbsubmit.core.handed import Handed
from nbsubmit.core.inject import Arrival, Injector, SenderHome, Sending, Snapshot
from nbsubmit.core.names import analyse
from nbsubmit.core.originals import Originals
from nbsubmit.core.revise import content_of


class Notebook:
    """A namespace into which jobs are sent from and come back to."""

    def __init__(self, **names: Any) -> None:
        self.names: dict[str, Any] = names
        self._injector = Injector(self.names)
        self._sent = 0

    def send(self, *expected: str) -> Sent:
        """Send a job of which these names are expected."""
        self._sent += 1
        return Sent(self, Sending(self._sent, Snapshot.take(self.names, expected)))

    def hand(self, *names: str) -> Sent:
        """Send a job that is given these names."""
        use = analyse(f"use({', '.join(names)})")
        payload = capture(use, self.names, BlobStore(Path("/nonexistent")))
        sending = self.send(*names).sending
        return Sent(self, replace(sending, handed=Handed(payload, self.names)))

    def take(self, sent: Sent, **what: Any) -> Arrival:
        return self._injector.inject(sent.sending, **what)

    def let_go(self, *, is_last: bool) -> None:
        self._injector.let_go(is_last=is_last)
        gc.collect()

    def home_of(self, sent: Sent) -> SenderHome:
        return self._injector.home_of(sent.sending)


@dataclass
class Sent:
    notebook: Notebook
    sending: Sending

    def ends_changing(self, **values: Any) -> Arrival:
        """The job has left these contents in the objects that were sent."""
        if self.sending.handed is not None:
            self.sending.handed.look_again()
        copies = copy.deepcopy(self.sending.handed.values) if self.sending.handed else {}
        changed = tuple(values)
        originals = Originals(self.notebook.home_of(self), lambda: (copies, {}), changed)
        brought = {}
        for name, value in values.items():
            content = content_of(value)
            brought[name] = value if content is None else originals.revised(name, content)
        return self.notebook.take(self, values=brought, changed=changed)

    def ends(self, **values: Any) -> Arrival:
        return self.notebook.take(self, values=values)

    def ends_deleting(self, *names: str) -> Arrival:
        return self.notebook.take(self, values={}, deleted=names)

    def ends_importing(self, **modules: str) -> Arrival:
        return self.notebook.take(self, values={}, modules=modules)


# One job


def test_a_new_name_is_bound() -> None:
    notebook = Notebook()
    arrival = notebook.send("x").ends(x=1)
    assert notebook.names == {"x": 1}
    assert arrival == Arrival(brought=["x"])


def test_a_name_that_was_there_is_bound_anew() -> None:
    notebook = Notebook(x=1)
    assert notebook.send("x").ends(x=2).brought == ["x"]
    assert notebook.names == {"x": 2}


def test_other_names_are_left_alone() -> None:
    notebook = Notebook(y=[1])
    before = notebook.names["y"]
    notebook.send("x").ends(x=2)
    assert notebook.names["y"] is before


def test_none_is_a_value_like_any_other() -> None:
    notebook = Notebook(x=None)
    job = notebook.send("x", "y")
    notebook.names["y"] = None
    assert job.ends(x=1, y=2) == Arrival(brought=["x"], kept=["y"])


# What the user did meanwhile → whether the job's value is bound.
MEANWHILE: dict[str, tuple[dict[str, Any], Any, bool]] = {
    # name: (before, what is done to the namespace, replaced)
    "nothing": ({"x": [1]}, lambda n: None, True),
    "bound it": ({"x": [1]}, lambda n: n.update(x="mine"), False),
    "bound it for the first time": ({}, lambda n: n.update(x="mine"), False),
    "bound it to an equal value": ({"x": [1]}, lambda n: n.update(x=[1]), False),
    "bound it to None": ({"x": [1]}, lambda n: n.update(x=None), False),
    "bound another name": ({"x": [1]}, lambda n: n.update(y=1), True),
    "changed it in place": ({"x": [1]}, lambda n: n["x"].append(2), True),
    "bound it and back": ({"x": [1]}, lambda n: n.update(x=(0, n["x"])[1]), True),
    "deleted it": ({"x": [1]}, lambda n: n.pop("x"), False),
    "bound and deleted it": ({}, lambda n: (n.update(x=1), n.pop("x")), True),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_value_is_bound_only_where_nothing_newer_stands(meanwhile: str) -> None:
    before, act, replaced = MEANWHILE[meanwhile]
    notebook = Notebook(**before)
    job = notebook.send("x")
    act(notebook.names)
    after = dict(notebook.names)
    arrival = job.ends(x="the job's")
    if replaced:
        assert notebook.names["x"] == "the job's"
        assert arrival == Arrival(brought=["x"])
    else:
        assert notebook.names == after
        assert arrival == Arrival(kept=["x"])


def test_one_name_is_kept_and_the_others_come() -> None:
    notebook = Notebook(a=1, b=2)
    job = notebook.send("a", "b", "c")
    notebook.names["b"] = "mine"
    assert job.ends(a=10, b=20, c=30) == Arrival(brought=["a", "c"], kept=["b"])
    assert notebook.names == {"a": 10, "b": "mine", "c": 30}


# Two jobs


def test_the_later_submission_wins_when_it_ends_last() -> None:
    notebook = Notebook()
    first, second = notebook.send("x"), notebook.send("x")
    assert first.ends(x=1).brought == ["x"]
    assert second.ends(x=2).brought == ["x"]
    assert notebook.names == {"x": 2}


def test_the_later_submission_wins_when_it_ends_first() -> None:
    notebook = Notebook()
    first, second = notebook.send("x"), notebook.send("x")
    assert second.ends(x=2).brought == ["x"]
    assert first.ends(x=1).kept == ["x"]
    assert notebook.names == {"x": 2}


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
@pytest.mark.parametrize("before", [{}, {"x": 0}])
def test_of_many_the_last_one_sent_wins_in_whatever_order_they_end(
    order: tuple[int, ...], before: dict[str, Any]
) -> None:
    notebook = Notebook(**before)
    jobs = [notebook.send("x") for _ in range(3)]
    for index in order:
        jobs[index].ends(x=f"from job {index}")
    assert notebook.names == {"x": "from job 2"}


def test_each_of_two_jobs_brings_its_own_names() -> None:
    notebook = Notebook()
    first, second = notebook.send("a", "shared"), notebook.send("b", "shared")
    second.ends(b=2, shared="second")
    assert first.ends(a=1, shared="first") == Arrival(brought=["a"], kept=["shared"])
    assert notebook.names == {"a": 1, "b": 2, "shared": "second"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_the_user_binds_outlives_both_jobs(order: tuple[int, int]) -> None:
    notebook = Notebook()
    jobs = [notebook.send("x"), notebook.send("x")]
    notebook.names["x"] = "mine"
    for index in order:
        assert jobs[index].ends(x=index).kept == ["x"]
    assert notebook.names == {"x": "mine"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_the_user_binds_between_two_endings_outlives_the_second(
    order: tuple[int, int],
) -> None:
    notebook = Notebook()
    jobs = [notebook.send("x"), notebook.send("x")]
    jobs[order[0]].ends(x="job's")
    notebook.names["x"] = "mine"
    assert jobs[order[1]].ends(x="other job's").kept == ["x"]
    assert notebook.names == {"x": "mine"}


def test_a_job_that_was_sent_after_another_came_home_replaces_it() -> None:
    notebook = Notebook()
    notebook.send("x").ends(x=1)
    assert notebook.send("x").ends(x=2).brought == ["x"]
    assert notebook.names == {"x": 2}


def test_an_old_job_does_not_replace_what_a_newer_one_brought_for_a_value_bound_between() -> None:
    notebook = Notebook()
    old = notebook.send("x")
    notebook.names["x"] = "mine"
    newer = notebook.send("x")
    assert newer.ends(x="newer").brought == ["x"]
    assert old.ends(x="old").kept == ["x"]
    assert notebook.names == {"x": "newer"}


# Deleted names


def test_a_name_that_the_job_deleted_goes() -> None:
    notebook = Notebook(x=[1])
    assert notebook.send("x").ends_deleting("x") == Arrival(deleted=["x"])
    assert notebook.names == {}


def test_a_name_that_was_bound_since_is_not_deleted() -> None:
    notebook = Notebook(x=[1])
    job = notebook.send("x")
    notebook.names["x"] = "mine"
    assert job.ends_deleting("x") == Arrival(kept=["x"])
    assert notebook.names == {"x": "mine"}


def test_a_name_that_is_gone_already_is_no_news() -> None:
    notebook = Notebook(x=[1])
    job = notebook.send("x")
    del notebook.names["x"]
    assert job.ends_deleting("x") == Arrival()


def test_an_old_job_does_not_bring_back_what_a_newer_one_deleted() -> None:
    notebook = Notebook(x=[1])
    old, newer = notebook.send("x"), notebook.send("x")
    newer.ends_deleting("x")
    assert old.ends(x="old").kept == ["x"]
    assert notebook.names == {}


def test_a_newer_job_brings_what_an_older_one_deleted() -> None:
    notebook = Notebook(x=[1])
    old, newer = notebook.send("x"), notebook.send("x")
    old.ends_deleting("x")
    assert newer.ends(x="newer").brought == ["x"]
    assert notebook.names == {"x": "newer"}


# Modules


def test_a_module_that_the_cell_imported_is_imported_here() -> None:
    notebook = Notebook()
    arrival = notebook.send("st").ends_importing(st="statistics")
    assert notebook.names == {"st": statistics}
    assert arrival == Arrival(brought=["st"])


def test_a_module_that_is_here_already_is_no_news() -> None:
    notebook = Notebook(st=statistics)
    assert notebook.send("st").ends_importing(st="statistics") == Arrival()


def test_a_name_that_the_user_bound_since_does_not_become_a_module() -> None:
    notebook = Notebook()
    job = notebook.send("st")
    notebook.names["st"] = fractions
    assert job.ends_importing(st="statistics") == Arrival(kept=["st"])
    assert notebook.names == {"st": fractions}


def test_a_module_that_is_not_installed_here_is_told_and_the_rest_comes() -> None:
    notebook = Notebook()
    job = notebook.send("x", "gone")
    arrival = notebook.take(job, values={"x": 1}, modules={"gone": "no_such_module_here"})
    assert notebook.names == {"x": 1}
    assert arrival.brought == ["x"]
    assert list(arrival.failed) == ["gone"]
    assert "no_such_module_here cannot be imported here" in arrival.failed["gone"]


# Names that nobody foresaw: a cell may bind any name through exec or a magic.


def test_an_unforeseen_name_that_is_new_is_bound() -> None:
    notebook = Notebook()
    assert notebook.send().ends(x=1).brought == ["x"]
    assert notebook.names == {"x": 1}


def test_an_unforeseen_name_that_came_up_since_is_left_alone() -> None:
    notebook = Notebook()
    job = notebook.send()
    notebook.names["x"] = "mine"
    assert job.ends(x=1).kept == ["x"]
    assert notebook.names == {"x": "mine"}


def test_an_unforeseen_name_that_was_there_is_bound_anew() -> None:
    notebook = Notebook(x=[1])
    assert notebook.send().ends(x=1).brought == ["x"]
    assert notebook.names == {"x": 1}


def test_an_unforeseen_name_that_was_there_and_was_bound_since_is_left_alone() -> None:
    notebook = Notebook(x=[1])
    job = notebook.send()
    notebook.names["x"] = "mine"
    assert job.ends(x=1).kept == ["x"]
    assert notebook.names == {"x": "mine"}


def test_a_snapshot_holds_no_value_that_no_job_will_bring() -> None:
    notebook = Notebook(x=[1], big=[0] * 1000)
    snapshot = notebook.send("x", "y").sending.snapshot
    assert set(snapshot.held) == {"x", "y"}
    assert all(value is not notebook.names["big"] for value in snapshot.held.values())


# Objects that a job changed in place


def test_what_a_job_changed_in_place_is_changed_for_all_who_refer_to_it() -> None:
    numbers = [1]
    notebook = Notebook(numbers=numbers, also=numbers, held={"in": numbers})
    arrival = notebook.hand("numbers").ends_changing(numbers=[1, 2])
    assert arrival.brought == ["numbers"]
    assert notebook.names["numbers"] is numbers
    assert notebook.names["held"]["in"] == notebook.names["also"] == [1, 2]


def test_an_array_is_changed_for_its_views_too() -> None:
    array = np.zeros(10)
    notebook = Notebook(array=array[2:5])
    notebook.hand("array").ends_changing(array=np.ones(3))
    assert array.sum() == 3


def test_a_large_array_that_nobody_else_knows_is_bound_and_not_copied() -> None:
    notebook = Notebook(array=np.zeros(200_000))
    changed = np.ones(200_000)
    notebook.hand("array").ends_changing(array=changed)
    assert np.shares_memory(notebook.names["array"], changed)


def test_a_large_array_that_somebody_else_knows_is_changed_itself() -> None:
    array = np.zeros(200_000)
    notebook = Notebook(array=array, box=[array])
    notebook.hand("array").ends_changing(array=np.ones(200_000))
    assert notebook.names["array"] is array
    assert array.sum() == 200_000


def test_what_cannot_be_changed_in_place_is_bound_anew_under_all_its_names() -> None:
    pairs = iter([1, 2])
    notebook = Notebook(pairs=pairs, same=pairs, other=iter([5]))
    advanced = iter([2])
    notebook.hand("pairs").ends_changing(pairs=advanced)
    assert notebook.names["pairs"] is notebook.names["same"] is advanced


def test_what_the_user_changed_in_place_meanwhile_stays() -> None:
    notebook = Notebook(numbers=[1])
    sent = notebook.hand("numbers")
    notebook.names["numbers"].append("mine")
    arrival = sent.ends_changing(numbers=[1, "the job's"])
    assert notebook.names["numbers"] == [1, "mine"]
    assert (arrival.kept, arrival.brought) == (["numbers"], [])


def test_of_two_jobs_that_change_one_object_the_later_sent_wins() -> None:
    notebook = Notebook(numbers=[0])
    first, second = notebook.hand("numbers"), notebook.hand("numbers")
    first.ends_changing(numbers=[1])
    second.ends_changing(numbers=[2])
    assert notebook.names["numbers"] == [2]


def test_a_job_that_was_sent_earlier_and_ends_later_does_not_undo_the_later_one() -> None:
    notebook = Notebook(numbers=[0])
    first, second = notebook.hand("numbers"), notebook.hand("numbers")
    second.ends_changing(numbers=[2])
    assert first.ends_changing(numbers=[1]).kept == ["numbers"]
    assert notebook.names["numbers"] == [2]


def test_a_name_that_was_bound_anew_meanwhile_keeps_its_value_and_the_object_too() -> None:
    numbers = [1]
    notebook = Notebook(numbers=numbers)
    sent = notebook.hand("numbers")
    notebook.names["numbers"] = "new"
    assert sent.ends_changing(numbers=[1, 2]).kept == ["numbers"]
    assert notebook.names["numbers"] == "new"
    assert numbers == [1]


# What is held


class Large:
    """Something that it matters to hold."""


def test_what_jobs_have_brought_and_replaced_is_held_no_longer_than_a_job_may_ask_for_it() -> None:
    notebook = Notebook(x=Large())
    first, second = notebook.send("x"), notebook.send("x", "y")
    replaced = weakref.ref(notebook.names["x"])
    notebook.take(first, values={"x": Large()}, changed=("x",))
    first.ends(y=Large())
    brought = weakref.ref(notebook.names["y"])
    notebook.names["y"] = 1
    notebook.let_go(is_last=False)
    assert brought() is None
    assert second.ends(x=2, y=2).kept == ["y"]  # of x only an earlier job has changed what it is
    del first, second
    notebook.let_go(is_last=True)
    assert replaced() is None
    assert notebook.send("x").ends(x=3).brought == ["x"]

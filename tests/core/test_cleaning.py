"""Which jobs go: those that were asked for, and nothing that is needed."""

from __future__ import annotations

import pytest

from nbsubmit.core.cleaning import Item, Wish, choose, parse_age, parse_count, parse_states
from nbsubmit.core.errors import OptionError
from nbsubmit.core.state import JobState

DAY = 86400.0
NOW = 1_700_000_000.0


def item(
    id_: str,
    days: float = 0,
    state: JobState = JobState.COMPLETED,
    stays: str = "",
    needs: str = "",
) -> Item:
    return Item(id_, state, NOW - days * DAY, "", stays, frozenset(needs.split()))


def going(items: list[Item], **wish: object) -> str:
    return " ".join(one.id for one in choose(items, Wish(**wish), NOW)[0])  # type: ignore[arg-type]


JOBS = [
    item("a", 90),
    item("b", 40, JobState.FAILED),
    item("c", 20, JobState.TIMEOUT),
    item("d", 5, JobState.FAILED),
    item("e", 0, JobState.RUNNING, "it is RUNNING"),
]


# The choice


def test_a_job_goes_that_all_is_true_of_that_was_asked_for() -> None:
    assert going(JOBS, older=30 * DAY) == "a b"
    assert going(JOBS, states=frozenset({JobState.FAILED})) == "b d"
    assert going(JOBS, older=30 * DAY, states=frozenset({JobState.FAILED})) == "b"
    assert going(JOBS, ids=frozenset("c")) == "c"


def test_the_last_ones_stay_however_old_they_are() -> None:
    assert going(JOBS, keep=3) == "a"
    assert going(JOBS, keep=0) == "a b c d"
    assert going(JOBS, keep=9) == ""
    assert going(JOBS, keep=1, older=3 * DAY) == "a b c"
    assert going(JOBS, keep=1, states=frozenset({JobState.FAILED})) == "b"


def test_a_live_job_stays_and_only_who_names_it_is_told() -> None:
    gone, stays = choose(JOBS, Wish(ids=frozenset({"d", "e"})), NOW)
    assert [one.id for one in gone] == ["d"]
    assert stays == {"e": "it is RUNNING"}
    assert choose(JOBS, Wish(keep=0), NOW)[1] == {}


def test_what_a_job_needs_that_stays_has_to_stay_and_so_on() -> None:
    jobs = [item("a"), item("b", needs="a"), item("c", stays="it is held", needs="b"), item("d")]
    gone, stays = choose(jobs, Wish(keep=0), NOW)
    assert [one.id for one in gone] == ["d"]
    assert stays == {"a": "job b needs it", "b": "job c needs it", "c": "it is held"}


def test_what_a_job_needs_may_go_with_it() -> None:
    assert going([item("a"), item("b", needs="a")], keep=0) == "a b"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 30 * DAY), ("2w", 14 * DAY), ("1d12h", 1.5 * DAY), ("90m", 5400), ("0d", 0)],
)
def test_an_age_has_a_unit(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["abc", "30", "", "-3d", "3d-"])
def test_what_is_no_age_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(OptionError, match="write 30d, 2w"):
        parse_age(text)


def test_states_are_those_in_which_a_job_ends() -> None:
    assert parse_states("failed, TIMEOUT") == {JobState.FAILED, JobState.TIMEOUT}
    for word in ("NONSENSE", "RUNNING", ""):
        with pytest.raises(OptionError, match="COMPLETED, FAILED, CANCELLED"):
            parse_states(word)


def test_a_number_to_keep_is_a_number() -> None:
    assert parse_count("0") == 0
    for word in ("-1", "few", "2.5"):
        with pytest.raises(OptionError, match="not a number of jobs"):
            parse_count(word)

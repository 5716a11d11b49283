"""``%jobs clean``: what there is, what may go, and how much room that makes."""

from __future__ import annotations

from nbsubmit.client import removals
from nbsubmit.notebook.session import Session

_FLAGS = ("--all", "--dry-run")


def clean(session: Session, words: list[str]) -> None:
    """Remove the jobs that a line chooses; without any word tell what there is.

    Raises
    ------
    OptionError
        If the line cannot be read.
    UnknownJob
        If there is no job that it names.
    """
    given, flags = removals.parse(words, _FLAGS)
    everyone = "--all" in flags
    cleaner = session.cleaner(everyone=everyone)
    wish = removals.wish_of(cleaner, **given)
    command = "%jobs clean --all" if everyone else "%jobs clean"
    if wish.is_empty:
        whose = "in the store" if everyone else "of this notebook"
        print(removals.overview(cleaner, command, whose))
        return
    plan = cleaner.plan(wish)
    if "--dry-run" in flags:
        print(removals.preview(plan))
        return
    done = cleaner.remove(plan)
    session.drop(item.id for item in done.going)
    print(removals.told(done, done=True))

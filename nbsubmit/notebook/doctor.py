"""``%jobs doctor``: what a job needs, looked at from the kernel that sends it."""

from __future__ import annotations

from nbsubmit.client.doctor import Wish, look
from nbsubmit.client.doctor.words import line, summary
from nbsubmit.notebook.session import Session

_NO_JOB = "--no-job"


def doctor(session: Session, words: list[str]) -> None:
    """Print what is found, one after another as it is.

    Raises
    ------
    OptionError
        If an option of the tiny job is wrong.
    """
    options = [word for word in words if word != _NO_JOB]
    folder = session.notebook.folder
    wish = Wish(options, str(session.store.path), _NO_JOB not in words, folder=folder)
    found = []
    for finding in look(wish, print):
        found.append(finding)
        print(line(finding), flush=True)
    print(summary(found))

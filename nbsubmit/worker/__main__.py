"""``python -m nbsubmit.worker FOLDER`` runs the job in that folder."""

import gc
import os
import signal
import sys
import time


def _leave_template(name: str, client: int, began: float) -> None:
    """Leave a process behind from which further workers are forked: it has loaded what they need.

    It is nobody's child, so that it is not ended or counted with what is this job's.
    """
    from nbsubmit.worker.child import has_one_thread, say_what_was_printed

    try:
        if not has_one_thread():
            return
        say_what_was_printed()
        child = os.fork()
    except OSError:  # there may be no more processes, and the job is one already
        return
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            from nbsubmit.worker.forks import serve

            serve(name, client, began)
    finally:
        os._exit(0)


if __name__ == "__main__":
    began = time.time()
    # Whatever Python a job is given must be able to read this far.
    if sys.version_info < (3, 10):  # noqa: UP036
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"nbsubmit needs Python 3.10 or newer, and {sys.executable} is {version}. "
            f"Choose the notebook's own with --python"
        )
    # A warning must not end what has not even begun.
    early: "list[int]" = []
    signal.signal(signal.SIGUSR2, lambda number, _frame: early.append(number))
    # The collector would look through all that is imported again and again: 6 % of a start.
    gc.disable()
    # Tasks of an array, one after another.
    if "NBSUBMIT_PACK" in os.environ:
        from nbsubmit.worker.pack import main
    else:
        from nbsubmit.worker.process import main

    gc.enable()
    told = os.environ.pop("NBSUBMIT_FORKS", "").split()
    if len(told) == 2:
        _leave_template(told[0], int(told[1]), began)
    sys.exit(main(sys.argv[1], early))

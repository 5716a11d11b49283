"""``python -m nbsubmit.worker FOLDER`` runs the job in that folder."""

import gc
import signal
import sys

if __name__ == "__main__":
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
    from nbsubmit.worker.process import main

    gc.enable()
    sys.exit(main(sys.argv[1], early))

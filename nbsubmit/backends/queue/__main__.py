"""Take turns in the queue for as long as there is need of it."""

import os
from contextlib import suppress

from nbsubmit.backends.queue.daemon import serve
from nbsubmit.backends.queue.place import QueueFolder

if __name__ == "__main__":
    # A job that asks for being run again starts this too, and may be ended with all that is its.
    with suppress(OSError):
        os.setsid()
    os.chdir("/")
    os.umask(0o077)
    serve(QueueFolder())

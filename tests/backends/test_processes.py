"""Processes of jobs are watched wherever that is possible somehow."""

from __future__ import annotations

import subprocess
import sys

# Has the system know no pidfd_open any more, as one before Linux 5.3, or as some containers.
WITHOUT = """
import ctypes, os, struct, subprocess, sys

class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

# Load the number of the call; if it is that of pidfd_open there is no such call, else allow it.
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, 434), (0x06, 0, 0, 0x50000 | 38), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = Program(len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
try:
    os.pidfd_open(os.getpid())
except OSError as error:
    print(error.strerror)
"""


def test_where_the_system_has_no_descriptors_of_processes_they_are_looked_at() -> None:
    code = (
        f"{WITHOUT}\n"
        "from nbsubmit.backends.queue.processes import identified, watching\n"
        "other = subprocess.Popen(['sleep', '600'])\n"
        "try:\n"
        "    with watching([identified(other.pid)]) as one_ends:\n"
        "        print(one_ends(0.01))\n"
        "        other.kill()\n        other.wait()\n"
        "        print(one_ends(0.01))\n"
        "finally:\n    other.kill()\n    other.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "Function not implemented\nFalse\nTrue\n", done.stderr

"""``python -m nbsubmit.sandbox FOLDER``: the guard of the sandbox in that folder."""

from __future__ import annotations

import sys
from pathlib import Path

from nbsubmit.sandbox.guard import detach

if __name__ == "__main__":
    detach(Path(sys.argv[1]))

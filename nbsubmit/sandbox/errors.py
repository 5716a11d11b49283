"""What the sandbox raises on purpose.

NbsubmitError
└── SandboxError           the private Slurm could not be started, reached or stopped
"""

from __future__ import annotations

from nbsubmit.core.errors import NbsubmitError


class SandboxError(NbsubmitError):
    """The private Slurm could not be started, reached or stopped; the message says why."""

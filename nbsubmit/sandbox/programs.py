"""Slurm's own programs: where they are, and the environment they are started in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping

from nbsubmit.sandbox.errors import SandboxError

# Daemons live here, and an ordinary user's PATH often leaves it out.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")

# Program → the package of Debian and Ubuntu that has it.
BASIC = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "sinfo": "slurm-client",
}
ACCOUNTING = {
    "slurmdbd": "slurmdbd",
    "sacct": "slurm-client",
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
}

_KEPT = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
# What an outer job, or the habits of its user, would make the private Slurm's clients do.
_FOREIGN = (
    *("SLURM_", "SLURMD_", "SLURMCTLD_", "SBATCH_", "SRUN_", "SALLOC_", "SATTACH_", "SBCAST_"),
    *("SCANCEL_", "SQUEUE_", "SINFO_", "SACCT_", "SACCTMGR_", "SCONTROL_", "SDIAG_", "SPRIO_"),
    *("SREPORT_", "SSHARE_", "SSTAT_", "STRIGGER_", "SCRONTAB_", "PMI_", "PMI2_", "PMIX_"),
)


def find(name: str) -> str | None:
    """Full path of a program, from PATH first and then from the system's own folders."""
    return shutil.which(name, path=search_path(os.environ))


def search_path(environ: Mapping[str, str]) -> str:
    """PATH, with the folders of system programs behind it."""
    given = [part for part in environ.get("PATH", "").split(os.pathsep) if part]
    return os.pathsep.join(dict.fromkeys([*given, *SYSTEM_FOLDERS]))


def require(accounting: bool) -> None:
    """Raise unless all programs are here, naming the missing ones and how to get them."""
    if not sys.platform.startswith("linux"):
        raise SandboxError("The sandbox needs Linux; try the local backend (%%local) instead.")
    needed = BASIC | (ACCOUNTING if accounting else {})
    missing = {name: package for name, package in needed.items() if find(name) is None}
    if missing:
        packages = " ".join(dict.fromkeys(missing.values()))
        raise SandboxError(
            f"The sandbox needs programs that are not on this machine: {', '.join(missing)}.\n"
            f"On Debian or Ubuntu:  sudo apt-get install {packages}"
        )


def daemon_environ() -> dict[str, str]:
    """Environment of the daemons: the few usual names, and nothing of the caller's."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PATH": search_path(os.environ)}


def without_slurm(environ: Mapping[str, str]) -> dict[str, str]:
    """Copy of an environment without what another Slurm, or a job of it, has put there."""
    return {name: value for name, value in environ.items() if not name.startswith(_FOREIGN)}

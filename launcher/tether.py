"""Runs a command that dies with the process that started it, kill -9 included.

    python tether.py PARENT_PID SIGNAL COMMAND [ARGUMENT ...]

Linux only (`PR_SET_PDEATHSIG`, which survives exec); elsewhere the command runs untethered. Used
as a script: setting it between fork and exec from Python is not safe in a process with threads.
The processes that COMMAND starts are its own affair: gunicorn's notice that their master is gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(signum: signal.Signals) -> None:
    """Ask the kernel to send `signum` to this process when its parent dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)


def tethered(command: Sequence[str], *, signum: signal.Signals) -> list[str]:
    """The argument list that runs `command` tethered to the calling process."""
    script = str(Path(__file__).resolve())
    return [sys.executable, "-I", "-S", script, str(os.getpid()), signum.name, *command]


def main(parent: str, signal_name: str, *command: str) -> None:
    die_with_parent(signal.Signals[signal_name])
    if os.getppid() != int(parent):  # it died before the kernel was asked
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the caller's own command, as a list


if __name__ == "__main__":
    main(*sys.argv[1:])

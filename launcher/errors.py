"""What stops a start."""

from __future__ import annotations


class LauncherError(Exception):
    """One sentence for the person at the terminal: what is wrong and what to do next."""


class StopRequested(Exception):
    """Someone asked for the end."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

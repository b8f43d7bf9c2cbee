"""How much memory this process needed at most, as the kernel counts it."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path


def reset_peak() -> None:
    """Count from here on, where the kernel lets us: a trainer's runs follow one another."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> float:
    """The largest resident set since the reset, in units of 1,000,000 bytes."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6

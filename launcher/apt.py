"""Debian and Ubuntu packages, installed where root and apt are at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from .errors import LauncherError


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """Install `packages`; LauncherError with the command to run where that is not possible."""
    command = f"apt install {' '.join(packages)}"
    if not can_install():
        raise LauncherError(f"{', '.join(packages)} is missing: run `{command}` as root.")
    print(f"Installing {', '.join(packages)} with apt …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(arguments, env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise LauncherError(f"`{' '.join(arguments)}` failed: run `{command}` and see why.")

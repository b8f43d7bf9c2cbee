"""The .venv: created with the exact pins, left alone while they are unchanged.

A stamp inside .venv says what was installed to the end. It is taken away before anything changes,
so an interrupted installation has none and is made anew; pip's cache then saves most of the
download.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import apt
from .errors import LauncherError
from .preflight import check_disk

RUNS = "requirements.txt"
DEVELOPS = "requirements-dev.txt"


@dataclass(frozen=True)
class Stamp:
    """`python` is "3.11"; `venv` the absolute path, which scripts inside name; `files` maps the
    requirements' names to their SHA-256."""

    python: str
    venv: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Installation:
    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def stamp_file(self) -> Path:
        return self.venv / "installed.json"

    def wanted(self, *, dev: bool, python: str) -> Stamp:
        names = (RUNS, DEVELOPS) if dev else (RUNS,)
        hashes = {n: hashlib.sha256((self.root / n).read_bytes()).hexdigest() for n in names}
        return Stamp(python=python, venv=str(self.venv), files=hashes)

    def present(self) -> Stamp | None:
        """What was installed to the end; None without a stamp, or where its Python is gone or, as
        after an upgrade of the system, another one."""
        try:
            stamp = Stamp(**json.loads(self.stamp_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        usable = stamp.venv == str(self.venv) and self._runs(stamp.python)
        return stamp if usable else None

    def _runs(self, version: str) -> bool:
        """Whether the Python inside is one of that version: .venv only links to it."""
        try:
            done = subprocess.run([self.python, "--version"], capture_output=True, check=False)
        except OSError:
            return False
        return done.stdout.startswith(f"Python {version}.".encode())

    def is_current(self, *, dev: bool, python: str | None) -> bool:
        """Whether nothing is to be done. `python` None: any supported version will do."""
        present = self.present()
        if present is None or (python and present.python != python):
            return False
        wanted = self.wanted(dev=dev, python=present.python)
        return wanted.files.items() <= present.files.items()

    def megabytes(self, name: str) -> int:
        """The download that a requirements file announces."""
        announced = re.search(r"^# Download: about (\d+) MB", (self.root / name).read_text(), re.M)
        return int(announced[1]) if announced else 0


def install(
    installation: Installation,
    *,
    dev: bool,
    environment: Mapping[str, str],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Bring .venv up to date. `check` runs first when there is something to download.

    An explicit PYTHON decides the version; otherwise a finished .venv of any version is kept.
    """
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    asked = running if environment.get("PYTHON") else None
    if installation.is_current(dev=dev, python=asked):
        return
    check()
    check_disk(installation.root)
    with _alone(installation.root):
        if not installation.is_current(dev=dev, python=asked):
            _provide_ensurepip()
            present = installation.present()
            python = asked or (present.python if present else running)
            _bring_up_to_date(installation, dev=dev, python=python, environment=environment)


def _bring_up_to_date(
    installation: Installation, *, dev: bool, python: str, environment: Mapping[str, str]
) -> None:
    present = installation.present()
    kept = present if present and present.python == python else None
    installation.stamp_file.unlink(missing_ok=True)
    dev = dev or (kept is not None and DEVELOPS in kept.files)
    wanted = installation.wanted(dev=dev, python=python)
    changed = [n for n in wanted.files if kept is None or kept.files.get(n) != wanted.files[n]]
    size = sum(installation.megabytes(name) for name in changed)
    print(f"Installing {' and '.join(changed)}: up to {size} MB to download.", flush=True)
    if kept is None:
        _run([sys.executable, "-m", "venv", "--clear", str(installation.venv)], environment)
    _pip_install(installation, DEVELOPS if dev else RUNS, environment)
    _write_stamp(installation, wanted)


def _pip_install(
    installation: Installation, requirements: str, environment: Mapping[str, str]
) -> None:
    """Temporary files go beside .venv, whose disk was checked; /tmp may be small and in memory."""
    temporary = installation.venv / "tmp"
    temporary.mkdir(exist_ok=True)
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "on"]
    command = [str(installation.python), "-m", "pip", "install", *options, "-r", requirements]
    _run(command, {**environment, "TMPDIR": str(temporary)}, cwd=installation.root)
    shutil.rmtree(temporary, ignore_errors=True)


def _run(command: list[str], environment: Mapping[str, str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=dict(environment), check=False)
    if done.returncode:
        raise LauncherError(
            "The installation stopped with the message above: put it right and run the same "
            "command again; what was downloaded is kept."
        )


def _write_stamp(installation: Installation, stamp: Stamp) -> None:
    aside = installation.stamp_file.with_suffix(".new")
    aside.write_text(json.dumps(asdict(stamp), indent=1))
    aside.rename(installation.stamp_file)


def _provide_ensurepip() -> None:
    """Debian keeps it in a package of its own."""
    if importlib.util.find_spec("ensurepip") is None:
        apt.install([f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"])


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One installation at a time in a checkout; a second waits and then finds it done."""
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

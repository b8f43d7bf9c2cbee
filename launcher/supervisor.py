"""Starts the processes of one machine, watches them, and ends them together.

honcho reads the Procfile, here and in production. Its own manager is not used for the demo: it
forks a helper per process that outlives kill -9 of the launcher, cannot run a step that is meant to
end, and cannot keep Redis for last. Output goes to a file per process, so that a terminal shows the
address and the progress, and the log of whatever failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from honcho.environ import parse_procfile

from .errors import LauncherError, StopRequested
from .tether import tethered

POLL_SECONDS = 0.1
TAIL_LINES = 30
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def read_procfile(file: Path) -> dict[str, str]:
    """Process name -> shell command, in the file's order."""
    return dict(parse_procfile(file.read_text()).processes)


def shell(command: str) -> list[str]:
    """`exec`: the process itself is the child, with no shell between it and its signals."""
    return ["/bin/sh", "-c", f"exec {command}"]


@dataclass
class Child:
    """One running process, the leader of its own session, so that Ctrl-C reaches only us.

    `is_step`: it is meant to end, with status 0. `log` None: it writes to the terminal.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    stops_last: bool = False
    is_step: bool = False

    @property
    def has_failed(self) -> bool:
        code = self.process.poll()
        return code is not None and not (self.is_step and code == 0)

    def signal(self, signum: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signum)

    def sweep(self) -> None:
        """Kill what a finished process left in its session."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def obituary(self) -> str:
        code = self.process.returncode
        how = (
            f"was killed by signal {-code}" if code < 0 else f"stopped by itself with status {code}"
        )
        if self.log is None:
            return f"{self.name} {how}; it said why above."
        return f"{self.name} {how}. The end of {self.log}:\n{tail(self.log)}"


def tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (it wrote nothing)"


@dataclass
class Supervisor:
    """Use as a context: leaving it, however, stops every process, those with `stops_last` last.

    `grace` is the seconds between SIGTERM and SIGKILL; a second Ctrl-C ends the wait.
    """

    logs: Path
    environment: Mapping[str, str]
    grace: float = 20.0
    children: list[Child] = field(default_factory=list)
    _signals: list[int] = field(default_factory=list)

    def __enter__(self) -> Supervisor:
        self.logs.mkdir(parents=True, exist_ok=True)
        for signum in SIGNALS:
            wanted = signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN
            if wanted:  # `nohup` has SIGHUP ignored; a script's `&` SIGINT, which still stops it
                signal.signal(signum, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        self._signals.append(signum)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        stops_last: bool = False,
        dies_by: signal.Signals = signal.SIGKILL,
    ) -> Child:
        """Start a process that stays; `dies_by` ends it if we are killed."""
        log = self._new_log(name)
        with log.open("wb") as output:
            process = self._spawn(command, output, dies_by)
        child = Child(name, process, log, stops_last)
        self.children.append(child)
        return child

    def run(self, steps: Mapping[str, Sequence[str]], *, logged: bool = True) -> None:
        """Run steps side by side to their end; not logged: they write to the terminal."""
        running = [self._start_step(name, command, logged) for name, command in steps.items()]
        while any(child.process.poll() is None for child in running):
            self._pause()
        self._check()
        for child in running:
            child.sweep()
            self.children.remove(child)

    def _start_step(self, name: str, command: Sequence[str], logged: bool) -> Child:
        if logged:
            child = self.start(name, command)
        else:
            child = Child(name, self._spawn(command, None, signal.SIGKILL), None)
            self.children.append(child)
        child.is_step = True
        return child

    def _new_log(self, name: str) -> Path:
        """logs/NAME.log; what an earlier start wrote stays as NAME.log.1."""
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    def wait_until(self, ready: Callable[[], bool], *, timeout: float, otherwise: str) -> None:
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline:
                raise LauncherError(otherwise)
            self._pause()

    def watch(self) -> None:
        """Until a signal (StopRequested) or the end of a process (LauncherError, with its log)."""
        while True:
            self._pause()

    def _pause(self) -> None:
        self._check()
        time.sleep(POLL_SECONDS)

    def _check(self) -> None:
        if self._signals:
            raise StopRequested(self._signals[0])
        for child in self.children:
            if child.has_failed:
                raise LauncherError(child.obituary())

    def _spawn(
        self, command: Sequence[str], output: BinaryIO | None, dies_by: signal.Signals
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            tethered(command, signum=dies_by),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(self.environment),
            start_new_session=True,
        )

    def stop(self) -> None:
        for last in (False, True):
            self._end([child for child in self.children if child.stops_last is last])
        self.children.clear()

    def _end(self, children: Sequence[Child]) -> None:
        asked_before = len(self._signals)
        deadline = time.monotonic() + self.grace
        for child in children:
            child.signal(signal.SIGTERM)
        while any(child.process.poll() is None for child in children):
            if time.monotonic() > deadline or len(self._signals) > asked_before:
                break
            time.sleep(POLL_SECONDS)
        for child in children:
            child.sweep()
            child.process.wait()

"""The lease on a training run while it is worked on: renewed, reported, given up."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, connection

from catalog import runs
from catalog.models import TrainingRun
from classifier.errors import Cancelled

from . import process
from .reporting import Progress, silent
from .transient import retried

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0


class LeaseLost(Cancelled):
    """Another process took the run over, since this one was silent for too long."""


class Interrupted(Cancelled):
    """This process was told to end."""


class HeldRun:
    """Use as a context around the work, and as the Progress of it: every call shows on the run's
    row (at most once a second) and raises Cancelled, LeaseLost or Interrupted to stop the work at
    that batch. A thread renews the lease while a single step takes long."""

    def __init__(self, run: TrainingRun, *, observer: Progress = silent) -> None:
        self.run = run
        self._observer = observer
        self._latest: tuple[str, int, int, str] = ("starting", 0, 0, "")
        self._written = ("", float("-inf"))
        self._reason: Cancelled | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="run-lease", daemon=True)

    def __enter__(self) -> HeldRun:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None:
        self._latest = (phase, done, total, message)
        self._observer(phase, done, total, message)
        if process.stopping.is_set():
            raise Interrupted("The trainer was told to stop; the run waits for it to return.")
        written_phase, at = self._written
        if phase != written_phase or time.monotonic() - at >= WRITE_SECONDS:
            self._written = (phase, time.monotonic())
            self._beat()
        if self._reason is not None:
            raise self._reason

    def _beat(self) -> None:
        phase, done, total, message = self._latest
        beat = partial(runs.beat, phase=phase, done=done, total=total, message=message)
        if retried(partial(beat, self.run)):
            return
        if runs.still_ours(self.run):
            self._reason = Cancelled("Cancelled.")
        else:
            self._reason = LeaseLost("Another trainer took this run over.")

    def _keep(self) -> None:
        try:
            while not self._over.wait(settings.RUN_LEASE_SECONDS / 4):
                try:
                    self._beat()
                except DatabaseError:
                    logger.exception("lease not renewed", extra={"run": self.run.pk})
        finally:
            connection.close()

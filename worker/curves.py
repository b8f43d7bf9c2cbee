"""The curves of a run while it learns, on its row, so that its page can draw them."""

from __future__ import annotations

import time
from pathlib import Path

from catalog import runs
from catalog.models import TrainingRun

from .reporting import Progress

LOOK_SECONDS = 3.0


class Curves:
    """A Progress that passes everything on, and now and then records the epochs there are."""

    def __init__(self, run: TrainingRun, folder: Path, observer: Progress) -> None:
        self._run, self._folder, self._observer = run, folder, observer
        self._looked = time.monotonic()
        self._recorded: dict[str, dict[str, list[float]]] = {}

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None:
        self._observer(phase, done, total, message)
        if time.monotonic() - self._looked < LOOK_SECONDS or not self._folder.exists():
            return
        from classifier.checkpoint import curves  # TensorFlow: loaded already, where one learns

        self._looked = time.monotonic()
        found = curves(self._folder)
        if found and found != self._recorded:
            self._recorded = found
            runs.record(self._run, history=found)

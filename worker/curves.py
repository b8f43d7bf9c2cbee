"""The curves of a run while it learns, on its row, so that its page can draw them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from catalog import runs
from catalog.models import TrainingRun

from .reporting import Progress
from .transient import retried

LOOK_SECONDS = 3.0
Histories = Mapping[str, Mapping[str, Sequence[float]]]
"""{phase: {metric: [per epoch]}}"""


def recordable(histories: Histories) -> dict[str, dict[str, list[float | None]]]:
    """None for what is no finite number, as where learning comes apart: no database takes it."""
    return {
        phase: {
            metric: [value if math.isfinite(value) else None for value in values]
            for metric, values in history.items()
        }
        for phase, history in histories.items()
    }


class Curves:
    """A Progress that passes everything on, and now and then records the epochs there are."""

    def __init__(self, run: TrainingRun, folder: Path, observer: Progress) -> None:
        self._run, self._folder, self._observer = run, folder, observer
        self._looked = time.monotonic()
        self._recorded: dict[str, dict[str, list[float | None]]] = {}

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None:
        self._observer(phase, done, total, message)
        if time.monotonic() - self._looked < LOOK_SECONDS or not self._folder.exists():
            return
        from classifier.checkpoint import curves  # TensorFlow: loaded already, where one learns

        self._looked = time.monotonic()
        found = recordable(curves(self._folder))
        if found and found != self._recorded:
            self._recorded = found
            retried(partial(runs.record, self._run, history=found))

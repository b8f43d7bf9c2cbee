"""What a killed training run needs to go on: weights, optimizer, and what its callbacks remember.

Keras' BackupAndRestore keeps weights and epoch but forgets the best score, the patience that is
spent and the plateau, so that a resumed run would keep a worse epoch and stop at another time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

logger = logging.getLogger(__name__)

STATE_FILE = "state.npz"
BEST_FILE = "best-{epoch:04d}.weights.h5"
START_FILE = "best-0000.weights.h5"
EVERY_SECONDS = 5.0
"""Short epochs are not all worth a write: those since the last one are gone through again."""
PHASES = ("head", "fine-tune")
REMEMBERED = ("wait", "best", "stopped_epoch", "cooldown_counter")


@dataclass(frozen=True)
class Resumption:
    """Where a run keeps what it needs to go on, and what makes it the same run."""

    folder: Path
    identity: str

    def on(self, backbone: str) -> Resumption:
        """The same where it begins on the backbone of this SHA-256; on another it begins anew."""
        return Resumption(self.folder, f"{self.identity} {backbone}")

    def of(self, phase: str, *parts: object) -> Resumption:
        """The same for one phase of the run, which `parts` distinguish too."""
        text = " ".join(str(part) for part in (self.identity, phase, *parts))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Resumption(self.folder / phase, digest)


@dataclass
class Epochs:
    """How far a fit is: finished epochs with their figures, and the file of the best weights."""

    done: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    best: str = START_FILE
    stopped: bool = False
    seconds: float = 0.0


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """The last of a fit's callbacks. It notes each epoch and, with a Resumption, writes everything
    aside and renames it; a fit that finds what another process wrote goes on from there.

    Files that belong to other settings, photos or a newer format are left aside.
    """

    def __init__(self, resumption: Resumption | None, folder: Path) -> None:
        super().__init__()
        self.epochs = Epochs()
        self.folder = folder
        self._identity = resumption.identity if resumption else None
        self._remembering: list[Any] = []
        self._found: dict[str, Any] | None = None
        self._began = self._written = time.monotonic()

    @property
    def best(self) -> Path:
        return self.folder / self.epochs.best

    def take_up(self, model: Any, remembering: list[Any]) -> bool:
        """Put what was kept into `model`; `remembering` callbacks get theirs when the fit begins.
        False when there is nothing to go on from."""
        self._remembering = remembering
        found = self._found_of(model)
        self._remove_weights(but=found["epochs"]["best"] if found else "")
        if found is None:
            return False
        for variable, array in zip(_changing(model), found["arrays"], strict=True):
            variable.assign(array)
        self.epochs, self._found = Epochs(**found["epochs"]), found
        extra = {"epoch": self.epochs.done, "folder": str(self.folder)}
        logger.info("training goes on where it was cut short", extra=extra)
        return True

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - Keras names them
        """After the other callbacks forgot everything, as they do here."""
        if self._found is None:
            return
        for callback, memory in zip(self._remembering, self._found["memory"], strict=True):
            for name, value in memory.items():
                setattr(callback, name, value)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name, value in (logs or {}).items():
            self.epochs.history.setdefault(name, []).append(float(value))
        self.epochs.done = epoch + 1
        improved = BEST_FILE.format(epoch=epoch + 1)
        if (self.folder / improved).exists():
            self.epochs.best = improved
        self.epochs.stopped = bool(self.model.stop_training)
        over = self.epochs.stopped or self.epochs.done == self.params["epochs"]
        if over or time.monotonic() - self._written >= EVERY_SECONDS:
            self._write()

    def _found_of(self, model: Any) -> dict[str, Any] | None:
        if self._identity is None:
            return None
        found = _read(self.folder / STATE_FILE, self._identity)
        if found is None or not (self.folder / found["epochs"]["best"]).exists():
            return None
        shapes = [tuple(variable.shape) for variable in _changing(model)]
        return found if shapes == [array.shape for array in found["arrays"]] else None

    def _remove_weights(self, *, but: str) -> None:
        """Those of epochs that will be gone through again, or that another was better than."""
        for path in self.folder.glob("best-*"):
            if path.name != but:
                path.unlink()

    def _write(self) -> None:
        now = time.monotonic()
        self.epochs.seconds += now - self._began
        self._began = self._written = now
        if self._identity is None:
            self._remove_weights(but=self.epochs.best)
            return
        facts = {
            "identity": self._identity,
            "epochs": vars(self.epochs),
            "memory": [
                {name: _plain(getattr(c, name)) for name in REMEMBERED if hasattr(c, name)}
                for c in self._remembering
            ],
        }
        arrays = {f"{n:04d}": np.asarray(v) for n, v in enumerate(_changing(self.model))}
        _replace(self.folder / STATE_FILE, json.dumps(facts), arrays)
        self._remove_weights(but=self.epochs.best)


def curves(folder: Path) -> dict[str, dict[str, list[float]]]:
    """{phase: {metric: [per epoch]}} of a run that is under way, as last kept in its folder, the
    phase that came first in front."""
    found = {}
    files = [path for path in folder.glob(f"*/{STATE_FILE}") if path.parent.name in PHASES]
    for path in sorted(files, key=lambda path: PHASES.index(path.parent.name)):
        try:
            with path.open("rb") as file, np.load(file) as stored:
                found[path.parent.name] = json.loads(str(stored["facts"]))["epochs"]["history"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            continue  # renamed or removed in this moment
    return found


def _changing(model: Any) -> Iterator[Any]:
    """The variables that training changes: weights, the optimizer's, and dropout's random state."""
    yield from model.trainable_variables
    fixed = {id(weight) for weight in model.non_trainable_weights}
    yield from (v for v in model.non_trainable_variables if id(v) not in fixed)
    yield from model.optimizer.variables


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)


def _replace(path: Path, facts: str, arrays: dict[str, Any]) -> None:
    aside = path.with_suffix(".aside")
    with aside.open("wb") as file:
        np.savez(file, facts=np.array(facts), **arrays)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _read(path: Path, identity: str) -> dict[str, Any] | None:
    """{epochs, memory, arrays} if the file is whole and of this very training."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            facts: dict[str, Any] = json.loads(str(stored["facts"]))
            if facts["identity"] != identity:
                return None
            names = sorted(name for name in stored.files if name != "facts")
            return facts | {"arrays": [stored[name] for name in names]}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        logger.warning("checkpoint unreadable", extra={"file": str(path), "error": str(error)})
        return None

"""The curves of a run stand on its row while it learns."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from catalog import runs
from catalog.models import RunTrigger, TrainingRun
from worker import curves
from worker.curves import Curves
from worker.reporting import silent

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> TrainingRun:
    monkeypatch.setattr(curves, "LOOK_SECONDS", 0.0)
    claimed = runs.claim(runs.request(RunTrigger.BUTTON).pk, owner="trainer")
    assert claimed is not None
    return claimed


def kept(folder: Path, phase: str, history: dict[str, list[float]]) -> None:
    """What an unfinished run keeps of one phase."""
    (folder / phase).mkdir(parents=True, exist_ok=True)
    facts = json.dumps({"identity": "", "epochs": {"history": history}, "memory": []})
    np.savez(folder / phase / "state.npz", facts=np.array(facts))


def test_each_epoch_shows_as_it_is_kept(run: TrainingRun, tmp_path: Path) -> None:
    watched = Curves(run, tmp_path, silent)
    watched("head", 1, 10)

    kept(tmp_path, "fine-tune", {"loss": [0.5]})
    kept(tmp_path, "head", {"loss": [1.0, 0.8]})
    watched("head", 2, 10)

    run.refresh_from_db()
    assert list(run.history) == ["head", "fine-tune"]
    assert run.history["head"] == {"loss": [1.0, 0.8]}


def test_an_epoch_that_came_apart_shows_as_a_gap(run: TrainingRun, tmp_path: Path) -> None:
    kept(tmp_path, "head", {"loss": [1.0, math.nan, math.inf, -math.inf, 2.0]})

    Curves(run, tmp_path, silent)("head", 1, 10)

    run.refresh_from_db()
    assert run.history["head"] == {"loss": [1.0, None, None, None, 2.0]}


def test_a_file_that_is_half_written_changes_nothing(run: TrainingRun, tmp_path: Path) -> None:
    kept(tmp_path, "head", {"loss": [1.0]})
    (tmp_path / "head" / "state.npz").write_bytes(b"PK half")

    Curves(run, tmp_path, silent)("head", 1, 10)

    run.refresh_from_db()
    assert run.history == {}

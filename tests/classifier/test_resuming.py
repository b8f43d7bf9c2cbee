"""A training run that is killed goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from classifier import checkpoint, run
from classifier.checkpoint import Resumption
from classifier.network import Backbone, build_backbone, identified
from classifier.recipe import Recipe
from classifier.run import LabelledPhotos, Trained
from classifier.training import HeadResult, train_head

from .factories import write_catalog
from .test_training_a_head import clouds

RECIPE = Recipe(
    head_units=16,
    head_epochs=40,
    head_batch_size=16,
    head_learning_rate=3e-2,
    head_min_steps=1,
    head_patience=5,
    plateau_patience=1,
)
SCRIPT = """
import json, os, signal, sys
from pathlib import Path

import keras

from classifier import checkpoint
from classifier.checkpoint import Resumption
from classifier.network import build_backbone, identified
from classifier.recipe import Recipe
from classifier.run import LabelledPhotos, train
from tests.classifier.factories import write_catalog

checkpoint.EVERY_SECONDS = 0.0
folder, phase, kill_in = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
recipe = Recipe().with_overrides(sys.argv[4:])
photos = {}
for seed, (split, count) in enumerate({"train": 8, "validation": 6, "test": 2}.items()):
    counts = {"red-hats": count, "blue-hats": count}
    photos[split] = LabelledPhotos(*write_catalog(folder / split, counts, seed=seed))
epochs = set()

def progress(at, done, total, message=""):
    if at == "fine-tune" and message.startswith("epoch"):
        epochs.add(message)
    step = message.split()[1] if message.startswith("epoch") else str(done)
    if at == phase and step == str(kill_in):
        os.kill(os.getpid(), signal.SIGKILL)

keras.utils.set_random_seed(1)
trained = train(
    photos,
    backbone=identified(build_backbone(None, 32), 32, "random"),
    recipe=recipe,
    full=True,
    cache_dir=folder / "cache",
    resumption=Resumption(folder / "unfinished", "this run"),
    progress=progress,
)
weights = [float(abs(w).sum()) for w in trained.head.get_weights()]
print(json.dumps({
    "histories": trained.histories, "backbone": trained.backbone.sha256, "head": weights,
    "probabilities": trained.judgements["test"].probabilities.tolist(), "epochs": len(epochs),
    "share": trained.share,
}))
"""
SETTINGS = [
    "views=0", "head_units=8", "head_epochs=6", "head_batch_size=8", "head_min_steps=2",
    "fine_tune_epochs=7", "fine_tune_batch_size=8", "fine_tune_learning_rate=3e-3",
    "fine_tune_from=conv5_block3_3", "fine_tune_patience=4", "plateau_patience=1",
]  # fmt: skip


def trained_in_a_process(folder: Path, phase: str = "", kill_in: int = 0) -> Any:
    """What a run in another process came to; None when it was killed: in an epoch of that phase, or
    at a step of one without epochs."""
    arguments = [sys.executable, "-c", SCRIPT, str(folder), phase, str(kill_in), *SETTINGS]
    environment = os.environ | {"PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    if kill_in:
        assert done.returncode == -signal.SIGKILL, done.stderr
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def not_killed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return trained_in_a_process(tmp_path_factory.mktemp("not-killed"))


def test_a_run_killed_after_its_best_epoch_ends_as_one_that_was_not(
    tmp_path: Path, not_killed: Any
) -> None:
    losses = not_killed["histories"]["fine-tune"]["val_loss"]
    best = int(np.argmin(losses)) + 1
    assert best + 1 < len(losses), f"the best epoch must not be the last: {losses}"

    trained_in_a_process(tmp_path, "fine-tune", kill_in=best + 2)
    resumed = trained_in_a_process(tmp_path)

    # The others were not gone through again; scores, learning rates and the best epoch are alike.
    assert resumed == not_killed | {"epochs": len(losses) - best - 1}


def test_a_run_killed_while_mixtures_are_judged_ends_as_one_that_was_not(
    tmp_path: Path, not_killed: Any
) -> None:
    trained_in_a_process(tmp_path, "mixing", kill_in=3)

    assert trained_in_a_process(tmp_path) == not_killed | {"epochs": 0}


class Killed(BaseException):
    """Stands in for kill -9 where a process of its own would take long: nothing catches it."""


def train(folder: Path, *, identity: str = "run 1", kill_in: int = 0) -> tuple[HeadResult, int]:
    """A head, and how many epochs this attempt went through."""
    features, labels = clouds(40, seed=0)
    checks, check_labels = clouds(20, seed=1, views=0)
    epochs = set()

    def progress(phase: str, done: int, total: int, message: str = "") -> None:
        if message.startswith("epoch"):
            epochs.add(message)
        if message.startswith(f"epoch {kill_in} "):
            raise Killed

    result = train_head(
        features,
        labels,
        classes=2,
        validation=(checks.clean(), check_labels),
        recipe=RECIPE,
        resumption=Resumption(folder, identity),
        progress=progress,
    )
    return result, len(epochs)


@pytest.fixture(autouse=True)
def every_epoch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> HeadResult:
    return train(tmp_path_factory.mktemp("whole"))[0]


@pytest.mark.parametrize("epoch", [1, 2, 4, 6])
def test_it_may_be_killed_in_any_epoch(tmp_path: Path, whole: HeadResult, epoch: int) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill_in=epoch)

    resumed, epochs = train(tmp_path)

    assert resumed.history == whole.history
    assert epochs == len(whole.history["loss"]) - epoch + 1
    for a, b in zip(resumed.head.get_weights(), whole.head.get_weights(), strict=True):
        assert (a == b).all()


def test_what_another_run_kept_is_not_gone_on_from(tmp_path: Path, whole: HeadResult) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill_in=4)

    other, epochs = train(tmp_path, identity="run 1 with other labels")

    assert other.history == whole.history
    assert epochs == len(whole.history["loss"])


def test_a_torn_file_is_not_gone_on_from(tmp_path: Path, whole: HeadResult) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill_in=4)
    state = tmp_path / "head" / checkpoint.STATE_FILE
    state.write_bytes(state.read_bytes()[:-2000])

    assert train(tmp_path)[0].history == whole.history


def head_run(folder: Path, backbone: Backbone, *, kill_in: int = 0) -> Trained:
    """A quick run of a few small photos on this backbone."""
    photos = {
        split: LabelledPhotos(
            *write_catalog(folder / split, {"red-hats": 6, "blue-hats": 6}, seed=seed)
        )
        for seed, split in enumerate(("train", "validation", "test"))
    }

    def progress(phase: str, done: int, total: int, message: str = "") -> None:
        if message.startswith(f"epoch {kill_in} "):
            raise Killed

    return run.train(
        photos,
        backbone=backbone,
        recipe=RECIPE.with_overrides(["head_epochs=6"]),
        full=False,
        resumption=Resumption(folder / "unfinished", "run 1"),
        progress=progress,
    )


def test_a_head_is_not_gone_on_with_on_another_backbone(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    old, new = (identified(build_backbone(None, 32), 32, "random") for _ in range(2))
    with pytest.raises(Killed):
        head_run(tmp_path / "killed", old, kill_in=4)

    resumed = head_run(tmp_path / "killed", new)

    whole = head_run(tmp_path / "whole", new)
    assert resumed.histories == whole.histories
    for a, b in zip(resumed.head.get_weights(), whole.head.get_weights(), strict=True):
        assert (a == b).all()

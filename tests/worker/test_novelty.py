"""A version keeps what it learned from looks like, and the worker notes what is like none of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog import lifecycle
from catalog.models import (
    Category,
    MachineState,
    Merchant,
    ModelVersion,
    Prediction,
    ProductImage,
    VersionState,
)
from classifier.novelty import FILE, learn_familiar
from tests import factories
from worker import novelty
from worker.classify import Classifying

from . import pictures
from .conftest import Stored

pytestmark = pytest.mark.django_db


def with_familiar(
    stored_model: Stored, models_dir: Path, ids: list[int], *, everything: bool
) -> str:
    """A directory of the session's version that calls everything new, or nothing."""
    from classifier import store
    from classifier.recipe import Recipe

    generator = np.random.default_rng(0)
    embeddings = generator.random((len(ids), 2048)).astype(np.float16)
    familiar = learn_familiar(
        embeddings, np.zeros(len(ids), int), np.array(ids), known=embeddings[:0]
    )
    familiar = replace(familiar, threshold=2.0 if everything else -2.0)
    return store.save_version(
        models_dir,
        "familiar",
        head=store.open_head(stored_model.root, stored_model.directory),
        backbone_sha256=stored_model.sha256,
        classes=list(stored_model.classes),
        temperature=1.0,
        recipe=Recipe(),
        metrics={},
        fingerprint="",
        files={FILE: familiar.to_bytes()},
    )


@pytest.mark.parametrize("everything", [True, False])
def test_the_worker_notes_what_is_like_nothing_it_learned_from(
    stored_model: Stored,
    models_dir: Path,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    tints: dict[str, Category],
    everything: bool,
) -> None:
    known = factories.image(stored=False, machine=MachineState.FAILED)
    directory = with_familiar(stored_model, models_dir, [known.pk] * 3, everything=everything)
    make_version(VersionState.LIVE, directory)
    image = pictures.add(factories.merchant(), "lamps", 500)

    worker.drain()

    answer = image.predictions.get()
    assert answer.nearness is not None
    assert -1.001 <= answer.nearness <= 1.001
    assert (answer.unfamiliar, answer.nearest) == ((True, known) if everything else (False, None))


def test_a_version_that_kept_nothing_gives_no_hints(
    live_version: ModelVersion, worker: Classifying
) -> None:
    image = pictures.add(factories.merchant(), "lamps", 500)

    worker.drain()

    image.refresh_from_db()
    assert image.machine == MachineState.CLASSIFIED
    assert (image.predictions.get().nearness, image.predictions.get().unfamiliar) == (None, False)


def test_a_damaged_file_costs_the_hints_and_nothing_else(
    live_version: ModelVersion, models_dir: Path, tmp_path: Path
) -> None:
    live_version.directory = "versions/elsewhere"
    (models_dir / live_version.directory).mkdir(parents=True)
    (models_dir / live_version.directory / FILE).write_bytes(b"torn")

    assert novelty.open_familiar(live_version) is None


def test_a_nearest_photo_that_is_gone_by_then_is_left_out(
    live_version: ModelVersion, tints: dict[str, Category]
) -> None:
    image = factories.image(stored=False)
    [claim] = lifecycle.claim(owner="w", limit=1)
    answer = lifecycle.Answer(
        claim, [(tints["cups"].pk, 0.9)], bytes(4096), lifecycle.Likeness(0.1, image.pk + 999)
    )

    assert lifecycle.finish([answer], version=live_version) == 1

    written = Prediction.objects.get()
    assert (written.unfamiliar, written.nearest) == (True, None)


def test_a_run_keeps_its_training_photos_with_the_version(labelled: Merchant) -> None:
    from worker import train

    from .test_training_run import start

    train.execute(start(promote="never"))

    familiar = novelty.open_familiar(ModelVersion.objects.get())
    assert familiar is not None
    trained = ProductImage.objects.filter(product__split="train").values_list("pk", flat=True)
    assert set(familiar.ids.tolist()) == set(trained)
    assert familiar.middles.shape[0] == 3

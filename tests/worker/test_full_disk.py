"""A trainer that runs out of room leaves everything as it was."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from catalog.models import ModelVersion, ProductImage, RunState, Serving
from worker import train

from .test_quick_run import embed, images
from .test_training_run import start

pytestmark = pytest.mark.django_db

__all__ = ["images"]  # the fixture


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more to any file fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [100_000, 250_000, 500_000], ids=["embeddings", "head", "state"])
def test_the_old_model_serves_on_and_the_next_run_succeeds(
    live_version: ModelVersion, images: list[ProductImage], size: int
) -> None:
    (settings.RUNS_DIR / "features").unlink()  # begin without the session's cache
    embed(live_version.backbone, images)

    with files_of_at_most(size):
        failed = train.execute(start())

    assert failed.state == RunState.FAILED
    assert failed.reason.startswith("The disk is full"), failed.reason
    assert Serving.current().live == live_version
    assert not ModelVersion.objects.filter(run=failed).exists()
    assert not train.unfinished_of(failed).exists()

    assert train.execute(start()).state == RunState.SUCCEEDED

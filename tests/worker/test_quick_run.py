"""A quick run learns from the embeddings there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.conf import settings

from catalog import lifecycle
from catalog.models import (
    Backbone,
    Category,
    Embedding,
    Merchant,
    ModelVersion,
    ProductImage,
    RunMode,
    RunState,
    Serving,
    Split,
)
from tests import factories
from worker import embeddings, train

from .test_training_run import start

pytestmark = pytest.mark.django_db


def embed(backbone: Backbone, images: list[ProductImage], *, shift: int = 0) -> None:
    """Embeddings around one centre per category; `shift` takes another category's centre."""
    slugs = ["cups", "lamps", "plants"]
    centres = np.random.default_rng(1).random((3, 2048))
    noise = np.random.default_rng(2)
    for image in images:
        assert image.label is not None
        centre = centres[(slugs.index(image.label.slug) + shift) % 3]
        vector = (centre + 0.2 * noise.standard_normal(2048)).astype(np.float16)
        embeddings.store(backbone, [image.pk], vector[np.newaxis])


@pytest.fixture
def images(labels_only: Merchant) -> list[ProductImage]:
    """Labelled photos whose files nobody could open."""
    return list(ProductImage.objects.select_related("label").order_by("pk"))


def test_it_opens_no_photo_whose_embedding_is_known_and_mixes_no_two_backbones(
    live_version: ModelVersion, images: list[ProductImage]
) -> None:
    ProductImage.objects.filter(pk=images[0].pk).update(file="originals/lost.jpg")
    embed(factories.backbone(), images, shift=1)
    embed(live_version.backbone, images[1:])

    run = train.execute(start())

    assert (run.state, run.mode) == (RunState.SUCCEEDED, RunMode.HEAD), run.reason
    version = ModelVersion.objects.get(run=run)
    assert Serving.current().live == version
    assert version.backbone == live_version.backbone
    # The first photo alone has to be opened, since only another backbone knows it.
    assert [skipped["image"] for skipped in run.skipped_images] == [images[0].pk]
    assert version.metrics["accuracy"] > 0.9
    assert Embedding.objects.filter(backbone=version.backbone).count() == len(images) - 1


def test_what_it_keeps_of_a_run_under_way_goes_when_the_run_is_over(
    live_version: ModelVersion, images: list[ProductImage]
) -> None:
    embed(live_version.backbone, images)
    run = start()
    kept = train.unfinished_of(run)
    seen: list[bool] = []

    def watch(phase: str, done: int, total: int, message: str = "") -> None:
        if phase == "comparing":
            seen.append(kept.is_dir())

    train.execute(run, progress=watch)

    assert seen == [True]
    assert not kept.exists()
    assert (settings.RUNS_DIR / "tensorboard" / str(run.pk)).is_dir()


def test_a_new_category_of_which_no_photo_can_be_read_is_left_out_by_name(
    live_version: ModelVersion, images: list[ProductImage]
) -> None:
    embed(live_version.backbone, images)
    vases = factories.category("Vases")
    for number in range(5):
        lost = factories.image(stored=False, file=f"originals/lost-{number}.jpg")
        lifecycle.import_label(lost, vases, split=Split.TRAIN)

    run = train.execute(start())

    assert run.state == RunState.SUCCEEDED, run.reason
    assert run.reason.endswith(
        " None of the training photos of Vases could be read, so this version does not know it."
    )
    version = ModelVersion.objects.get(run=run)
    assert version.classes == ["cups", "lamps", "plants"]
    assert version.reason == run.reason
    assert len(run.skipped_images) == 5


def logits(version: ModelVersion, slugs: list[str], vectors: np.ndarray) -> np.ndarray:
    from classifier import store
    from classifier.training import head_logits

    answers = head_logits(store.open_head(settings.MODELS_DIR, version.directory), vectors)
    return answers[:, [version.classes.index(slug) for slug in slugs]]


@pytest.mark.parametrize("also", ["nothing", "a photo of cups", "another recipe"])
def test_a_few_photos_of_a_new_category_leave_what_the_live_version_knows(
    live_version: ModelVersion,
    images: list[ProductImage],
    monkeypatch: pytest.MonkeyPatch,
    also: str,
) -> None:
    from classifier import inheritance
    from classifier import run as running

    allowed: list[int] = []

    def make_room(*arguments: Any, most: int) -> Any:
        allowed.append(most)
        return inheritance.make_room(*arguments, most=most)

    monkeypatch.setattr(running, "make_room", make_room)
    monkeypatch.setattr(inheritance, "ENOUGH", 3)
    embed(live_version.backbone, images)
    before = ModelVersion.objects.get(run=train.execute(start(promote="always")))
    assert before.metrics["only_new"] is False
    vases = factories.category("Vases")
    for number in range(10):
        photo = factories.image(stored=False)
        lifecycle.import_label(photo, vases, split=Split.TRAIN)
        vector = np.random.default_rng(number).random(2048).astype(np.float16) - 2
        embeddings.store(live_version.backbone, [photo.pk], vector[np.newaxis])
    if also == "a photo of cups":
        cups = Category.objects.get(slug="cups")
        lifecycle.import_label(factories.image(stored=False), cups, split=Split.TRAIN)
        embed(live_version.backbone, list(ProductImage.objects.order_by("-pk")[:1]))

    overrides = ["head_batch_size=16"] if also == "another recipe" else []
    run = train.execute(start(promote="always", settings=overrides))

    assert run.state == RunState.SUCCEEDED, run.reason
    after = ModelVersion.objects.get(run=run)
    assert after.classes == ["cups", "lamps", "plants", "vases"]
    assert after.metrics["only_new"] is (also == "nothing")
    assert allowed[-1] == (0 if also == "nothing" else inheritance.LOST)
    anything = np.random.default_rng(7).random((20, 2048)).astype(np.float16)
    known = ["cups", "lamps", "plants"]
    same = np.allclose(logits(after, known, anything), logits(before, known, anything), rtol=1e-4)
    assert same is (also == "nothing")

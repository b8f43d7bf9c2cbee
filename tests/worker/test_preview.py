"""The trainer works out what a waiting version would change, from embeddings it has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy

import numpy as np
import pytest
from django.db import connection
from django.db.models import F

from catalog import golive, previews
from catalog.models import (
    Category,
    CheckState,
    Merchant,
    ModelVersion,
    Preview,
    Product,
    ProductImage,
    Split,
)
from tests import factories
from worker import embeddings, preview

pytestmark = pytest.mark.django_db

MakeVersion = Callable[..., ModelVersion]


def look(version: ModelVersion) -> Preview:
    asked = previews.request(version)
    preview.look(asked.pk)
    asked.refresh_from_db()
    return asked


def see(version: ModelVersion, images: list[ProductImage]) -> None:
    """The backbone of `version` has seen these photos."""
    generator = np.random.default_rng(7)
    vectors = np.abs(generator.normal(0, 1, (len(images), 2048))).astype(np.float16)
    embeddings.store(version.backbone, [image.pk for image in images], vectors)


def test_photos_nobody_checked_are_grouped_by_what_would_change(
    make_version: MakeVersion, live_version: ModelVersion, tints: dict[str, Category]
) -> None:
    hats = factories.category("Hats")
    images = [factories.answered_image(hats, stored=False) for _ in range(3)]
    see(live_version, images[:2])
    candidate = make_version()

    asked = look(candidate)

    assert asked.state == CheckState.DONE
    open_photos = previews.shown(asked)[1]
    assert (open_photos.compared, open_photos.unseen, open_photos.changed) == (2, 1, 2)
    assert {group.before for group in open_photos.groups} == {hats}
    assert set(asked.answers.values_list("image_id", flat=True)) == {i.pk for i in images[:2]}


def test_the_same_head_changes_nothing_on_test_photos(
    make_version: MakeVersion,
    live_version: ModelVersion,
    tints: dict[str, Category],
) -> None:
    merchant: Merchant = factories.merchant()
    images = []
    for tint in tints.values():
        image = factories.labelled_image(tint, stored=False, merchant=merchant)
        ProductImage.objects.filter(pk=image.pk).update(label_origin="random")
        image.product.split = Split.TEST
        image.product.save()
        images.append(image)
    see(live_version, images)

    tested = previews.shown(look(make_version()))[0]

    assert (tested.compared, tested.unseen, tested.changed) == (3, 0, 0)


def test_a_version_on_another_backbone_says_how_many_it_has_not_seen(
    live_version: ModelVersion, make_version: MakeVersion, tints: dict[str, Category]
) -> None:
    candidate = make_version()
    candidate.backbone = factories.backbone()
    candidate.save()
    images = [factories.answered_image(next(iter(tints.values())), stored=False)]
    see(live_version, images)

    asked = look(candidate)

    open_photos = previews.shown(asked)[1]
    assert (open_photos.compared, open_photos.unseen) == (0, 1)


def test_a_version_whose_files_are_damaged_says_so(
    live_version: ModelVersion, make_version: MakeVersion
) -> None:
    asked = look(make_version(directory="versions/nothing"))

    assert asked.state == CheckState.FAILED
    assert asked.reason


def test_a_version_that_was_decided_before_the_trainer_came_is_left_alone(
    live_version: ModelVersion, make_version: MakeVersion
) -> None:
    candidate = make_version()
    asked = previews.request(candidate)
    golive.promote(candidate, reason="", by_hand=True)

    preview.look(asked.pk)

    assert not Preview.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_others_may_write_while_many_test_photos_are_gone_through(
    make_version: MakeVersion, live_version: ModelVersion, tints: dict[str, Category]
) -> None:
    image = factories.labelled_image(tints["cups"], stored=False)
    ProductImage.objects.filter(pk=image.pk).update(label_origin="random", prediction=None)
    Product.objects.filter(pk=image.product_id).update(split=Split.TEST)
    image.refresh_from_db()
    copies = [copy(image) for _ in range(2100)]
    for number, one in enumerate(copies):
        one.pk, one.sha256 = None, f"{number:064x}"
    ProductImage.objects.bulk_create(copies, batch_size=100)
    over = threading.Event()

    def go_on_writing() -> None:
        while not over.wait(0.001):
            Merchant.objects.update(name=F("name"))
        connection.close()

    others = threading.Thread(target=go_on_writing)
    others.start()
    try:
        asked = look(make_version())
    finally:
        over.set()
        others.join()

    assert asked.state == CheckState.DONE, asked.reason
    assert previews.shown(asked)[0].unseen == 2101

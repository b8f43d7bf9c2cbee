"""The trainer looks through the labels, on embeddings it has."""

from __future__ import annotations

import numpy as np
import pytest

from catalog import doubts
from catalog.models import (
    Category,
    CheckState,
    LabelCheck,
    Merchant,
    ModelVersion,
    ProductImage,
    Split,
    VersionState,
)
from tests import factories
from worker import embeddings, label_check

pytestmark = pytest.mark.django_db


@pytest.fixture
def live() -> ModelVersion:
    return factories.version(VersionState.LIVE)


def label(
    category: Category,
    live: ModelVersion,
    *,
    looks_like: int,
    count: int,
    split: Split = Split.TRAIN,
) -> list[ProductImage]:
    """Labelled photos whose embeddings lie in the heap number `looks_like`."""
    merchant: Merchant = factories.merchant()
    images = []
    for _ in range(count):
        image = factories.labelled_image(category, stored=False, merchant=merchant)
        image.product.split = split
        image.product.save()
        images.append(image)
    generator = np.random.default_rng(looks_like)
    vectors = generator.normal(0, 0.2, (count, 2048))
    vectors[:, looks_like * 10 : looks_like * 10 + 10] += 3
    embeddings.store(live.backbone, [i.pk for i in images], vectors.astype(np.float16))
    return images


def look() -> LabelCheck:
    check = doubts.request()
    label_check.look(check.pk)
    check.refresh_from_db()
    return check


def test_a_label_that_the_others_contradict_is_found(live: ModelVersion) -> None:
    hats, shoes = factories.category("Hats"), factories.category("Shoes")
    label(hats, live, looks_like=0, count=20)
    label(shoes, live, looks_like=1, count=20)
    [wrong] = label(hats, live, looks_like=1, count=1)

    check = look()

    assert (check.state, check.labels, check.found) == (CheckState.DONE, 41, 1)
    doubt = doubts.standing().get()
    assert (doubt.image, doubt.label, doubt.suggested) == (wrong, hats, shoes)
    assert doubt.confidence > 0.5 > doubt.own


def test_labels_of_test_and_validation_photos_are_left_alone(live: ModelVersion) -> None:
    hats, shoes = factories.category("Hats"), factories.category("Shoes")
    label(hats, live, looks_like=0, count=10)
    label(shoes, live, looks_like=1, count=10)
    label(hats, live, looks_like=1, count=3, split=Split.TEST)
    label(hats, live, looks_like=1, count=3, split=Split.VALIDATION)

    assert (look().labels, doubts.standing().count()) == (20, 0)


def test_photos_the_live_version_has_not_seen_are_passed_over(live: ModelVersion) -> None:
    for name in ("Hats", "Shoes"):
        category = factories.category(name)
        label(category, live, looks_like=len(name) % 2, count=6)
        label(category, factories.version(), looks_like=3, count=2)

    assert look().labels == 12


def test_a_look_without_a_live_version_says_so() -> None:
    check = look()
    assert check.state == CheckState.FAILED
    assert "no live version" in check.reason


def test_too_few_labels_are_said_to_be_too_few(live: ModelVersion) -> None:
    label(factories.category("Hats"), live, looks_like=0, count=6)
    check = look()
    assert check.state == CheckState.FAILED
    assert "two categories with 5 checked photos each" in check.reason


def test_labels_without_any_embedding_are_said_to_be_unseen(live: ModelVersion) -> None:
    for name in ("Hats", "Shoes"):
        label(factories.category(name), factories.version(), looks_like=0, count=5)
    assert "has not seen the labelled photos yet" in look().reason


def test_the_same_look_twice_is_done_once(live: ModelVersion) -> None:
    check = look()
    label_check.look(check.pk)
    assert LabelCheck.objects.get().state == CheckState.FAILED

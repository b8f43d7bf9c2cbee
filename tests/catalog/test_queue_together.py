"""Photos that belong together come one after another."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import lifecycle, queue
from catalog.models import Category, MachineState, ProductImage, User
from catalog.queue_filters import Filters
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uncertain_first(settings: Any) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.0


def answered(confidence: float, **columns: Any) -> ProductImage:
    usual: dict[str, Any] = {"machine": MachineState.CLASSIFIED, "drawn": False}
    return factories.image(stored=False, confidence=confidence, **usual | columns)


def of_one_product(*confidences: float) -> list[ProductImage]:
    first = answered(confidences[0])
    same: dict[str, Any] = {"merchant": first.merchant, "sku": first.product.sku}
    return [first, *(answered(c, **same) for c in confidences[1:])]


def looks(*, bits: int = 0) -> dict[str, Any]:
    """Columns of one picture, with so many bits of its hashes turned."""
    across = 0x1234_5678_0F0F_3C3C ^ ((1 << bits) - 1)
    bands = {f"band_{n}": (across >> (48 - 16 * n)) & 0xFFFF for n in range(4)}
    grid = {"colours": bytes(range(48)), "brightness": 24}
    return {"hash_across": across, "hash_down": 0x77, **grid, **bands}


def shown(user: User, count: int = 1, **more: Any) -> list[int]:
    return [image.pk for image in queue.next_images(user, count=count, **more)]


def pks(images: list[ProductImage]) -> list[int]:
    return [image.pk for image in images]


def test_the_photos_of_a_product_follow_its_least_certain_one(ada: User) -> None:
    product = of_one_product(0.2, 0.95, 0.9)
    other = answered(0.5)

    assert shown(ada, 4) == [*pks(product), other.pk]


def test_near_duplicates_follow_though_their_products_differ(ada: User) -> None:
    first, twin = answered(0.2, **looks()), answered(0.9, **looks(bits=2))
    answered(0.5, **looks(bits=20))

    assert shown(ada, 2) == [first.pk, twin.pk]


def test_a_product_begun_goes_on_at_the_next_request(ada: User) -> None:
    product = of_one_product(0.3, 0.9, 0.95)
    held = shown(ada, 2)
    answered(0.1)

    assert held == pks(product)[:2]
    assert shown(ada, 1, exclude=held) == [product[2].pk]


def test_a_product_begun_goes_on_after_its_photo_was_decided(ada: User) -> None:
    first, second = of_one_product(0.3, 0.9)
    shirts = factories.category("Shirts")
    shown(ada)
    lifecycle.decide_category(first, shirts, by=ada, revision=0)
    answered(0.1)

    assert shown(ada) == [second.pk]


def test_what_a_colleague_holds_or_was_decided_does_not_follow(
    ada: User, ben: User, settings: Any
) -> None:
    first, held, decided, free = of_one_product(0.2, 0.9, 0.9, 0.9)
    queue.lease(ben, held)
    lifecycle.decide_category(decided, factories.category(), by=ben, revision=0)

    assert shown(ada, 4) == [first.pk, free.pk]


def test_a_skipped_photo_does_not_come_back_with_its_product(ada: User) -> None:
    first, second = of_one_product(0.2, 0.9)
    queue.skip(ada, second)

    assert shown(ada, 2) == [first.pk]


def test_filters_hold_for_what_follows_too(ada: User) -> None:
    shirts: Category = factories.category("Shirts")
    first, _ = of_one_product(0.2, 0.9)
    ProductImage.objects.filter(pk=first.pk).update(predicted=shirts)

    assert shown(ada, 2, filters=Filters(category=shirts.pk)) == [first.pk]

"""The hot queries go through their indexes on both databases: none reads the whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from catalog import (
    carrying,
    category_photos,
    gallery,
    intake,
    lifecycle,
    quality,
    queue,
    reclassify,
    selective,
    splits,
)
from catalog.intake import DuplicateBytes
from catalog.models import Product, ProductImage, Role, Serving, User, VersionState
from catalog.wording import Standing
from tests import factories

pytestmark = pytest.mark.django_db
TABLE = "catalog_productimage"
TABLES = (TABLE, "catalog_prediction")


@pytest.fixture(autouse=True)
def a_small_table_planned_like_a_large_one() -> Iterator[None]:
    """PostgreSQL would read a small table whole; SQLite plans by the schema alone."""
    factories.version(state=VersionState.LIVE)
    for _ in range(3):
        factories.image(stored=False, drawn=False)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off")
    yield
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("RESET enable_seqscan; RESET enable_sort")


def plans(work: Callable[[], object]) -> list[str]:
    """The plan of each statement over photos or answers that `work` sends, its values bound as
    it binds them."""
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    found: list[str] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in TABLES) and sql.startswith(("SELECT", "UPDATE")):
            with context["connection"].cursor() as cursor:
                execute_plain = cursor.cursor.execute
                execute_plain(f"{explain} {sql}", params)
                rows = cursor.cursor.fetchall()
            found.append("\n".join(str(row[-1]) for row in rows))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        work()
    return found


def copies(image: ProductImage, count: int, *, products: Sequence[Product]) -> None:
    """So many rows more, in turn under each of `products`, with bytes and hashes of their own."""
    random = Random(1)
    columns = {f.attname: getattr(image, f.attname) for f in image._meta.fields}
    rows = []
    for number in range(count):
        product = products[number % len(products)]
        own: dict[str, Any] = {f"band_{n}": random.getrandbits(16) for n in range(4)}
        own |= {"id": None, "sha256": random.randbytes(32).hex(), "product_id": product.pk}
        rows.append(ProductImage(**columns | own | {"merchant_id": product.merchant_id}))
    ProductImage.objects.bulk_create(rows, batch_size=500)


def analyze() -> None:
    """So that the planner knows what is in the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")


def reviewer() -> User:
    return factories.user(Role.REVIEWER)


def only(plan: list[str], name: str) -> str:
    """The one plan that goes through this index."""
    (found,) = [p for p in plan if name in p]
    return found


def unsorted(plan: str) -> bool:
    return "TEMP B-TREE FOR ORDER BY" not in plan and "Sort" not in plan


def test_claiming_reads_the_waiting_and_the_leased_through_their_indexes() -> None:
    found = plans(lambda: lifecycle.claim(owner="w1", limit=32))

    assert unsorted(only(found, "image_to_claim"))
    assert sum("image_leased" in p for p in found) == 2


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_each_part_of_the_review_queue_is_read_in_order(settings: Any, share: float) -> None:
    settings.REVIEW_RANDOM_SHARE = share
    found = plans(lambda: queue.next_images(reviewer(), count=1))

    for name in ("image_complaint", "image_disputed", "image_drawn", "image_uncertain"):
        assert unsorted(only(found, name)), name
    assert any("image_unanswered" in p or "image_failed" in p for p in found)


def test_counting_the_review_queue_reads_indexes_alone() -> None:
    found = plans(queue.waiting)

    assert len(found) == 5
    assert only(found, "image_complaint")
    assert only(found, "image_drawn")
    assert only(found, "image_uncertain")
    assert not any("SCAN catalog_productimage\n" in f"{plan}\n" for plan in found)


def test_counting_the_worker_queue_reads_indexes_alone() -> None:
    found = plans(reclassify.queue_counts)

    assert only(found, "image_to_claim")
    assert only(found, "image_leased")


def test_late_answers_are_found_by_their_time_and_then_by_their_photos() -> None:
    late = factories.answered_image(factories.category())
    newer = factories.version()
    Serving.objects.update(live=newer, changed_at=late.created_at)

    found = plans(reclassify.ask_late_ones_again)

    assert "prediction_by_time" in only(found, "catalog_prediction")
    assert only(found, "productimage_prediction_id")
    assert not any(f"SCAN {TABLE}" in plan for plan in found if "prediction" in plan)


@pytest.mark.parametrize(
    ("standing", "index"),
    [
        (Standing.FAILED, "image_unpredicted"),
        (Standing.WAITING, "image_unpredicted"),
        (Standing.REPLACE, "image_unusable"),
        (Standing.DISPUTED, "image_disputed"),
    ],
)
def test_a_list_of_what_is_rare_does_not_read_what_is_common(
    standing: Standing, index: str
) -> None:
    copies(ProductImage.objects.all()[0], 2000, products=[factories.product()])
    ProductImage.objects.update(
        machine="classified", predicted=factories.category(), label_state="unlabelled"
    )
    if connection.vendor == "postgresql":
        analyze()
    rows = gallery.matching(reviewer(), standing=standing)

    found = plans(lambda: gallery.page(rows, {}))

    good = (index, "image_failed", "productimage_predicted_id")  # all hold the rare ones alone
    (plan,) = [p for p in found if any(name in p for name in good)]
    assert unsorted(plan)


def test_near_duplicates_are_found_through_the_bands() -> None:
    image = factories.image(stored=False, brightness=9, band_0=1, band_1=2, band_2=3, band_3=4)

    same, alike = plans(lambda: splits.near_duplicates(image))

    assert "image_by_sha256" in same
    for n in range(4):
        assert f"image_band_{n}" in alike
    assert alike.count("brightness") >= 4


def test_a_duplicate_upload_is_found_through_the_merchants_bytes() -> None:
    image = ProductImage.objects.all()[0]
    others = [factories.product() for _ in range(4)]
    copies(image, 2000, products=[image.product, *others])
    analyze()

    def look() -> None:
        with pytest.raises(DuplicateBytes):
            intake._require_new(image.merchant, image.sha256)

    (plan,) = plans(look)
    assert "same_bytes_once_per_merchant" in plan or "image_by_sha256" in plan


def test_leftover_files_are_found_through_an_index() -> None:
    (first, *_) = plans(lifecycle.delete_withdrawn_files)

    assert "image_files_to_delete" in first


def test_a_status_poll_goes_by_primary_key() -> None:
    rows = ProductImage.objects.present().filter(pk__in=[1, 2, 3])

    (plan,) = plans(lambda: list(rows.values_list("pk", "machine")))

    assert "INTEGER PRIMARY KEY" in plan or "catalog_productimage_pkey" in plan


def test_a_week_of_random_checks_is_read_through_its_index() -> None:
    monday = quality.monday_of(timezone.localdate())

    assert "decision_at_random" in selective.checked_at_random().explain()
    assert "decision_at_random" in quality.decisions(week=monday, category=None).explain()


def test_the_counts_of_the_categories_come_from_indexes() -> None:
    (checked,) = plans(category_photos.counts)
    uncertain, drawn = plans(category_photos.waiting)

    assert "image_by_label" in checked
    assert "image_uncertain_by_category" in uncertain
    assert "image_drawn" in drawn


def test_what_a_merge_left_behind_is_found_through_indexes() -> None:
    shirts = factories.category("Shirts")
    factories.category("Caps", merged_into=shirts, retired_at=timezone.now())

    (strays,) = plans(carrying.carry_on)

    assert "label" in strays
    assert "predicted" in strays
    assert "Seq Scan" not in strays
    assert f"SCAN {TABLE}" not in strays

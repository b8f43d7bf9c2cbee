"""What the models page says of answers that would need no review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from catalog import categories, golive, lifecycle, queue, reshaping, selective
from catalog.categories import PhotosTo
from catalog.models import Category, Decision, ModelVersion, ProductImage, Role, User
from catalog.reshaping import PhotosGo
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reviewer")]


def kept(*, value: float | None = 0.9, target: float = 0.98) -> dict[str, Any]:
    """What a version's report keeps; `value` None: no threshold could be shown."""
    test = {"of": 200, "images": 80, "right": 79, "interval": [0.93, 0.998]}
    pooled = {"value": value, "images": 240, "right": 239, "of": 500, "test": test}
    lower = pooled | {"value": 0.7, "images": 400}
    targets = [
        {"target": 0.9, "needed": 29, "pooled": lower, "per_class": {}},
        {
            "target": target,
            "needed": 149,
            "pooled": pooled if value is not None else None,
            "per_class": {"hats": pooled | {"value": 0.85}} if value is not None else {},
        },
    ]
    return {"selective": {"images": 500, "provable": 0.83, "targets": targets}}


def live(**options: Any) -> ModelVersion:
    version = factories.version(metrics={"images": 200, **kept(**options)})
    golive.promote_automatically(version, reason="")
    return version


def check(photos: int, reviewer: User, hats: Category, confidence: float) -> None:
    """So many photos drawn at random, answered Hats and confirmed on the desk."""
    for _ in range(photos):
        image = factories.answered_image(hats, confidence, stored=False, drawn=True)
        assert queue.lease(reviewer, image)
        image.refresh_from_db()
        lifecycle.decide_category(image, hats, by=reviewer, revision=image.revision)


def page(client: Client) -> str:
    return " ".join(client.get("/models/").content.decode().split())


def test_last_weeks_saving_is_said_in_words(
    client: Client, reviewer: User, hats: Category, settings: Settings
) -> None:
    live()
    check(45, reviewer, hats, 0.95)
    check(30, reviewer, hats, 0.6)
    assert "At 98% precision, 60% of last week’s photos would have needed no review." in page(
        client
    )
    assert "nothing is accepted by itself" in page(client)


def test_too_few_checked_photos_are_said_to_be_too_few(
    client: Client, reviewer: User, hats: Category
) -> None:
    live()
    check(12, reviewer, hats, 0.95)
    text = page(client)
    assert "Too few checked random photos to say how many of last week’s: 12 of 60." in text
    assert "would have needed no review" not in text


def test_photos_of_earlier_weeks_picked_or_undone_do_not_count(
    reviewer: User, hats: Category
) -> None:
    live()
    check(3, reviewer, hats, 0.95)
    first, second, _ = Decision.objects.order_by("pk")
    Decision.objects.filter(pk=first.pk).update(at=timezone.now() - timedelta(days=8))
    lifecycle.undo(second, by=reviewer)
    factories.labelled_image(hats, by=reviewer, stored=False)
    assert selective.last_week(0.98) == selective.Week(checked=1, spared=1, right=1)


def test_photos_that_a_change_of_the_tree_moved_were_not_checked_last_week(
    reviewer: User, hats: Category
) -> None:
    live()
    check(3, reviewer, hats, 0.95)
    Decision.objects.update(at=timezone.now() - timedelta(days=40))

    categories.add(
        hats, "Caps", by=factories.user(Role.MANAGER), photos_to=PhotosTo(child_name="Caps")
    )

    assert Decision.objects.count() == 6
    assert selective.last_week(0.98).checked == 0


def test_photos_that_a_split_sent_back_are_not_first_checked_again(
    reviewer: User, hats: Category
) -> None:
    live()
    check(3, reviewer, hats, 0.95)
    Decision.objects.update(at=timezone.now() - timedelta(days=40))
    manager = factories.user(Role.MANAGER)
    reshaping.split(hats, ["Caps", "Hoods"], by=manager, photos_to=PhotosGo.REVIEW)

    caps = Category.objects.get(name="Caps")
    for image in ProductImage.objects.all():
        lifecycle.decide_category(image, caps, by=reviewer, revision=image.revision)

    assert selective.last_week(0.98).checked == 0


def test_an_answer_stays_right_when_its_photo_is_moved_later(
    reviewer: User, hats: Category
) -> None:
    live()
    check(3, reviewer, hats, 0.95)

    categories.add(
        hats, "Caps", by=factories.user(Role.MANAGER), photos_to=PhotosTo(child_name="Caps")
    )

    assert selective.last_week(0.98) == selective.Week(checked=3, spared=3, right=3)


def test_an_answer_counts_by_the_version_that_gave_it(reviewer: User, hats: Category) -> None:
    live(value=0.99)
    check(2, reviewer, hats, 0.95)
    live(value=0.9)
    check(1, reviewer, hats, 0.95)
    assert selective.last_week(0.98).spared == 1


def test_a_wrong_answer_above_the_threshold_is_counted_as_wrong(
    reviewer: User, hats: Category
) -> None:
    live()
    shoes = factories.category("Shoes")
    image = factories.answered_image(shoes, 0.97, stored=False, drawn=True)
    assert queue.lease(reviewer, image)
    image.refresh_from_db()
    lifecycle.decide_category(image, hats, by=reviewer, revision=image.revision)
    assert selective.last_week(0.98) == selective.Week(checked=1, spared=1, right=0)


def test_a_target_that_cannot_be_promised_says_what_could(client: Client) -> None:
    live(value=None)
    text = page(client)
    assert "98% precision cannot be promised yet," in text
    assert "At 90% precision it could be 80% of them." in text


def test_too_few_validation_photos_are_named_as_the_reason(client: Client) -> None:
    metrics = kept(value=None)
    metrics["selective"]["images"] = 80
    golive.promote_automatically(factories.version(metrics=metrics), reason="")
    assert "takes at least 149 validation photos, all answered right, and there are 80" in page(
        client
    )


def test_an_earlier_version_or_another_target_is_not_known(
    client: Client, settings: Settings
) -> None:
    golive.promote_automatically(factories.version(), reason="")
    assert "Not known for this version" in page(client)
    live()
    settings.SELECTIVE_PRECISION = 0.97
    assert "Not known for this version" in page(client)


def test_no_live_version_promises_nothing(client: Client) -> None:
    assert "What could go without review" not in page(client)


def test_a_versions_page_lists_the_thresholds_with_what_they_did_on_test(
    client: Client, hats: Category
) -> None:
    text = client.get(reverse("model", args=[live().pk])).content.decode()
    text = " ".join(text.split())
    assert "Any category" in text
    assert 'data-label="Answer">Hats' in text
    assert "240 of 500" in text
    assert "98.8%" in text


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"selective": 3},
        {"selective": {"images": 5, "targets": [3, {"target": "x"}]}},
        {"selective": {"images": 5, "targets": [{"target": 0.98, "pooled": {"value": 0.5}}]}},
    ],
)
def test_a_report_with_broken_parts_still_gives_pages(
    client: Client, broken: dict[str, Any]
) -> None:
    version = factories.version(metrics={"images": 3} | broken)
    golive.promote_automatically(version, reason="")
    page(client)
    assert client.get(reverse("model", args=[version.pk])).status_code == 200

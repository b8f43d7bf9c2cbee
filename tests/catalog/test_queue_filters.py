"""A reviewer who asks for a part of the queue gets that part, in the queue's own order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import queue
from catalog.models import Category, LabelState, MachineState, ProductImage, User
from catalog.queue_filters import Filters
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uncertain_first(settings: Any) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.0


def answered(confidence: float, *, days: float = 0, **columns: Any) -> ProductImage:
    usual: dict[str, Any] = {"machine": MachineState.CLASSIFIED, "drawn": False}
    at = timezone.now() - timedelta(days=days)
    return factories.image(stored=False, created_at=at, confidence=confidence, **usual | columns)


def shown(user: User, filters: Filters, count: int = 9) -> list[int]:
    return [image.pk for image in queue.next_images(user, count=count, filters=filters)]


def test_by_the_suggested_category_the_least_certain_first(ada: User, shirts: Category) -> None:
    sure = answered(0.9, predicted=shirts)
    unsure = answered(0.4, predicted=shirts)
    answered(0.1, predicted=factories.category("Trousers"))
    filters = Filters(category=shirts.pk)

    assert shown(ada, filters) == [unsure.pk, sure.pk]
    assert queue.left(filters) == 2
    assert queue.left() == 3


def test_by_merchant_and_by_version(ada: User) -> None:
    version, mine = factories.version(), answered(0.4)
    of_version = answered(0.5, version=version)

    assert shown(ada, Filters(merchant=mine.merchant_id)) == [mine.pk]
    assert shown(ada, Filters(version=version.pk)) == [of_version.pk]
    assert shown(ada, Filters(merchant=mine.merchant_id, version=version.pk)) == []


def test_by_age_in_both_directions(ada: User) -> None:
    new, old, older = answered(0.5, days=1), answered(0.6, days=8), answered(0.4, days=40)

    assert shown(ada, Filters(newer_than=7)) == [new.pk]
    assert shown(ada, Filters(older_than=7)) == [older.pk, old.pk]
    assert shown(ada, Filters(older_than=7, newer_than=30)) == [old.pk]


def test_of_very_many_old_photos_the_oldest_come_first(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "AGED_READ", 2)
    oldest, old, _ = (answered(c, days=d) for c, d in ((0.9, 30), (0.5, 20), (0.1, 10)))

    assert shown(ada, Filters(older_than=5), count=2) == [old.pk, oldest.pk]


def test_by_the_merchants_complaint_labelled_or_not_the_first_one_first(
    ada: User, shirts: Category
) -> None:
    label: dict[str, Any] = {"label_state": LabelState.CONFIRMED, "label": shirts}
    later, earlier = timezone.now(), timezone.now() - timedelta(hours=1)
    second = answered(0.9, complaint_at=later)
    first = answered(0.9, complaint_at=earlier, **label)
    answered(0.1)

    assert shown(ada, Filters(complaint=True)) == [first.pk, second.pk]
    assert queue.left(Filters(complaint=True)) == 2
    assert queue.left() == 3


def test_disputed_failed_and_drawn_photos_are_filtered_too(ada: User, shirts: Category) -> None:
    other = factories.category("Trousers")
    settled: dict[str, Any] = {
        "label_state": LabelState.CONFIRMED,
        "label": other,
        "disputed": True,
    }
    wanted = [
        answered(0.9, predicted=shirts, **settled).pk,
        answered(0.9, predicted=shirts, machine=MachineState.FAILED).pk,
        answered(0.9, predicted=shirts, drawn=True).pk,
    ]
    answered(0.9, predicted=other, **settled)
    answered(0.9, machine=MachineState.FAILED)
    answered(0.9, predicted=other, drawn=True)

    assert shown(ada, Filters(category=shirts.pk)) == wanted
    assert queue.left(Filters(category=shirts.pk)) == len(wanted)


def test_a_photo_on_the_screen_that_does_not_fit_stays_out_of_the_filtered_desk(
    ada: User, shirts: Category
) -> None:
    held, fits = answered(0.1), answered(0.5, predicted=shirts)
    queue.lease(ada, held)

    assert shown(ada, Filters(category=shirts.pk)) == [fits.pk]


def ask(user: User, address: str, **query: Any) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse(address), query)


def test_the_desk_and_its_script_filter_by_the_address(ada: User, shirts: Category) -> None:
    version = factories.version()
    fits = answered(0.9, days=8, predicted=shirts, version=version)
    answered(0.1, days=8)
    query = {
        "category": shirts.pk,
        "merchant": fits.merchant_id,
        "version": version.pk,
        "age": "older-7",
    }

    answer = ask(ada, "review-next", **query).json()
    page = ask(ada, "review", **query).content.decode()

    assert [card["id"] for card in answer["cards"]] == [fits.pk]
    assert answer["left"] == 1
    assert f'data-card="{fits.pk}"' in page


def test_a_desk_that_nothing_fits_offers_all_photos(ada: User, shirts: Category) -> None:
    answered(0.1)

    answer = ask(ada, "review-next", category=shirts.pk).json()

    assert answer["cards"] == []
    assert "No photo fits what you chose" in answer["empty"]
    assert "Show all photos" in ask(ada, "review", category=shirts.pk).content.decode()


@pytest.mark.parametrize(("name", "value"), [("age", "young"), ("category", "x"), ("merchant", 9)])
def test_a_filter_that_means_nothing_is_refused(ada: User, name: str, value: str | int) -> None:
    answer = ask(ada, "review-next", **{name: value})

    assert answer.status_code == 400
    assert name in answer.json()["message"]
    assert "Choose again" in ask(ada, "review", **{name: value}).content.decode()

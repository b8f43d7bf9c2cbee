"""How often people change what the model suggests."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle, quality, reshaping
from catalog.models import (
    Category,
    Decision,
    Merchant,
    Origin,
    ProductImage,
    Role,
    User,
)
from catalog.reshaping import PhotosGo
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 25)  # a Wednesday
MONDAY = date(2026, 11, 23)
LATER = datetime(2026, 11, 26, 12, tzinfo=UTC)  # in the same week


@pytest.fixture
def reviewer() -> User:
    return factories.user(Role.REVIEWER)


def checked(
    suggested: Category,
    *,
    right: int = 0,
    wrong: int = 0,
    week: date = MONDAY,
    to: Category | None = None,
    by: User,
    merchant: Merchant | None = None,
) -> list[Decision]:
    """First decisions on photos drawn at random, in the middle of that week."""
    merchant = merchant or factories.merchant()
    at = timezone.make_aware(datetime.combine(week + timedelta(days=2), time(12)))
    made = []
    for number in range(right + wrong):
        image = factories.answered_image(suggested, stored=False, merchant=merchant)
        said = suggested if number < right or to is None else to
        if number >= right and to is None:
            decision = lifecycle.decide_none_of_these(image, by=by, revision=0)
        else:
            decision = lifecycle.decide_category(image, said, by=by, revision=0)
        Decision.objects.filter(pk=decision.pk).update(at=at, origin=Origin.RANDOM)
        made.append(decision)
    return made


def rows() -> dict[str, quality.Row]:
    found = quality.read(today=TODAY)
    return {row.name: row for row in (found.whole, *found.rows)}


def test_shares_are_of_the_category_that_was_suggested(
    reviewer: User, hats: Category, shoes: Category
) -> None:
    checked(hats, right=3, wrong=1, to=shoes, by=reviewer)
    checked(hats, right=1, wrong=1, week=MONDAY - timedelta(weeks=1), by=reviewer)
    checked(shoes, right=2, by=reviewer)

    found = rows()

    assert [(c.photos, c.changed) for c in found["Hats"].cells[-2:]] == [(2, 1), (4, 1)]
    assert (found["All categories"].total.photos, found["All categories"].total.changed) == (8, 2)


def test_only_first_decisions_that_stand_on_random_photos_count(
    reviewer: User, hats: Category, shoes: Category
) -> None:
    (undone,) = checked(hats, wrong=1, to=shoes, by=reviewer)
    lifecycle.undo(undone, by=reviewer)
    (twice,) = checked(hats, right=1, by=reviewer)
    again = lifecycle.decide_category(twice.image, shoes, by=reviewer, revision=1)
    Decision.objects.filter(pk=again.pk).update(origin=Origin.RANDOM, at=twice.at)
    factories.labelled_image(hats, stored=False)

    assert (rows()["All categories"].total.photos, rows()["All categories"].total.changed) == (1, 0)


def test_a_photo_counts_once_that_a_split_sent_back_to_review(
    reviewer: User, shoes: Category
) -> None:
    checked(shoes, right=3, by=reviewer)
    manager = factories.user(Role.MANAGER)
    reshaping.split(shoes, ["Trainers", "Boots"], by=manager, photos_to=PhotosGo.REVIEW)
    trainers = Category.objects.get(name="Trainers")
    for image in ProductImage.objects.all():
        again = lifecycle.decide_category(image, trainers, by=reviewer, revision=image.revision)
        Decision.objects.filter(pk=again.pk).update(at=LATER, origin=Origin.RANDOM)

    assert (rows()["All categories"].total.photos, rows()["All categories"].total.changed) == (3, 0)


def test_a_photo_decided_anew_counts_with_the_new_decision_where_the_first_was_taken_back(
    reviewer: User, hats: Category, shoes: Category
) -> None:
    (first,) = checked(hats, right=1, by=reviewer)
    lifecycle.undo(first, by=reviewer)
    again = lifecycle.decide_category(first.image, shoes, by=reviewer, revision=2)
    Decision.objects.filter(pk=again.pk).update(at=LATER, origin=Origin.RANDOM)

    assert (rows()["All categories"].total.photos, rows()["All categories"].total.changed) == (1, 1)


def test_a_cell_with_few_photos_says_so_and_others_have_an_interval(
    client: Client, reviewer: User, hats: Category, shoes: Category
) -> None:
    this = quality.monday_of(timezone.localdate())
    checked(hats, right=8, wrong=2, to=shoes, week=this, by=reviewer)
    checked(shoes, right=2, wrong=1, to=hats, week=this, by=reviewer)
    client.force_login(reviewer)

    text = client.get(reverse("quality")).content.decode()

    assert "20.0%" in text
    assert "5.7 to 51.0%" in text
    assert "1 of 3" in text
    assert "too few yet" in text
    assert "too few to tell" in text


def test_a_trend_is_told_where_chance_would_rarely_show_it(
    reviewer: User, hats: Category, shoes: Category
) -> None:
    early = MONDAY - timedelta(weeks=6)
    checked(hats, right=19, wrong=1, to=shoes, week=early, by=reviewer)
    checked(hats, right=8, wrong=12, to=shoes, by=reviewer)
    checked(shoes, right=18, wrong=2, to=hats, week=early, by=reviewer)
    checked(shoes, right=17, wrong=3, to=hats, by=reviewer)

    found = rows()

    assert found["Hats"].trend == "rising"
    assert found["Shoes"].trend == "no clear change"


def test_a_cell_opens_exactly_its_photos(
    client: Client, reviewer: User, hats: Category, shoes: Category
) -> None:
    this = quality.monday_of(timezone.localdate())
    wrong, right = checked(hats, right=1, wrong=1, to=shoes, week=this, by=reviewer)[::-1]
    checked(hats, right=1, week=this - timedelta(weeks=1), by=reviewer)
    checked(shoes, right=1, week=this, by=reviewer)
    client.force_login(reviewer)

    def shown(**query: str) -> set[int]:
        answer = client.get(
            reverse("quality-photos"), {"category": str(hats.pk), "week": f"{this}", **query}
        )
        return {decision.image_id for decision, _, _ in answer.context["rows"]}

    assert shown() == {wrong.image_id, right.image_id}
    assert shown(changed="1") == {wrong.image_id}
    assert len(shown(week="")) == 3


def test_suggestions_of_a_merged_category_count_as_its_target(
    reviewer: User, hats: Category, shoes: Category
) -> None:
    caps = factories.category("Caps")
    checked(caps, right=1, by=reviewer)
    checked(hats, wrong=1, to=shoes, by=reviewer)

    reshaping.merge(caps, hats, by=factories.user(Role.MANAGER))

    assert (rows()["Hats"].total.photos, rows()["Hats"].total.changed) == (2, 1)
    assert "Caps" not in rows()


def test_an_empty_page_says_what_fills_it(client: Client, reviewer: User) -> None:
    client.force_login(reviewer)
    assert "Nothing to measure yet" in client.get(reverse("quality")).content.decode()


def test_a_withdrawn_photo_keeps_its_place_without_its_picture(
    client: Client, reviewer: User, hats: Category
) -> None:
    this = quality.monday_of(timezone.localdate())
    (decision,) = checked(hats, right=1, week=this, by=reviewer)
    lifecycle.withdraw(decision.image, by=reviewer)
    ProductImage.objects.update(thumbnail="")
    client.force_login(reviewer)

    assert "withdrawn" in client.get(reverse("quality-photos")).content.decode()

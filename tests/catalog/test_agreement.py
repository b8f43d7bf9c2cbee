"""How far reviewers agree with suggestions seen and unseen, and with each other; their pace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import agreement, blind, categories, category_photos, lifecycle, queue, reshaping
from catalog.agreement import Pace, Reviewer, Share
from catalog.categories import PhotosTo
from catalog.models import Category, Decision, ProductImage, Role, User
from catalog.reshaping import PhotosGo
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_photo_seen_twice(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.0
    monkeypatch.setattr(blind, "SECOND_SHARE", 1.0)


def at_the_desk(user: User, category: Category, suggested: Category | None = None) -> Decision:
    """Decide the next photo of the desk; with `suggested` a new one is there for it."""
    if suggested is not None:
        factories.answered_image(suggested, stored=False, drawn=False)
    (image,) = queue.next_images(user)
    return lifecycle.decide_category(image, category, by=user, revision=image.revision)


def of(user: User, reader: User | None = None) -> Reviewer:
    people = agreement.measure(reader or user).reviewers
    return next(person for person in people if person.name == user.username)


def counts(share: Share) -> tuple[int, int]:
    return share.agreed, share.of


def test_what_is_accepted_in_sight_is_told_from_what_is_chosen_unseen(
    ada: User, shirts: Category, hats: Category, settings: Any
) -> None:
    settings.REVIEW_BLIND_SHARE = 0.0
    for chosen in (shirts, shirts, hats):
        at_the_desk(ada, chosen, suggested=shirts)
    settings.REVIEW_BLIND_SHARE = 1.0
    for chosen in (shirts, hats):
        at_the_desk(ada, chosen, suggested=shirts)

    found = of(ada)

    assert counts(found.shown) == (2, 3)
    assert counts(found.blind) == (1, 2)
    assert found.verdict == "few"


def test_what_was_taken_back_or_opened_by_hand_does_not_count(ada: User, shirts: Category) -> None:
    lifecycle.undo(at_the_desk(ada, shirts, suggested=shirts), by=ada)
    queue.release(ada, list(ProductImage.objects.values_list("pk", flat=True)))
    by_hand = factories.answered_image(shirts, stored=False)
    lifecycle.decide_category(by_hand, shirts, by=ada, revision=0)

    assert counts(of(ada).shown) == (0, 0)


@pytest.mark.parametrize("way", ["add", "move", "split"])
def test_photos_that_a_change_of_the_tree_moved_do_not_count(
    way: str, ada: User, shirts: Category, hats: Category, settings: Any
) -> None:
    settings.REVIEW_BLIND_SHARE = 0.0
    for _ in range(3):
        at_the_desk(ada, shirts, suggested=shirts)
    long_ago = timezone.now() - timedelta(days=40)
    Decision.objects.update(at=long_ago)
    manager = factories.user(Role.MANAGER)

    match way:
        case "add":
            categories.add(shirts, "Polos", by=manager, photos_to=PhotosTo(child_name="Polos"))
        case "move":
            category_photos.move(shirts, hats, by=manager)
        case "split":
            reshaping.split(shirts, ["Polos", "Tops"], by=manager, photos_to=PhotosGo.FIRST)

    found = agreement.measure(manager)
    assert Decision.objects.filter(by=manager).exists()
    assert counts(found.everybody.shown) == (0, 0)
    assert found.everybody.pace.total == 0


def test_photos_that_a_split_sent_back_count_for_the_pace_alone(
    ada: User, shirts: Category, settings: Any
) -> None:
    settings.REVIEW_BLIND_SHARE = 0.0
    for _ in range(3):
        at_the_desk(ada, shirts, suggested=shirts)
    manager = factories.user(Role.MANAGER)
    reshaping.split(shirts, ["Polos", "Tops"], by=manager, photos_to=PhotosGo.REVIEW)

    for _ in range(3):
        at_the_desk(ada, Category.objects.get(name="Polos"))

    found = of(ada)
    assert counts(found.shown) == (3, 3)
    assert found.pace.total == 6


def test_what_is_decided_anew_with_its_label_in_sight_does_not_count(
    ada: User, ben: User, shirts: Category, hats: Category, settings: Any
) -> None:
    settings.REVIEW_BLIND_SHARE = 0.0
    image = at_the_desk(ada, shirts, suggested=shirts).image
    image.refresh_from_db()

    lifecycle.decide_category(image, hats, by=ben, revision=image.revision)

    assert counts(agreement.measure(factories.user(Role.MANAGER)).everybody.shown) == (1, 1)


def test_two_reviewers_of_one_photo_are_compared(
    ada: User, ben: User, shirts: Category, hats: Category, settings: Any
) -> None:
    settings.REVIEW_BLIND_SHARE = 1.0
    manager = factories.user(Role.MANAGER)
    for first, second in ((shirts, shirts), (hats, shirts)):
        at_the_desk(ada, first, suggested=shirts)
        at_the_desk(ben, second)

    found = agreement.measure(manager)

    assert counts(found.everybody.others) == (1, 2)
    assert counts(of(ada, manager).others) == counts(of(ben).others) == (1, 2)
    assert counts(found.everybody.blind) == (1, 2)  # the second look is no new photo


def test_wilsons_interval() -> None:
    low, high = Share(81, 100).within or (0, 0)

    assert (round(low, 3), round(high, 3)) == (0.722, 0.875)
    assert Share(30, 30).within == pytest.approx((0.8865, 1.0), abs=1e-3)
    assert Share().within is None


@pytest.mark.parametrize(
    ("shown", "unseen", "verdict"),
    [
        (Share(980, 1000), Share(70, 100), "waves-through"),
        (Share(80, 100), Share(78, 100), "fine"),
        (Share(60, 100), Share(99, 100), "fine"),
        (Share(980, 1000), Share(2, 29), "few"),
        (Share(5, 5), Share(70, 100), "few"),
    ],
)
def test_nothing_is_concluded_before_the_intervals_part(
    shown: Share, unseen: Share, verdict: str
) -> None:
    assert Reviewer("ada", shown, unseen).verdict == verdict


def test_breaks_are_no_work() -> None:
    pace, at = Pace(), timezone.now()
    for _ in range(2):
        for _ in range(31):
            pace.add(at)
            at -= timedelta(seconds=2)
        at -= timedelta(hours=3)

    assert (pace.total, pace.decisions, pace.minutes) == (62, 60, 2)
    assert pace.per_hour == 1800


def test_a_few_decisions_make_no_pace() -> None:
    pace = Pace()
    for n in range(5):
        pace.add(timezone.now() + timedelta(seconds=n))

    assert pace.per_hour is None


def page(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.get(reverse("review-agreement")).content.decode())


def test_a_reviewer_reads_of_themselves_and_a_manager_of_everybody(
    ada: User, ben: User, shirts: Category
) -> None:
    for user in (ada, ben):
        at_the_desk(user, shirts, suggested=shirts)

    row = '<th scope="row" class="break" data-label="Reviewer">ben</th>'
    assert row not in page(ada)
    assert row in page(factories.user(Role.MANAGER))
    assert "not enough yet" in page(ada)
    assert "Not enough photos yet to tell." in page(ada)


def test_the_page_is_empty_before_the_first_decision(ada: User) -> None:
    assert "No decisions yet" in page(ada)

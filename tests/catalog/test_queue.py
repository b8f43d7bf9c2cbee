"""What a reviewer sees next, and that no two see the same."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from catalog import lifecycle, queue
from catalog.models import (
    Category,
    LabelState,
    MachineState,
    ProductImage,
    ReviewSkip,
    Role,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def never_random(settings: Any) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.0


@pytest.fixture
def always_random(settings: Any) -> None:
    settings.REVIEW_RANDOM_SHARE = 1.0


def answered(confidence: float, *, drawn: bool = False, **columns: Any) -> ProductImage:
    return factories.image(
        stored=False,
        machine=MachineState.CLASSIFIED,
        confidence=confidence,
        drawn=drawn,
        **columns,
    )


def failed(**columns: Any) -> ProductImage:
    return factories.image(stored=False, machine=MachineState.FAILED, drawn=False, **columns)


def shown(user: User, count: int = 1) -> list[int]:
    return [image.pk for image in queue.next_images(user, count=count)]


def set_lease(image: ProductImage, **offset: float) -> None:
    until = timezone.now() + timedelta(**offset)
    ProductImage.objects.filter(pk=image.pk).update(review_lease_until=until)


def test_failed_photos_come_first_then_the_least_certain(ada: User, never_random: None) -> None:
    sure, unsure, twin = answered(0.9), answered(0.3), answered(0.3)
    without_answer = failed()

    assert shown(ada, 4) == [without_answer.pk, unsure.pk, twin.pk, sure.pk]


def test_only_answered_unlabelled_present_photos_are_shown(ada: User) -> None:
    factories.image(stored=False)
    factories.image(
        stored=False, machine=MachineState.CLASSIFYING, owner="w1", lease_until=timezone.now()
    )
    category = factories.category()
    answered(0.5, label_state=LabelState.CONFIRMED, label=category)
    answered(0.5, label_state=LabelState.UNUSABLE, unusable_reason="blurred")
    lifecycle.withdraw(answered(0.5), by=ada)

    assert shown(ada, 10) == []
    assert queue.waiting() == 0


def test_a_photo_under_dispute_comes_first(ada: User, never_random: None) -> None:
    failed()
    category = factories.category()
    disputed = answered(0.9, label_state=LabelState.CONFIRMED, label=category, disputed=True)

    assert shown(ada) == [disputed.pk]


def test_the_random_share_is_served_oldest_first_whatever_the_confidence(
    ada: User, always_random: None
) -> None:
    drawn = [answered(c, drawn=True) for c in (0.9, 0.1, 0.5)]
    unsure = answered(0.2)

    assert shown(ada, 4) == [*(i.pk for i in drawn), unsure.pk]


def test_without_random_photos_left_the_uncertain_ones_follow(
    ada: User, always_random: None
) -> None:
    unsure = answered(0.2)

    assert shown(ada) == [unsure.pk]


def test_random_photos_follow_when_no_others_are_left(ada: User, never_random: None) -> None:
    drawn = answered(0.2, drawn=True)

    assert shown(ada) == [drawn.pk]


def test_about_one_in_ten_shown_is_from_the_random_share(
    ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.1
    dice = random.Random(3)
    monkeypatch.setattr(queue, "SystemRandom", lambda: dice)
    for n in range(80):
        answered(0.5, drawn=n % 2 == 0)

    drawn = ProductImage.objects.filter(pk__in=shown(ada, 40), drawn=True).count()

    assert 1 <= drawn <= 9


def test_about_one_photo_in_ten_is_drawn_on_arrival(settings: Any) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.1
    field = ProductImage._meta.get_field("drawn")

    drawn = sum(bool(field.get_default()) for _ in range(4000))

    assert 300 < drawn < 500  # 400 expected, standard deviation 19


def test_an_image_on_one_screen_stays_off_the_others(ada: User, ben: User) -> None:
    first, second = answered(0.1), answered(0.2)

    assert shown(ada) == [first.pk]
    assert shown(ben) == [second.pk]
    assert shown(ben, 5) == [second.pk]


def test_a_reviewer_gets_back_what_is_on_their_screen(ada: User) -> None:
    answered(0.2)
    held = answered(0.1)

    assert shown(ada) == [held.pk]
    answered(0.01)
    assert shown(ada) == [held.pk]


def test_images_the_page_holds_are_not_sent_again(ada: User, never_random: None) -> None:
    first, second, third = answered(0.1), answered(0.2), answered(0.3)
    held = shown(ada, 2)

    more = queue.next_images(ada, count=2, exclude=held)

    assert held == [first.pk, second.pk]
    assert [i.pk for i in more] == [third.pk]


def test_an_expired_lease_returns_the_image_to_all(ada: User, ben: User) -> None:
    image = answered(0.1)
    shown(ada)

    set_lease(image, minutes=1)
    while_leased = shown(ben)
    set_lease(image, seconds=-1)

    assert while_leased == []
    assert shown(ben) == [image.pk]
    assert shown(ada) == []


def test_a_skipped_photo_goes_to_others_at_once_and_returns_later(ada: User, ben: User) -> None:
    image = answered(0.1)
    shown(ada)

    queue.skip(ada, image)
    for_ada, for_ben = shown(ada), shown(ben)
    queue.release(ben, [image.pk])
    ReviewSkip.objects.update(at=timezone.now() - queue.SKIP_RETURNS_AFTER)

    assert for_ada == []
    assert for_ben == [image.pk]
    assert shown(ada) == [image.pk]


def test_skipping_twice_is_one_skip(ada: User) -> None:
    image = answered(0.1)

    queue.skip(ada, image)
    queue.skip(ada, image)

    assert ReviewSkip.objects.count() == 1


def test_only_the_holder_can_release(ada: User, ben: User) -> None:
    image = answered(0.1)
    shown(ada)

    assert queue.release(ben, [image.pk]) == 0
    assert queue.release(ada, [image.pk]) == 1
    assert shown(ben) == [image.pk]


def test_a_named_image_can_be_leased_unless_another_holds_it(ada: User, ben: User) -> None:
    image = answered(0.1)

    assert queue.lease(ada, image)
    assert queue.lease(ada, image)
    assert not queue.lease(ben, image)


def test_waiting_counts_all_parts_of_the_queue_once(ada: User) -> None:
    category = factories.category()
    answered(0.1)
    answered(0.2, drawn=True)
    failed()
    failed(reviewer=ada, review_lease_until=timezone.now())
    answered(0.9, label_state=LabelState.CONFIRMED, label=category, disputed=True)
    answered(0.9, label_state=LabelState.CONFIRMED, label=category)
    factories.image(stored=False, drawn=True)

    assert queue.waiting() == ProductImage.objects.in_review().count() == 5


def reviewed(category: Category, by: User, gate: threading.Barrier) -> list[int]:
    """Everything `by` got to see, three at a time."""
    seen: list[int] = []
    try:
        gate.wait(10)
        while images := queue.next_images(by, count=3):
            for image in images:
                lifecycle.decide_category(image, category, by=by, revision=image.revision)
                seen.append(image.pk)
    finally:
        connection.close()
    return seen


@pytest.mark.django_db(transaction=True)
def test_reviewers_at_work_at_once_never_see_the_same_photo() -> None:
    category = factories.category()
    people = [factories.user(Role.REVIEWER) for _ in range(3)]
    for n in range(30):
        answered(n / 30, drawn=n % 5 == 0)
    gate = threading.Barrier(3)

    with ThreadPoolExecutor(3) as pool:
        seen = [
            pk for each in pool.map(lambda by: reviewed(category, by, gate), people) for pk in each
        ]

    assert len(seen) == len(set(seen)) == 30
    assert queue.waiting() == 0

"""Many photos decided with one key, and taken back with one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog import desk, lifecycle, queue, training_set
from catalog.errors import NotAllowed, StaleImage
from catalog.models import Category, Decision, LabelState, Origin, ProductImage, Split, User
from tests import factories

pytestmark = pytest.mark.django_db


def suggested(category: Category, count: int, **more: Any) -> list[ProductImage]:
    return [factories.answered_image(category, stored=False, **more) for _ in range(count)]


def as_seen(images: list[ProductImage]) -> dict[int, int]:
    return {image.pk: image.revision for image in images}


def states(images: list[ProductImage]) -> list[str]:
    found = ProductImage.objects.in_bulk([image.pk for image in images])
    return [found[image.pk].label_state for image in images]


def test_a_page_of_photos_is_confirmed_and_taken_back_as_one(ada: User, shirts: Category) -> None:
    page, batch = suggested(shirts, 4), uuid4()

    outcome = lifecycle.decide_many(as_seen(page), shirts, by=ada, batch=batch, origin=Origin.GRID)
    assert [decision.image_id for decision in outcome.decisions] == [image.pk for image in page]
    assert states(page) == [LabelState.CONFIRMED] * 4

    taken = desk.take_back(ada)

    assert (taken.image, taken.count, taken.refused) == (page[0], 4, 0)
    assert states(page) == [LabelState.UNLABELLED] * 4


def test_one_photo_that_changed_does_not_stop_the_others(
    ada: User, ben: User, shirts: Category
) -> None:
    changed, leased, withdrawn, last = page = suggested(shirts, 4)
    seen = as_seen(page)
    lifecycle.decide_none_of_these(changed, by=ben, revision=0)
    queue.lease(ben, leased)
    lifecycle.withdraw(withdrawn, by=ben)

    outcome = lifecycle.decide_many(seen, shirts, by=ada, batch=uuid4(), origin=Origin.GRID)

    assert [decision.image_id for decision in outcome.decisions] == [last.pk]
    assert {pk: str(error) for pk, error in outcome.refused.items()} == {
        changed.pk: "Nothing was saved: ben said that no category fits.",
        leased.pk: "Another reviewer has this photo on the screen now.",
        withdrawn.pk: "The merchant withdrew this photo.",
    }


def test_a_batch_sent_twice_is_saved_once_and_belongs_to_its_sender(
    ada: User, ben: User, shirts: Category
) -> None:
    page, batch = suggested(shirts, 2), uuid4()
    first, second = (
        lifecycle.decide_many(as_seen(page), shirts, by=ada, batch=batch) for _ in range(2)
    )

    assert first.decisions == second.decisions
    assert Decision.objects.count() == 2
    with pytest.raises(NotAllowed, match="belongs to somebody else"):
        lifecycle.decide_many(as_seen(page), shirts, by=ben, batch=batch)


def test_an_undo_sent_twice_takes_back_once(ada: User, shirts: Category) -> None:
    earlier = suggested(shirts, 1)
    page, batch, token = suggested(shirts, 3), uuid4(), uuid4()
    lifecycle.decide_category(earlier[0], shirts, by=ada, revision=0)
    lifecycle.decide_many(as_seen(page), shirts, by=ada, batch=batch)

    answers = [desk.take_back(ada, token=token) for _ in range(2)]

    assert [(taken.image, taken.count) for taken in answers] == [(page[0], 3)] * 2
    assert states(earlier) == [LabelState.CONFIRMED]


def test_what_somebody_changed_since_stands_when_the_batch_is_taken_back(
    ada: User, ben: User, shirts: Category
) -> None:
    page = suggested(shirts, 3)
    lifecycle.decide_many(as_seen(page), shirts, by=ada, batch=uuid4())
    lifecycle.decide_none_of_these(page[0], by=ben, revision=1)

    taken = desk.take_back(ada)

    assert (taken.image, taken.count, taken.refused) == (page[1], 2, 1)
    assert states(page) == [LabelState.NONE_OF_THESE, *[LabelState.UNLABELLED] * 2]


def test_a_category_that_cannot_be_chosen_refuses_the_whole_page(
    ada: User, shirts: Category
) -> None:
    page = suggested(shirts, 2)
    Category.objects.update(retired_at=timezone.now())

    with pytest.raises(NotAllowed, match="cannot be chosen"):
        lifecycle.decide_many(as_seen(page), shirts, by=ada, batch=uuid4())


def test_grid_decisions_never_enter_validation_or_test(ada: User, shirts: Category) -> None:
    page = suggested(shirts, 40, drawn=True)
    queue.next_images(ada, count=40)
    in_test = factories.image(stored=False, sku="T")
    lifecycle.import_label(in_test, shirts, split=Split.TEST)
    sibling = suggested(shirts, 1, drawn=True, merchant=in_test.merchant, sku="T")

    lifecycle.decide_many(
        as_seen([*page, *sibling]), shirts, by=ada, batch=uuid4(), origin=Origin.GRID
    )

    counts = training_set.build()
    assert set(Decision.objects.filter(by=ada).values_list("origin", flat=True)) == {Origin.GRID}
    assert {row.image_id for row in counts.rows} == {in_test.pk, *(image.pk for image in page)}
    assert [row.image_id for row in counts.rows if row.split != Split.TRAIN] == [in_test.pk]


def test_a_disputed_random_photo_that_the_grid_settles_leaves_the_test_photos(
    ada: User, shirts: Category
) -> None:
    (image,) = suggested(shirts, 1, drawn=True)
    queue.next_images(ada)
    lifecycle.decide_category(image, shirts, by=ada, revision=0)
    assert ProductImage.objects.get().label_origin == Origin.RANDOM

    lifecycle.decide_many({image.pk: 1}, shirts, by=ada, batch=uuid4(), origin=Origin.GRID)

    assert ProductImage.objects.get().label_origin == Origin.GRID
    desk.take_back(ada)
    assert ProductImage.objects.get().label_origin == Origin.RANDOM


def test_one_key_labels_every_open_photo_of_the_product(
    ada: User, ben: User, shirts: Category
) -> None:
    shop = factories.merchant()
    on_screen, open_one, checked, elsewhere = photos = suggested(
        shirts, 4, merchant=shop, sku="ABC", drawn=True
    )
    other_product = suggested(shirts, 1, merchant=shop)
    hats = factories.category("Hats")
    lifecycle.decide_none_of_these(checked, by=ben, revision=0)
    queue.lease(ben, elsewhere)
    queue.lease(ada, on_screen)

    outcome = lifecycle.decide_product(on_screen, hats, by=ada, revision=0, batch=uuid4())

    assert [d.image_id for d in outcome.decisions] == [on_screen.pk, open_one.pk]
    assert [d.origin for d in outcome.decisions] == [Origin.RANDOM, Origin.CHOSEN]
    assert list(outcome.refused) == [elsewhere.pk]
    assert states([checked, elsewhere, *other_product]) == ["none_of_these", *["unlabelled"] * 2]
    desk.take_back(ada)
    assert states(photos[:2]) == [LabelState.UNLABELLED] * 2


def test_a_product_is_not_labelled_from_a_stale_photo(
    ada: User, ben: User, shirts: Category
) -> None:
    on_screen, other = suggested(shirts, 2, merchant=factories.merchant(), sku="ABC")
    lifecycle.decide_none_of_these(on_screen, by=ben, revision=0)

    with pytest.raises(StaleImage, match="ben said that no category fits"):
        lifecycle.decide_product(on_screen, shirts, by=ada, revision=0, batch=uuid4())
    assert states([other]) == [LabelState.UNLABELLED]

"""Which labels count, and how a change of them is noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from catalog import lifecycle, training_set
from catalog.models import (
    Category,
    LabelState,
    ProductImage,
    Role,
    RunRow,
    RunState,
    Split,
    UnusableReason,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return factories.user(Role.REVIEWER)


def imported(category: Category, split: Split = Split.TRAIN) -> ProductImage:
    image = factories.image(stored=False)
    lifecycle.import_label(image, category, split=split)
    return ProductImage.objects.get(pk=image.pk)


def counted() -> list[int]:
    return [row.image_id for row in training_set.build().rows]


def test_a_persons_label_counts_with_its_split_and_file(shirts: Category) -> None:
    image = imported(shirts, Split.VALIDATION)

    (row,) = training_set.build().rows

    assert (row.image_id, row.file, row.sha256) == (image.pk, image.file, image.sha256)
    assert (row.category_id, row.slug, row.split) == (shirts.pk, "shirts", Split.VALIDATION)


def test_a_guess_of_the_machine_never_counts(shirts: Category) -> None:
    factories.answered_image(shirts, 0.99, stored=False)

    assert counted() == []


def unusable(image: ProductImage, by: User) -> None:
    lifecycle.decide_unusable(image, UnusableReason.BLURRED, by=by, revision=image.revision)


def none_fits(image: ProductImage, by: User) -> None:
    lifecycle.decide_none_of_these(image, by=by, revision=image.revision)


def undone(image: ProductImage, by: User) -> None:
    lifecycle.undo(image.decisions.latest("id"), by=by)


def disputed(image: ProductImage, by: User) -> None:
    sibling = factories.image(merchant=image.merchant, sku=image.product.sku, stored=False)
    lifecycle.decide_category(sibling, factories.category(), by=by, revision=0)


def withdrawn(image: ProductImage, by: User) -> None:
    lifecycle.withdraw(image, by=by)


def bridging(image: ProductImage, by: User) -> None:
    ProductImage.objects.filter(pk=image.pk).update(split_conflict=True)


def retired(image: ProductImage, by: User) -> None:
    Category.objects.update(retired_at=timezone.now())


def divided(image: ProductImage, by: User) -> None:
    assert image.label is not None
    factories.category("Polo", parent=image.label)


@pytest.mark.parametrize(
    "happening",
    [unusable, none_fits, undone, disputed, withdrawn, bridging, retired, divided],
    ids=lambda h: h.__name__,
)
def test_a_label_stops_counting_when_it_is(
    shirts: Category, ada: User, happening: Callable[[ProductImage, User], None]
) -> None:
    image = imported(shirts)
    assert counted() == [image.pk]

    happening(image, ada)

    assert counted() == []


def test_a_restored_category_brings_its_labels_back(shirts: Category) -> None:
    image = imported(shirts)
    Category.objects.update(retired_at=timezone.now())
    assert counted() == []

    Category.objects.update(retired_at=None)

    assert counted() == [image.pk]


def test_a_category_is_usable_with_five_training_labels(shirts: Category) -> None:
    shoes = factories.category("Shoes")
    for _ in range(5):
        imported(shirts)
        imported(shoes, Split.TEST)
    for _ in range(4):
        imported(shoes)

    found = training_set.build()

    assert found.usable() == ["shirts"]
    assert found.counts() == {"shirts": 5, "shoes": 4}
    assert found.counts(Split.TEST) == {"shoes": 5}
    assert len(found.of(Split.TEST)) == 5


def test_the_fingerprint_tells_every_change_and_nothing_else(shirts: Category, ada: User) -> None:
    image, other = imported(shirts), imported(shirts)
    shoes = factories.category("Shoes")
    first = training_set.build().fingerprint

    unlabelled = factories.answered_image(shirts, stored=False)
    assert training_set.build().fingerprint == first
    lifecycle.decide_category(unlabelled, shirts, by=ada, revision=0)
    grown = training_set.build().fingerprint
    lifecycle.decide_category(image, shoes, by=ada, revision=1)
    edited = training_set.build().fingerprint
    lifecycle.withdraw(other, by=ada)
    shrunk = training_set.build().fingerprint

    assert len({first, grown, edited, shrunk}) == 4


def test_undoing_back_to_the_same_labels_is_the_same_training_set(
    shirts: Category, ada: User
) -> None:
    image = imported(shirts)
    before = training_set.build().fingerprint

    shoes = factories.category("Shoes")
    decision = lifecycle.decide_category(image, shoes, by=ada, revision=1)
    lifecycle.undo(decision, by=ada)

    assert training_set.build().fingerprint == before


def test_changed_labels_are_counted_per_image_since_a_run_read_them(
    shirts: Category, ada: User
) -> None:
    shoes = factories.category("Shoes")
    image, other = imported(shirts), imported(shirts)
    run = factories.run(last_decision=training_set.build().last_decision)
    assert training_set.changed_since(None) == 2
    assert training_set.changed_since(run) == 0

    decision = lifecycle.decide_category(image, shoes, by=ada, revision=1)
    lifecycle.undo(decision, by=ada)
    lifecycle.decide_category(other, shoes, by=ada, revision=1)

    assert training_set.changed_since(run) == 2


def test_a_run_keeps_what_it_saw_whatever_happens_later(shirts: Category, ada: User) -> None:
    image, run = imported(shirts, Split.TEST), factories.run()
    rows = training_set.build().rows
    training_set.record(run, rows)
    training_set.record(run, rows)

    lifecycle.decide_category(image, factories.category(), by=ada, revision=1)
    lifecycle.withdraw(image, by=ada)

    kept = RunRow.objects.get(run=run)
    assert (kept.image, kept.sha256, kept.label, kept.split) == (
        image,
        image.sha256,
        shirts,
        Split.TEST,
    )


def test_labels_are_those_states_that_carry_a_category(shirts: Category) -> None:
    image = imported(shirts)

    assert image.label_state == LabelState.CONFIRMED
    assert list(ProductImage.objects.labelled()) == [image]


def test_an_earlier_run_covers_a_later_one_that_learns_the_same_photos() -> None:
    hats, caps, shoes = (factories.category(name) for name in ("Hats", "Caps", "Shoes"))
    first, again, later = (factories.run(state=RunState.SUCCEEDED) for _ in range(3))
    images = [imported(hats), imported(hats), imported(shoes)]
    training_set.record(first, training_set.build().rows)
    training_set.record(again, training_set.build().rows)
    known = ["hats", "shoes"]

    assert training_set.is_covered(again, known, by=first)
    assert not training_set.is_covered(again, known, by=None)

    imported(caps)
    imported(hats, Split.TEST)
    lifecycle.withdraw(images[0], by=factories.user(Role.MANAGER))
    training_set.record(later, training_set.build().rows)
    assert training_set.is_covered(later, known, by=first)
    assert not training_set.is_covered(later, [*known, "caps"], by=first)

    lifecycle.import_label(images[1], shoes, split=Split.TRAIN)
    training_set.record(later, training_set.build().rows)
    assert not training_set.is_covered(later, known, by=first)


def test_a_photo_that_was_learned_as_another_category_is_not_covered() -> None:
    """As where a merge is undone, or a few photos are parted from a category that is known."""
    hats, caps = factories.category("Hats"), factories.category("Caps")
    first, later = (factories.run(state=RunState.SUCCEEDED) for _ in range(2))
    images = [imported(hats), imported(hats)]
    training_set.record(first, training_set.build().rows)

    lifecycle.import_label(images[1], caps, split=Split.TRAIN)
    training_set.record(later, training_set.build().rows)

    assert not training_set.is_covered(later, ["hats"], by=first)

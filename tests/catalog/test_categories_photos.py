"""A category's photos: where they go when it becomes a group, and which explain it."""

from __future__ import annotations

import pytest

from catalog import categories, category_photos, lifecycle, queue
from catalog.categories import PhotosTo
from catalog.errors import CategoryRule
from catalog.models import Category, Decision, LabelState, Reclassification, Role, User

from .. import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


def test_a_leaf_with_photos_gains_no_child_before_they_have_a_place(
    manager: User, shoes: Category
) -> None:
    factories.labelled_image(shoes)

    with pytest.raises(
        CategoryRule, match="Say where the 1 checked photo of “Shoes” should go"
    ) as why:
        categories.add(shoes, "Boots", by=manager)

    assert why.value.field == "photos_to"
    assert Category.objects.count() == 1


def test_the_photos_of_a_leaf_can_go_to_its_new_child(manager: User, shoes: Category) -> None:
    images = [factories.labelled_image(shoes) for _ in range(3)]

    changed = categories.add(shoes, "Boots", by=manager, photos_to=PhotosTo(child_name="Boots"))

    assert changed.moved == category_photos.Moved(changed.category, photos=3, left=0)
    for image in images:
        image.refresh_from_db()
        assert image.label == changed.category


def test_the_photos_of_a_leaf_can_go_to_a_child_made_for_them(
    manager: User, shoes: Category
) -> None:
    image = factories.labelled_image(shoes)

    categories.add(shoes, "Boots", by=manager, photos_to=PhotosTo(child_name="Other"))

    image.refresh_from_db()
    assert str(image.label) == "Shoes › Other"
    assert [str(leaf) for leaf in Category.objects.leaves()] == ["Shoes › Boots", "Shoes › Other"]


def test_the_photos_of_a_leaf_can_go_to_another_leaf(manager: User, shoes: Category) -> None:
    hats, image = factories.category("Hats"), factories.labelled_image(shoes)

    categories.add(shoes, "Boots", by=manager, photos_to=PhotosTo(leaf=hats))

    image.refresh_from_db()
    assert image.label == hats


def test_photos_cannot_stay_in_the_category_that_becomes_a_group(
    manager: User, shoes: Category
) -> None:
    factories.labelled_image(shoes)

    with pytest.raises(CategoryRule, match="choose another"):
        categories.add(shoes, "Boots", by=manager, photos_to=PhotosTo(leaf=shoes))
    assert Category.objects.count() == 1


def test_each_moved_photo_keeps_its_origin_and_can_be_undone(
    manager: User, shoes: Category
) -> None:
    image = factories.labelled_image(shoes)
    origin = image.label_origin
    categories.add(shoes, "Boots", by=manager, photos_to=PhotosTo(child_name="Boots"))

    decision = Decision.objects.get(image=image, by=manager)
    image.refresh_from_db()
    assert image.label_origin == origin
    lifecycle.undo(decision, by=manager)
    image.refresh_from_db()
    assert image.label == shoes


def test_a_large_leaf_is_moved_in_parts(manager: User, shoes: Category) -> None:
    boots = factories.category("Boots")
    for _ in range(3):
        factories.labelled_image(shoes)

    assert category_photos.move(shoes, boots, by=manager, limit=2).left == 1
    assert category_photos.move(shoes, boots, by=manager, limit=2).left == 0


def test_a_photo_on_a_reviewers_screen_is_moved_later(manager: User, shoes: Category) -> None:
    boots, image = factories.category("Boots"), factories.labelled_image(shoes)
    queue.lease(factories.user(Role.REVIEWER), image)

    moved = category_photos.move(shoes, boots, by=manager)

    assert (moved.photos, moved.left) == (0, 1)


def test_unchecked_photos_of_a_new_group_are_suggested_again(
    manager: User, shoes: Category
) -> None:
    factories.answered_image(shoes)

    categories.add(shoes, "Boots", by=manager)

    assert Reclassification.objects.get().category == shoes


def test_restoring_the_child_of_a_used_leaf_asks_where_its_photos_go(manager: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    fashion = Category.objects.get(slug="fashion")
    categories.retire(shirts, by=manager)
    image = factories.labelled_image(fashion)

    with pytest.raises(CategoryRule, match="Say where"):
        categories.restore(shirts, by=manager)
    categories.restore(shirts, by=manager, photos_to=PhotosTo(child_name="Shirts"))

    image.refresh_from_db()
    assert image.label == shirts


def test_examples_are_photos_of_the_category_in_the_order_chosen(shoes: Category) -> None:
    images = [factories.labelled_image(shoes) for _ in range(3)]
    ids = [images[2].pk, images[0].pk]

    category_photos.choose_examples(shoes, ids)

    assert [e.image_id for e in category_photos.chosen_examples([shoes.pk])] == ids


def test_four_examples_are_refused(shoes: Category) -> None:
    ids = [factories.labelled_image(shoes).pk for _ in range(4)]

    with pytest.raises(CategoryRule, match="at most 3"):
        category_photos.choose_examples(shoes, ids)


def test_a_photo_of_another_category_is_no_example(shoes: Category) -> None:
    other = factories.labelled_image(factories.category("Hats"))

    with pytest.raises(CategoryRule, match="“Shoes”"):
        category_photos.choose_examples(shoes, [other.pk])


def test_an_example_that_was_relabelled_or_withdrawn_is_shown_no_longer(
    manager: User, shoes: Category
) -> None:
    moved, withdrawn = (factories.labelled_image(shoes) for _ in range(2))
    category_photos.choose_examples(shoes, [moved.pk, withdrawn.pk])

    lifecycle.decide_category(moved, factories.category("Hats"), by=manager, revision=1)
    lifecycle.withdraw(withdrawn, by=manager)

    assert not category_photos.chosen_examples([shoes.pk])


def test_counts_are_of_checked_photos_only(shoes: Category) -> None:
    factories.labelled_image(shoes)
    factories.answered_image(shoes)
    unusable = factories.image()
    assert unusable.label_state == LabelState.UNLABELLED

    assert category_photos.counts() == {shoes.pk: 1}

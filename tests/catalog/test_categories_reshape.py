"""Categories move, split, retire and come back: photos follow, each change can be undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import carrying, categories, desk, lifecycle, queue, reshaping
from catalog.categories import PhotosTo
from catalog.errors import CategoryRule
from catalog.history import of as history_of
from catalog.models import Category, CategoryChange, LabelState, ProductImage, Role, User
from catalog.reshaping import PhotosGo

from .. import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


def again(image: ProductImage) -> ProductImage:
    return ProductImage.objects.select_related("label").get(pk=image.pk)


def latest() -> CategoryChange:
    return CategoryChange.objects.latest("id")


def test_a_moved_category_takes_what_stands_below_it_along(manager: User, shoes: Category) -> None:
    fashion = factories.category("Fashion")
    factories.category("Boots", shoes)

    reshaping.move(shoes, fashion, by=manager)
    assert Category.objects.get(slug="shoes-boots").path == "Fashion › Shoes › Boots"

    reshaping.undo(latest(), by=manager)
    assert Category.objects.get(slug="shoes-boots").path == "Shoes › Boots"
    assert Category.objects.get(pk=shoes.pk).parent is None


def test_moving_below_itself_or_to_where_it_stands_is_refused(
    manager: User, shoes: Category
) -> None:
    boots = factories.category("Boots", shoes)

    with pytest.raises(CategoryRule, match="below “Shoes” itself"):
        reshaping.move(shoes, boots, by=manager)
    with pytest.raises(CategoryRule, match="at the top already"):
        reshaping.move(shoes, None, by=manager)


def test_moving_below_a_leaf_with_photos_asks_where_those_go(
    manager: User, shoes: Category
) -> None:
    fashion = factories.category("Fashion")
    image = factories.labelled_image(fashion)

    with pytest.raises(CategoryRule, match="1 checked photo of “Fashion”"):
        reshaping.move(shoes, fashion, by=manager)
    reshaping.move(shoes, fashion, by=manager, photos_to=PhotosTo(child_name="Other"))

    assert str(again(image).label) == "Fashion › Other"


def test_a_group_that_is_moved_below_a_leaf_cannot_take_its_photos(
    client: Client, manager: User
) -> None:
    client.force_login(manager)
    garden, tools = factories.category("Garden"), factories.category("Tools")
    spades = factories.category("Spades", tools)
    image = factories.labelled_image(garden)

    with pytest.raises(CategoryRule, match="“Garden › Tools” cannot take photos") as refused:
        reshaping.move(tools, garden, by=manager, photos_to=PhotosTo(child_name="Tools"))

    assert refused.value.field == "photos_to"
    assert set(Category.objects.leaves()) == {garden, spades}
    assert again(image).label == garden
    for category, offered in ((tools, False), (spades, True)):
        page = client.get(reverse("category", args=[category.pk])).content.decode()
        assert ("The category that is moved there" in page) is offered


def test_a_group_that_is_restored_cannot_take_the_photos_of_its_parent(
    client: Client, manager: User, shoes: Category
) -> None:
    client.force_login(manager)
    boots = factories.category("Boots", shoes)
    factories.category("Winter", boots)
    categories.retire(boots, by=manager)
    image = factories.labelled_image(shoes)

    with pytest.raises(CategoryRule, match="“Shoes › Boots” cannot take photos"):
        categories.restore(boots, by=manager, photos_to=PhotosTo(child_name="Boots"))

    assert list(Category.objects.leaves()) == [shoes]
    assert again(image).label == shoes
    page = client.get(reverse("category", args=[boots.pk])).content.decode()
    assert "Say where this one goes" in page
    assert "The restored category" not in page


def test_splitting_a_leaf_with_photos_asks_where_those_go(manager: User, shoes: Category) -> None:
    factories.labelled_image(shoes)

    with pytest.raises(CategoryRule, match="Say where the 1 checked photo"):
        reshaping.split(shoes, ["Boots", "Sandals"], by=manager)

    assert not shoes.children.exists()


def test_the_photos_of_a_split_go_to_the_first_of_the_new_ones(
    manager: User, shoes: Category
) -> None:
    images = [factories.labelled_image(shoes) for _ in range(2)]

    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.FIRST)

    assert {str(again(i).label) for i in images} == {"Shoes › Boots"}
    assert change.words == (
        "Split “Shoes” into “Boots” and “Sandals”; 2 checked photos went to “Boots”."
    )


def test_the_photos_of_a_split_go_back_to_review(manager: User, shoes: Category) -> None:
    image = factories.labelled_image(shoes)

    reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.REVIEW)

    assert again(image).label_state == LabelState.UNLABELLED
    assert queue.waiting() == 1
    assert history_of(image, reader=manager)[0].what == "Sent back to review"


@pytest.mark.parametrize("photos_to", PhotosGo)
def test_undoing_a_split_brings_every_photo_back(
    photos_to: PhotosGo, manager: User, shoes: Category
) -> None:
    images = [factories.labelled_image(shoes) for _ in range(2)]
    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=photos_to)

    reshaping.undo(change, by=manager)

    assert {again(i).label for i in images} == {shoes}
    assert list(Category.objects.leaves()) == [shoes]


def test_a_split_is_not_undone_once_people_used_it(manager: User, shoes: Category) -> None:
    image = factories.labelled_image(shoes)
    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.REVIEW)
    lifecycle.decide_category(
        again(image), Category.objects.get(name="Boots"), by=manager, revision=2
    )

    with pytest.raises(CategoryRule, match="got 1 checked photo below it since"):
        reshaping.undo(change, by=manager)


def test_a_photo_on_a_reviewers_screen_follows_a_split_later(
    manager: User, shoes: Category
) -> None:
    image = factories.labelled_image(shoes)
    rows = ProductImage.objects.filter(pk=image.pk)
    rows.update(
        reviewer=factories.user(Role.REVIEWER),
        review_lease_until=timezone.now() + timedelta(minutes=1),
    )

    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.FIRST)
    assert again(image).label == shoes
    assert not change.is_settled

    rows.update(review_lease_until=timezone.now() - timedelta(minutes=1))
    carrying.carry_on()

    assert str(again(image).label) == "Shoes › Boots"
    assert latest().is_settled


@pytest.mark.parametrize("photos_to", PhotosGo)
def test_a_photo_on_a_reviewers_screen_comes_back_later_when_a_split_is_undone(
    photos_to: PhotosGo, manager: User, rita: User, shoes: Category
) -> None:
    image = factories.labelled_image(shoes)
    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=photos_to)
    queue.lease(rita, again(image))

    undone = reshaping.undo(change, by=manager)
    assert not undone.is_settled

    queue.release(rita, [image.pk])
    carrying.carry_on()

    assert again(image).label == shoes
    assert latest().is_settled


def test_a_sweep_that_began_before_an_undo_does_not_end_it(
    manager: User, rita: User, shoes: Category
) -> None:
    waiting, carried = factories.labelled_image(shoes), factories.labelled_image(shoes)
    queue.lease(rita, again(waiting))
    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.FIRST)
    queue.lease(rita, again(carried))
    seen_before = latest()
    reshaping.undo(change, by=manager)

    queue.release(rita, [waiting.pk])
    assert not carrying.carry(seen_before)
    queue.release(rita, [carried.pk])
    carrying.carry_on()

    assert again(waiting).label == again(carried).label == shoes
    assert latest().is_settled


def test_a_sweep_that_began_before_an_undo_sends_nothing_back_to_review(
    manager: User, rita: User, shoes: Category
) -> None:
    image = factories.labelled_image(shoes)
    queue.lease(rita, again(image))
    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.REVIEW)
    seen_before = latest()
    queue.release(rita, [image.pk])
    reshaping.undo(change, by=manager)

    carrying.carry(seen_before)

    assert again(image).label == shoes


def test_what_a_reviewer_decides_while_a_split_is_undone_stays(
    manager: User, rita: User, shoes: Category, hats: Category
) -> None:
    image = factories.labelled_image(shoes)
    change = reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.REVIEW)
    queue.lease(rita, again(image))
    reshaping.undo(change, by=manager)

    lifecycle.decide_category(image, hats, by=rita, revision=again(image).revision)
    carrying.carry_on()

    assert again(image).label == hats
    assert latest().is_settled


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Boots"], "at least two"),
        (["Boots", "boots"], "the same"),
        (["Boots", ""], "needs a name"),
        ([f"N{n}" for n in range(21)], "at most 20"),
    ],
)
def test_a_split_needs_names_that_differ(
    names: list[str], sentence: str, manager: User, shoes: Category
) -> None:
    with pytest.raises(CategoryRule, match=sentence):
        reshaping.split(shoes, names, by=manager)


def test_retiring_renaming_describing_and_adding_are_undone(manager: User) -> None:
    hats = categories.add(None, "Hats", by=manager).category
    added = latest()
    categories.describe(hats, guidance="No helmets.", code="H", by=manager)
    described = latest()
    categories.rename(hats, "Caps", by=manager)
    renamed = latest()
    categories.retire(hats, by=manager)

    reshaping.undo(latest(), by=manager)
    hats.refresh_from_db()
    assert hats.is_active

    reshaping.undo(renamed, by=manager)
    reshaping.undo(described, by=manager)
    hats.refresh_from_db()
    assert (hats.name, hats.guidance, hats.code) == ("Hats", "", "")

    reshaping.undo(added, by=manager)
    hats.refresh_from_db()
    assert not hats.is_active


def test_an_added_category_stays_once_there_are_photos_below_it(manager: User) -> None:
    bags = categories.add(None, "Bags", by=manager).category
    added = latest()
    totes = categories.add(bags, "Totes", by=manager).category
    image = factories.labelled_image(totes)

    with pytest.raises(CategoryRule, match="“Bags” has 1 checked photo by now"):
        reshaping.undo(added, by=manager)
    assert list(Category.objects.leaves()) == [totes]

    lifecycle.decide_category(image, factories.category("Hats"), by=manager, revision=1)
    reshaping.undo(added, by=manager)
    assert [leaf.name for leaf in Category.objects.leaves()] == ["Hats"]


def test_the_older_of_two_renamings_is_undone_after_the_newer(
    manager: User, shoes: Category
) -> None:
    categories.rename(shoes, "Footwear", by=manager)
    first = latest()
    categories.rename(shoes, "Foot", by=manager)

    with pytest.raises(CategoryRule, match="came after it first: Renamed “Footwear” to “Foot”"):
        reshaping.undo(first, by=manager)


def test_the_page_moves_splits_and_lists_changes_with_who_made_them(
    client: Client, shoes: Category
) -> None:
    client.force_login(factories.user(Role.MANAGER, name="mira"))
    fashion = factories.category("Fashion")

    client.post(reverse("category-place", args=[shoes.pk]), {"parent": fashion.pk})
    refused = client.post(reverse("category-split", args=[shoes.pk]), {"names": "Boots"})
    client.post(reverse("category-split", args=[shoes.pk]), {"names": "Boots\n\n Sandals "})

    assert "Name at least two categories" in refused.content.decode()
    text = client.get(reverse("categories")).content.decode()
    assert "Moved “Shoes” to “Fashion › Shoes”." in text
    assert "Split “Fashion › Shoes” into “Boots” and “Sandals”." in text
    assert "mira" in text


def test_a_reviewer_reads_changes_and_gets_no_undo(client: Client, manager: User) -> None:
    categories.add(None, "Hats", by=manager)
    client.force_login(factories.user(Role.REVIEWER))

    text = client.get(reverse("categories")).content.decode()

    assert "Added “Hats”." in text
    assert "Undo" not in text


def test_counts_tell_checked_waiting_and_test_photos(client: Client, shoes: Category) -> None:
    client.force_login(factories.user(Role.MANAGER))
    factories.answered_image(shoes)
    tested = factories.labelled_image(shoes)
    ProductImage.objects.filter(pk=tested.pk).update(label_origin="random")
    tested.product.split = "test"
    tested.product.save()

    page = client.get(reverse("category", args=[shoes.pk]))

    facts = page.context["facts"]
    assert (facts.labelled, facts.suggested, facts.tested) == (1, 1, 1)
    assert "1 to check" in page.content.decode()


def test_undo_at_the_desk_takes_back_what_was_decided_there_and_no_split(
    manager: User, shoes: Category
) -> None:
    decided = factories.labelled_image(factories.category("Hats"), manager)
    factories.labelled_image(shoes)
    reshaping.split(shoes, ["Boots", "Sandals"], by=manager, photos_to=PhotosGo.FIRST)

    taken = desk.take_back(manager)

    assert taken.image == decided

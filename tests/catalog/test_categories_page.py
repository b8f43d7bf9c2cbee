"""The categories page: staff read it, managers change the tree on it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from catalog import categories
from catalog.models import Category, CategoryExample, Role

from .. import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.user(Role.MANAGER))
    return client


def post(client: Client, view: str, category: Category | None = None, **fields: object) -> int:
    args = [category.pk] if category else []
    return client.post(reverse(view, args=args), fields).status_code


def page(client: Client, category: Category | None = None) -> str:
    address = reverse("category", args=[category.pk]) if category else reverse("categories")
    return client.get(address).content.decode()


def test_an_empty_tree_says_what_to_do(manager: Client) -> None:
    assert "No categories yet" in page(manager)


def test_a_manager_adds_a_category_and_reads_it_in_the_tree(manager: Client) -> None:
    assert post(manager, "category-add", name="Hats", guidance="No helmets.", code="H-1") == 302

    text = page(manager, Category.objects.get(slug="hats"))
    assert "No helmets." in text
    assert "H-1" in text


def test_a_category_added_below_another_stands_in_its_path(manager: Client) -> None:
    fashion = factories.category("Fashion")

    post(manager, "category-add", name="Shirts", parent=fashion.pk)

    assert Category.objects.get(slug="fashion-shirts").path == "Fashion › Shirts"


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [("Hats", "", "There is a category “Hats” already."), ("Caps", "H", "belongs to “Hats”")],
)
def test_what_is_wrong_stands_beside_its_field(
    name: str, code: str, sentence: str, manager: Client
) -> None:
    factories.category("Hats", code="H")

    response = manager.post(reverse("category-add"), {"name": name, "code": code})

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert response.context["add"].errors.keys() == {"code" if code else "name"}


def test_adding_below_a_used_leaf_asks_where_its_photos_go(manager: Client) -> None:
    shoes = factories.category("Shoes")
    image = factories.labelled_image(shoes)
    assert "Say where its 1 checked photo goes" in page(manager, shoes)

    assert post(manager, "category-add", name="Boots", parent=shoes.pk) == 422
    fields = {"name": "Boots", "parent": shoes.pk, "photos_to": "other"}
    assert post(manager, "category-add", None, **fields) == 302

    image.refresh_from_db()
    assert str(image.label) == "Shoes › Other"


def test_a_category_is_renamed_described_retired_and_restored(manager: Client) -> None:
    hats = factories.category("Hats")

    assert post(manager, "category-rename", hats, name="Caps") == 302
    assert post(manager, "category-guidance", hats, guidance="With a brim.", code="C") == 302
    assert post(manager, "category-retire", hats) == 302
    hats.refresh_from_db()
    assert (hats.name, hats.guidance, hats.code, hats.is_active) == (
        "Caps",
        "With a brim.",
        "C",
        False,
    )
    assert "Retired" in page(manager, hats)
    assert post(manager, "category-restore", hats) == 302
    hats.refresh_from_db()
    assert hats.is_active


def test_photos_left_in_a_group_can_be_moved_on(manager: Client) -> None:
    shoes = factories.category("Shoes")
    image = factories.labelled_image(shoes)
    boots = factories.category("Boots", parent=shoes)
    assert "1 photo still to be moved" in page(manager, shoes)

    post(manager, "category-move", shoes, target=boots.pk)

    image.refresh_from_db()
    assert image.label == boots
    assert "still to be moved" not in page(manager, shoes)


def test_examples_are_picked_from_a_grid(manager: Client) -> None:
    shoes = factories.category("Shoes")
    ids = [factories.labelled_image(shoes).pk for _ in range(4)]
    address = reverse("category-examples", args=[shoes.pk])
    assert manager.get(address).content.decode().count('type="checkbox"') == 4

    assert manager.post(address, {"example": ids}).status_code == 422
    assert manager.post(address, {"example": ids[:2]}).status_code == 302

    assert CategoryExample.objects.filter(category=shoes).count() == 2


def test_a_photo_that_is_not_offered_cannot_be_an_example(manager: Client) -> None:
    shoes, other = factories.category("Shoes"), factories.labelled_image(factories.category())

    address = reverse("category-examples", args=[shoes.pk])
    assert manager.post(address, {"example": [other.pk]}).status_code == 422


def test_a_reviewer_reads_the_tree_and_finds_nothing_to_change(client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    hats = factories.category("Hats", guidance="No helmets.")

    text = page(client, hats)

    assert "No helmets." in text
    assert 'action="/categories/' not in text
    assert post(client, "category-rename", hats, name="Caps") == 403


def test_the_page_takes_as_many_queries_for_a_large_tree_as_for_a_small_one(
    manager: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for top in "ABCDE":
        for leaf in "VWXYZ":
            categories.ensure_path([top, leaf])

    with django_assert_max_num_queries(12):
        page(manager)

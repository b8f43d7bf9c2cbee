"""The category tree: its paths, its slugs, and what may be chosen."""

from __future__ import annotations

import pytest

from catalog import categories, lifecycle
from catalog.errors import CategoryRule, NotAllowed
from catalog.models import Category, Reclassification, Role, User

from .. import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


def add(name: str, by: User, parent: Category | None = None, code: str = "") -> Category:
    return categories.add(parent, name, by=by, code=code).category


def leaves() -> list[str]:
    return [category.path for category in Category.objects.leaves()]


def test_a_path_is_made_with_its_parents() -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])

    assert (shirts.slug, shirts.path) == ("fashion-shirts", "Fashion › Shirts")
    assert shirts.parent is not None
    assert shirts.parent.slug == "fashion"


def test_the_same_path_is_made_once_whatever_its_case_and_underscores() -> None:
    first = categories.ensure_path(["home", "bath_towels"])
    second = categories.ensure_path(["Home", "Bath Towels"])

    assert first == second
    assert first.path == "Home › Bath towels"
    assert Category.objects.count() == 2


def test_a_renamed_category_is_still_found_under_its_old_folder(manager: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    categories.rename(shirts, "Tops", by=manager)

    assert categories.ensure_path(["Fashion", "Shirts"]) == shirts
    assert categories.ensure_path(["Fashion", "Tops"]) == shirts


def test_a_name_without_latin_letters_gets_a_slug_that_stays_the_same() -> None:
    first = categories.ensure_path(["衣服"])

    assert first.slug
    assert categories.ensure_path(["衣服"]) == first
    assert categories.ensure_path(["鞋"]) != first


def test_an_overlong_path_of_names_gets_a_slug_that_fits_and_differs() -> None:
    first = categories.ensure_path(["a" * 70, "b" * 70])
    second = categories.ensure_path(["a" * 70, "b" * 69 + "c"])

    assert max(len(first.slug), len(second.slug)) <= 120
    assert first.slug != second.slug


def test_a_folder_of_a_retired_category_is_refused_with_its_name(manager: User) -> None:
    categories.retire(categories.ensure_path(["Hats"]), by=manager)

    with pytest.raises(CategoryRule, match="“Hats” is retired"):
        categories.ensure_path(["Hats"])


def test_a_folder_below_a_leaf_with_photos_is_refused(manager: User) -> None:
    factories.labelled_image(categories.ensure_path(["Shoes"]))

    with pytest.raises(CategoryRule, match="1 checked photo of its own"):
        categories.ensure_path(["Shoes", "Boots"])


def test_an_added_category_can_be_chosen_at_once(manager: User) -> None:
    hats = add("Hats", manager)
    image = factories.image()

    decision = lifecycle.decide_category(image, hats, by=manager, revision=0)

    assert decision.category == hats
    assert leaves() == ["Hats"]


def test_siblings_differ_in_name_whatever_the_case(manager: User) -> None:
    add("Hats", manager)

    with pytest.raises(CategoryRule, match="“Hats” already") as refused:
        add("  hats ", manager)
    assert refused.value.field == "name"


def test_equal_names_under_two_parents_get_slugs_of_their_own(manager: User) -> None:
    men, women = add("Men", manager), add("Women", manager)

    slugs = [add("Shoes", manager, parent).slug for parent in (men, women)]

    assert slugs == ["men-shoes", "women-shoes"]


def test_a_slug_that_is_taken_gets_a_number(manager: User) -> None:
    add("Men Shoes", manager)

    shoes = add("Shoes", manager, add("Men", manager))

    assert shoes.slug == "men-shoes-2"


def test_a_code_belongs_to_one_category(manager: User) -> None:
    add("Hats", manager, code="H-1")
    scarves = add("Scarves", manager)

    with pytest.raises(CategoryRule, match="H-1 belongs to “Hats”") as refused:
        categories.describe(scarves, guidance="", code="H-1", by=manager)
    assert refused.value.field == "code"


@pytest.mark.parametrize("name", ["", "   ", "A › B", "x" * 81])
def test_a_name_that_cannot_stand_in_a_path_is_refused(name: str, manager: User) -> None:
    with pytest.raises(CategoryRule) as refused:
        add(name, manager)
    assert refused.value.field == "name"


def test_renaming_changes_the_paths_below_and_no_slug(manager: User) -> None:
    boots = categories.ensure_path(["Fashion", "Shoes", "Boots"])
    fashion = Category.objects.get(slug="fashion")

    categories.rename(fashion, "Apparel", by=manager)

    boots.refresh_from_db()
    assert boots.path == "Apparel › Shoes › Boots"
    assert boots.slug == "fashion-shoes-boots"


def test_only_leaves_can_be_chosen(manager: User) -> None:
    categories.ensure_path(["Fashion", "Shirts"])
    image, fashion = factories.image(), Category.objects.get(slug="fashion")

    with pytest.raises(NotAllowed, match="categories below"):
        lifecycle.decide_category(image, fashion, by=manager, revision=0)


def test_a_retired_category_cannot_be_chosen_from_that_moment(manager: User) -> None:
    hats = add("Hats", manager)
    image = factories.image()

    categories.retire(hats, by=manager)

    with pytest.raises(NotAllowed, match="retired"):
        lifecycle.decide_category(image, hats, by=manager, revision=0)


def test_retiring_takes_all_below_along_and_keeps_labels(manager: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    categories.ensure_path(["Home", "Lamps"])
    image = factories.labelled_image(shirts)

    retired = categories.retire(Category.objects.get(slug="fashion"), by=manager)

    image.refresh_from_db()
    assert retired == 2
    assert leaves() == ["Home › Lamps"]
    assert image.label == shirts


def test_photos_suggested_as_a_retired_category_are_suggested_again(manager: User) -> None:
    hats = add("Hats", manager)
    factories.answered_image(hats)

    categories.retire(hats, by=manager)

    assert Reclassification.objects.get().category == hats


def test_restoring_brings_back_what_was_retired_in_the_same_moment(manager: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    belts = categories.ensure_path(["Fashion", "Belts"])
    fashion = Category.objects.get(slug="fashion")
    categories.retire(belts, by=manager)
    categories.retire(fashion, by=manager)

    categories.restore(fashion, by=manager)

    assert leaves() == [shirts.path]


def test_a_child_is_not_restored_before_its_parent(manager: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    categories.retire(Category.objects.get(slug="fashion"), by=manager)

    with pytest.raises(CategoryRule, match="Restore “Fashion” first"):
        categories.restore(shirts, by=manager)


def test_a_category_is_not_restored_beside_one_of_the_same_name(manager: User) -> None:
    old = add("Hats", manager)
    categories.retire(old, by=manager)
    add("Hats", manager)

    with pytest.raises(CategoryRule, match="already"):
        categories.restore(old, by=manager)


def test_retiring_the_last_child_makes_its_parent_a_leaf_again(manager: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])

    categories.retire(shirts, by=manager)

    assert leaves() == ["Fashion"]


def test_each_change_is_recorded_with_who_made_it(manager: User) -> None:
    hats = add("Hats", manager)
    categories.rename(hats, "Caps", by=manager)
    categories.describe(hats, guidance="No helmets.", code="C", by=manager)
    categories.retire(hats, by=manager)
    categories.restore(hats, by=manager)

    changes = hats.changes.order_by("pk")
    assert [change.words for change in changes] == [
        "Added “Hats”.",
        "Renamed “Hats” to “Caps”.",
        "Changed guidance or code of “Caps”.",
        "Retired “Caps”.",
        "Restored “Caps”.",
    ]
    assert {change.by for change in changes} == {manager}

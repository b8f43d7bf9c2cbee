"""Folders of different names are different categories, or are refused before anything is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management.base import CommandError

from catalog import categories, reshaping
from catalog.models import Category, LabelState, ProductImage, Role, User
from tests import factories

from .test_importing import import_images, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


def labels() -> dict[str, str]:
    """{file: the category a person gave it}"""
    images = ProductImage.objects.select_related("label").filter(label_state=LabelState.CONFIRMED)
    return {image.original_name: str(image.label) for image in images}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("男装 T-shirt", "女装 T-shirt"),
        ("Обувь 42", "Сумки 42"),
        ("C", "C++"),
        ("C#", "C++"),
        ("男装 A/Shoes", "女装 A/Shoes"),
    ],
)
def test_names_that_differ_in_letters_or_signs_are_two_categories(
    tmp_path: Path, one: str, other: str
) -> None:
    put(tmp_path / one / "a-1.jpg")
    put(tmp_path / other / "b-2.jpg")

    answer = import_images(tmp_path)

    found = labels()
    assert found == {"a-1.jpg": one.replace("/", " › "), "b-2.jpg": other.replace("/", " › ")}
    assert sorted(answer["categories"].values()) == [1, 1]
    assert import_images(tmp_path, "--dry-run")["categories"] == {}
    assert import_images(tmp_path)["duplicates"] == 2
    assert labels() == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kids (0-2)", "Kids 0-2"),
        ("men-shoes", "men/shoes"),
        ("Size 1.5/red", "Size 15/blue"),
    ],
)
def test_folders_that_would_become_one_category_are_refused_by_name(
    tmp_path: Path, one: str, other: str
) -> None:
    put(tmp_path / one / "a-1.jpg")
    put(tmp_path / other / "b-2.jpg")

    for more in ((), ("--dry-run",)):
        with pytest.raises(CommandError) as refused:
            import_images(tmp_path, *more)
        assert one.removesuffix("/red") in str(refused.value)
        assert other.removesuffix("/blue") in str(refused.value)
        assert "rename one of them" in str(refused.value)
    assert not Category.objects.exists()
    assert not ProductImage.objects.exists()
    assert import_images(tmp_path, "--unlabelled")["added"] == 2


def test_names_that_differ_in_case_and_underscores_are_one_category(tmp_path: Path) -> None:
    put(tmp_path / "Обувь 42" / "a-1.jpg")
    put(tmp_path / "обувь_42" / "b-2.jpg")

    import_images(tmp_path)

    assert set(labels().values()) == {"Обувь 42"}


def test_folders_that_people_merged_meet(tmp_path: Path, manager: User) -> None:
    caps, hats = (categories.ensure_path([name]) for name in ("Caps", "Hats"))
    reshaping.merge(caps, hats, by=manager)
    put(tmp_path / "Caps" / "a-1.jpg")
    put(tmp_path / "Hats" / "b-2.jpg")

    import_images(tmp_path)

    assert set(labels().values()) == {"Hats"}


# Categories from before names were told apart by what a slug leaves out


def old(name: str, slug: str, parent: Category | None = None) -> Category:
    path = f"{parent.path} › {name}" if parent else name
    return Category.objects.create(name=name, slug=slug, parent=parent, path=path)


def test_an_older_category_is_still_found_by_its_folder_and_by_no_other(tmp_path: Path) -> None:
    shirts = old("男装 T-shirt", "t-shirt")
    put(tmp_path / "男装 T-shirt" / "a-1.jpg")
    put(tmp_path / "女装 T-shirt" / "b-2.jpg")

    assert "t-shirt" in import_images(tmp_path, "--dry-run")["categories"]
    import_images(tmp_path)

    assert labels() == {"a-1.jpg": "男装 T-shirt", "b-2.jpg": "女装 T-shirt"}
    assert ProductImage.objects.get(original_name="a-1.jpg").label == shirts
    assert Category.objects.count() == 2


def test_an_older_category_is_found_though_renamed_moved_merged_and_below_another(
    manager: User,
) -> None:
    group = old("男装 A", "a")
    shoes = old("Shoes", "a-shoes", group)
    categories.rename(shoes, "Footwear", by=manager)
    categories.rename(group, "Men", by=manager)
    assert categories.ensure_path(["男装 A", "Shoes"]) == shoes
    assert categories.ensure_path(["女装 A", "Shoes"]) != shoes

    reshaping.move(shoes, None, by=manager)
    assert categories.ensure_path(["男装 A", "Shoes"]).pk == shoes.pk
    hats = categories.ensure_path(["Hats"])
    reshaping.merge(Category.objects.get(pk=shoes.pk), hats, by=manager)
    assert categories.ensure_path(["男装 A", "Shoes"]) == hats


def test_the_folder_of_an_older_category_and_one_named_like_its_slug_are_refused(
    tmp_path: Path,
) -> None:
    old("男装 T-shirt", "t-shirt")
    put(tmp_path / "男装 T-shirt" / "a-1.jpg")
    put(tmp_path / "T-shirt" / "b-2.jpg")

    with pytest.raises(CommandError, match="T-shirt and 男装 T-shirt would become one category"):
        import_images(tmp_path)

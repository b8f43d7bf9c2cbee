"""Photos whose names say nothing of a product do not become one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from catalog import intake
from catalog.models import ProductImage, User
from tests import factories

from .test_upload_zip import outcomes, packed, photo, user

pytestmark = pytest.mark.django_db
__all__ = ["user"]


def products() -> dict[str, list[str]]:
    """{SKU: names of its photos}"""
    found: dict[str, list[str]] = {}
    for image in ProductImage.objects.select_related("product").order_by("pk"):
        found.setdefault(image.product.sku, []).append(image.original_name)
    return found


def receive(*names: str, **arrival: Any) -> None:
    merchant = factories.merchant()
    for name in names:
        intake.receive(factories.photo_bytes(), merchant=merchant, name=name, **arrival)


@pytest.mark.parametrize(
    "names",
    [
        ["IMG_001.jpg", "IMG_002.jpg"],
        ["photo 1.jpg", "photo 2.jpg"],
        ["front.jpg", "front.jpg"],
        ["1.jpg", "1.jpg"],
        ["IMG_2041.jpg", "IMG_2041.jpg"],
    ],
)
def test_uploads_with_names_that_say_nothing_are_products_of_their_own(names: list[str]) -> None:
    receive(*names)

    assert [len(photos) for photos in products().values()] == [1, 1]
    stem = names[0].removesuffix(".jpg").replace(" ", "-")
    assert re.fullmatch(f"{stem}-[0-9a-f]{{8}}", next(iter(products())))


def test_a_name_that_is_a_sku_and_a_typed_one_still_join_photos() -> None:
    receive("BLUE-42_1.jpg", "BLUE-42_2.jpg")
    receive("front.jpg", "back.jpg", sku="RED")

    assert {sku: len(photos) for sku, photos in products().items()} == {"BLUE-42": 2, "RED": 2}


def test_folders_of_an_archive_with_the_same_views_are_a_product_each(
    user: User, client: Client
) -> None:
    names = [f"SKU{n}/{view}.jpg" for n in range(3) for view in ("front", "back", "IMG_001")]

    outcomes(client, packed([*map(photo, names), photo("SKU0/BLUE-42.jpg")]))

    views = ["front.jpg", "back.jpg", "IMG_001.jpg"]
    assert products() == {**{f"SKU{n}": views for n in range(3)}, "BLUE-42": ["BLUE-42.jpg"]}


@pytest.mark.parametrize(
    "names",
    [
        ["Autumn 2024/dress.jpg", "Autumn 2024/hat.jpg"],
        ["100CANON/IMG_001.jpg", "100CANON/IMG_002.jpg", "101CANON/IMG_001.jpg"],
        ["Men/front.jpg", "Women/front.jpg"],
        ["front.jpg", "Boots/front.jpg"],
    ],
)
def test_a_folder_of_strangers_in_an_archive_is_no_product(
    user: User, client: Client, names: list[str]
) -> None:
    outcomes(client, packed(map(photo, names)))

    assert len(products()) == len(names)

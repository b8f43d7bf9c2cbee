"""The list of products and the page of one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog import gallery, lifecycle, product_pages
from catalog.models import Role, User
from tests import factories


@pytest.fixture
def user(client: Client, db: None) -> User:
    merchant_user = factories.user()
    client.force_login(merchant_user)
    return merchant_user


def text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_merchant_sees_their_own_products_with_one_category_each(
    user: User, client: Client
) -> None:
    shirts = factories.category("Shirts")
    product = factories.product(user.merchant, "BLUE-42", title="Blue shirt")
    for _ in range(2):
        factories.labelled_image(shirts, merchant=user.merchant, sku="BLUE-42", stored=False)
    factories.image(sku="SOMEBODY-ELSES", stored=False)
    factories.product(user.merchant, "WITHOUT-PHOTOS")
    said = text(client, "/products/")
    assert "BLUE-42 Blue shirt · 2 photos checked: Shirts" in said
    assert "SOMEBODY-ELSES" not in said
    assert "WITHOUT-PHOTOS" not in said
    assert "Blue shirt · 2 photos" in text(client, f"/products/{product.pk}/")


def test_products_are_found_by_sku_and_title(user: User, client: Client) -> None:
    for sku, title in (("BLUE-42", "Shirt"), ("RED-7", "Winter boot")):
        factories.product(user.merchant, sku, title=title)
        factories.image(merchant=user.merchant, sku=sku, stored=False)
    assert "RED-7" in text(client, "/products/?q=boot")
    assert "BLUE-42" not in text(client, "/products/?q=boot")
    assert "No product matches" in text(client, "/products/?q=hat")


def test_pages_of_products_are_walked_to_the_end(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_pages, "PAGE_SIZE", 2)
    for number in range(3):
        factories.image(merchant=user.merchant, sku=f"S-{number}", stored=False)
    first = client.get("/products/").content.decode()
    (older,) = re.findall(r"before=(\d+)", first)
    assert "S-0" in text(client, f"/products/?before={older}")
    assert "S-2" not in text(client, f"/products/?before={older}")
    assert "No older products" in text(client, "/products/?before=1")


def test_an_empty_list_says_what_to_do(user: User, client: Client) -> None:
    assert "No products yet" in text(client, "/products/")


def test_a_reported_photo_shows_on_its_product(user: User, client: Client) -> None:
    image = factories.answered_image(
        factories.category("Shirts"), merchant=user.merchant, stored=False
    )
    lifecycle.complain(image, by=user)
    for url in ("/products/", f"/products/{image.product_id}/"):
        assert "reported as wrong: being checked again" in text(client, url)


def test_staff_see_whose_product_it_is(client: Client, db: None) -> None:
    factories.image(merchant=factories.merchant("Acme"), stored=False)
    client.force_login(factories.user(Role.REVIEWER))
    assert "Acme · 1 photo" in text(client, "/products/")


def test_a_product_of_many_photos_is_walked_page_by_page(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", 2)
    images = [
        factories.image(merchant=user.merchant, sku="A1", name=f"{n}.jpg", stored=False)
        for n in range(5)
    ]
    url = reverse("product", args=[images[0].product_id])

    with django_assert_max_num_queries(9):
        first = client.get(url).content.decode()
    last = client.get(url, {"page": "3"}).content.decode()

    assert "5 photos" in first
    assert ["0.jpg" in first, "1.jpg" in first, "2.jpg" in first] == [True, True, False]
    assert 'href="?page=2"' in first
    assert ["3.jpg" in last, "4.jpg" in last] == [False, True]

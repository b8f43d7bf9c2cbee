"""A merchant sees its own products, photos and files; of another's not even that they exist."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import ProductImage, Role

from .. import factories

FOREIGN = [
    ("get", "/images/{image}/"),
    ("get", "/images/{image}/file/thumbnail/"),
    ("get", "/images/{image}/file/display/"),
    ("get", "/products/{product}/"),
    ("post", "/images/{image}/retry/"),
    ("post", "/images/{image}/withdraw/"),
]


@pytest.fixture
def other(db: None) -> ProductImage:
    return factories.image(name="secret.jpg", sku="SECRET", machine="failed")


@pytest.mark.parametrize(("method", "url"), FOREIGN)
def test_another_merchants_object_is_not_found(
    method: str, url: str, other: ProductImage, client: Client
) -> None:
    client.force_login(factories.user())
    answer = getattr(client, method)(url.format(image=other.pk, product=other.product_id))
    assert answer.status_code == 404
    other.refresh_from_db()
    assert (other.withdrawn_at, other.machine) == (None, "failed")


@pytest.mark.parametrize("url", ["/images/", "/images/?q=secret", "/images/?state=failed"])
def test_lists_and_search_hold_only_ones_own(url: str, other: ProductImage, client: Client) -> None:
    user = factories.user()
    own = factories.image(merchant=user.merchant, name="my-secret.jpg", machine="failed")
    client.force_login(user)
    page = client.get(url).content.decode()
    assert own.original_name in page
    assert ">secret.jpg" not in page
    assert "SECRET" not in page


def test_the_csv_holds_only_ones_own(other: ProductImage, client: Client) -> None:
    client.force_login(factories.user())
    text = b"".join(client.get("/images/export.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert len(text.splitlines()) == 1


def test_states_of_anothers_photos_are_not_told(other: ProductImage, client: Client) -> None:
    client.force_login(factories.user())
    answer = client.get("/images/status/", {"ids": str(other.pk)}).json()
    assert answer == {"images": [], "gone": [other.pk]}


def test_staff_see_every_merchants_photos(other: ProductImage, client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    assert "SECRET" in client.get("/images/").content.decode()
    assert client.get(f"/images/{other.pk}/").status_code == 200

"""The list as CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from catalog import lifecycle
from catalog.export import harmless
from catalog.models import Role, UnusableReason, User

from .. import factories


def table(client: Client, url: str = "/images/export.csv") -> list[dict[str, str]]:
    response: Any = client.get(url)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def user(client: Client, db: None) -> User:
    merchant_user = factories.user()
    client.force_login(merchant_user)
    return merchant_user


def test_each_photo_is_a_line_with_its_category_and_whether_a_person_checked_it(
    user: User, client: Client
) -> None:
    fashion = factories.category("Fashion")
    shirts = factories.category("Shirts", parent=fashion, code="FA-1")
    bags = factories.category("Bags", parent=fashion)
    mine: dict[str, Any] = {"merchant": user.merchant, "stored": False}
    factories.image(name="a.jpg", sku="A", **mine)
    factories.answered_image(shirts, 0.8125, name="b.jpg", sku="B", **mine)
    factories.labelled_image(shirts, name="c.jpg", sku="C", **mine)
    factories.labelled_image(shirts, suggested=bags, name="d.jpg", sku="D", **mine)
    unusable = factories.answered_image(shirts, name="e.jpg", sku="E", **mine)
    lifecycle.decide_unusable(
        unusable, UnusableReason.BLURRED, by=factories.user(Role.REVIEWER), revision=0
    )
    assert [list(row.values()) for row in reversed(table(client))] == [
        ["a.jpg", "A", "", "", "", "no", "waiting"],
        ["b.jpg", "B", "Fashion › Shirts", "FA-1", "0.812", "no", SUGGESTED],
        ["c.jpg", "C", "Fashion › Shirts", "FA-1", "0.800", "yes", "checked: Shirts"],
        ["d.jpg", "D", "Fashion › Shirts", "FA-1", "", "yes", "checked: Shirts"],
        ["e.jpg", "E", "", "", "", "yes", "please replace: blurred"],
    ]


SUGGESTED = "suggested: Shirts, not yet checked"


def test_the_filter_of_the_page_applies(user: User, client: Client) -> None:
    mine: dict[str, Any] = {"merchant": user.merchant, "stored": False}
    factories.image(name="a.jpg", **mine)
    factories.answered_image(factories.category("Shirts"), name="b.jpg", **mine)
    rows = table(client, "/images/export.csv?state=suggested")
    assert [row["file"] for row in rows] == ["b.jpg"]


def test_staff_read_whose_photo_it_is(client: Client, db: None) -> None:
    client.force_login(factories.user(Role.MANAGER))
    factories.image(merchant=factories.merchant("Acme"), stored=False)
    assert table(client)[0]["merchant"] == "Acme"


def test_a_file_named_like_a_formula_stays_text(user: User, client: Client) -> None:
    name = '=HYPERLINK("http:\\evil","x").jpg'
    factories.image(merchant=user.merchant, name=name, stored=False)
    assert table(client)[0]["file"] == "'" + name


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_every_formula_start_is_made_harmless(start: str) -> None:
    assert harmless(start + "1+1") == f"'{start}1+1"


def test_ordinary_cells_stay_as_they_are() -> None:
    assert [harmless(cell) for cell in ("", "a=b", "0.5", "x-y")] == ["", "a=b", "0.5", "x-y"]


def test_withdrawn_photos_are_not_listed(user: User, client: Client) -> None:
    image = factories.image(merchant=user.merchant)
    lifecycle.withdraw(image, by=user)
    assert table(client) == []

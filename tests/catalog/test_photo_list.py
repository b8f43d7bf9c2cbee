"""The list of photos: search, states, pages by id, live states in one query."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import gallery, golive, lifecycle, reclassify
from catalog.models import ProductImage, Role, User

from .. import factories


@pytest.fixture
def merchant_user(client: Client, db: None) -> User:
    user = factories.user()
    client.force_login(user)
    return user


def names(client: Client, url: str) -> list[str]:
    page = client.get(url).content.decode()
    return re.findall(r"<small>([^<]+)</small>", page)


def test_an_empty_list_invites_to_upload(merchant_user: User, client: Client) -> None:
    page = client.get("/images/").content.decode()
    assert "No photos yet" in page
    assert 'href="/upload/"' in page


def test_the_newest_photo_comes_first(merchant_user: User, client: Client) -> None:
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        factories.image(merchant=merchant_user.merchant, name=name, stored=False)
    assert names(client, "/images/") == ["three.jpg", "two.jpg", "one.jpg"]


@pytest.mark.parametrize("text", ["BLUE-4", "blue-4", "front", "Shirts", "fashion"])
def test_search_looks_at_sku_file_name_and_category(
    text: str, merchant_user: User, client: Client
) -> None:
    shirts = factories.category("Shirts", parent=factories.category("Fashion"))
    mine: dict[str, Any] = {"merchant": merchant_user.merchant, "stored": False}
    factories.answered_image(shirts, sku="BLUE-42", name="front.jpg", **mine)
    factories.answered_image(factories.category("Bags"), sku="RED-1", name="side.jpg", **mine)
    assert names(client, f"/images/?q={text}") == ["front.jpg"]


def test_search_goes_by_a_persons_category_not_by_the_suggestion_it_replaced(
    merchant_user: User, client: Client
) -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    factories.labelled_image(
        bags, suggested=shirts, merchant=merchant_user.merchant, name="a.jpg", stored=False
    )
    assert names(client, "/images/?q=Bags") == ["a.jpg"]
    assert names(client, "/images/?q=Shirts") == []


def test_a_search_without_a_match_says_so(merchant_user: User, client: Client) -> None:
    factories.image(merchant=merchant_user.merchant, stored=False)
    assert "No photo matches" in client.get("/images/?q=zebra").content.decode()


def test_pages_follow_each_other_without_gap_or_repeat(
    merchant_user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", 3)
    for number in range(8):
        factories.image(merchant=merchant_user.merchant, name=f"{number}.jpg", stored=False)
    url, seen = "/images/", []
    for _ in range(3):
        page = client.get(url).content.decode()
        seen.append(re.findall(r"<small>(\d)\.jpg", page))
        found = re.search(r'href="([^"]+)" rel="next"', page)
        url = "/images/" + found[1] if found else ""
    assert (seen, url) == ([["7", "6", "5"], ["4", "3", "2"], ["1", "0"]], "")
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back is not None
    assert names(client, "/images/" + back[1]) == ["4.jpg", "3.jpg", "2.jpg"]


@pytest.mark.parametrize(
    "position", ["before=x", "after=-1", "before=99999999999999999999", "q=%00"]
)
def test_a_crooked_address_still_shows_a_page(
    position: str, merchant_user: User, client: Client
) -> None:
    assert client.get(f"/images/?{position}").status_code == 200


@pytest.fixture
def query_count(client: Client) -> Callable[[str], int]:
    def count(url: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    return count


@pytest.mark.parametrize("role", [Role.MERCHANT, Role.REVIEWER])
def test_more_photos_cost_no_more_queries(
    role: Role, client: Client, db: None, query_count: Callable[[str], int]
) -> None:
    user = factories.user(role)
    client.force_login(user)
    shirts, merchant = factories.category("Shirts"), user.merchant or factories.merchant()
    factories.labelled_image(shirts, merchant=merchant, stored=False)
    few = query_count("/images/")
    for _ in range(12):
        factories.answered_image(shirts, merchant=merchant, stored=False)
    assert query_count("/images/") == few <= 6


def test_states_of_many_photos_are_one_query(merchant_user: User, client: Client) -> None:
    shirts = factories.category("Shirts")
    mine: dict[str, Any] = {"merchant": merchant_user.merchant, "stored": False}
    ids = [factories.answered_image(shirts, **mine).pk for _ in range(5)]
    waiting = factories.image(**mine).pk
    asked = ",".join(map(str, [*ids, waiting]))
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/images/status/?ids={asked}").json()
    about_images = [q for q in queries if "catalog_productimage" in q["sql"]]
    assert len(about_images) == 1
    assert len(queries) <= 4  # the session, the user and the jobs under way are the others
    assert sorted(image["id"] for image in answer["images"]) == ids
    assert answer["images"][0]["words"] == "suggested: Shirts, not yet checked"


def test_a_pending_photo_is_left_out_until_it_changes(merchant_user: User, client: Client) -> None:
    image = factories.image(merchant=merchant_user.merchant, stored=False)
    url = f"/images/status/?ids={image.pk}"
    assert client.get(url).json() == {"images": [], "gone": []}
    ProductImage.objects.update(machine="failed", failure="Too dark.")
    told = client.get(url).json()["images"]
    assert told == [
        {"id": image.pk, "standing": "failed", "words": "no suggestion", "failure": "Too dark."}
    ]


def test_a_page_opened_between_a_promotion_and_the_queueing_shows_the_new_answer_later(
    merchant_user: User, client: Client
) -> None:
    shirts, hats = factories.category("Shirts"), factories.category("Hats")
    image = factories.answered_image(shirts, merchant=merchant_user.merchant, stored=False)
    version = factories.version()
    golive.promote_automatically(version, reason="Better.")
    status = f"/images/status/?ids={image.pk}"

    for url in ("/images/", f"/images/{image.pk}/", f"/products/{image.product_id}/"):
        assert f'data-image="{image.pk}" data-pending' in client.get(url).content.decode(), url
    assert client.get(status).json() == {"images": [], "gone": []}
    reclassify.advance()
    assert client.get(status).json() == {"images": [], "gone": []}
    (claim,) = lifecycle.claim(owner="w1", limit=1)
    answer = lifecycle.Answer(claim, [(hats.pk, 0.9)], b"\0" * 4096)
    lifecycle.finish([answer], version=version)
    reclassify.advance()

    (told,) = client.get(status).json()["images"]
    assert told["words"] == "suggested: Hats, not yet checked"
    assert "data-pending" not in client.get("/images/").content.decode()


@pytest.mark.parametrize("ids", ["", "abc", "1,,2", "-1", "9" * 40])
def test_crooked_ids_are_no_error(ids: str, merchant_user: User, client: Client) -> None:
    assert client.get("/images/status/", {"ids": ids}).status_code == 200


def test_a_page_marks_what_is_pending_and_nothing_else(merchant_user: User, client: Client) -> None:
    mine: dict[str, Any] = {"merchant": merchant_user.merchant, "stored": False}
    waiting = factories.image(**mine)
    factories.answered_image(factories.category("Shirts"), **mine)
    page = client.get("/images/").content.decode()
    assert page.count("data-pending") == 1
    assert f'data-image="{waiting.pk}" data-pending' in page


def test_ids_in_pages_carry_no_thousands_separator(merchant_user: User, client: Client) -> None:
    factories.image(merchant=merchant_user.merchant, pk=12345, stored=False)
    page = client.get("/images/").content.decode()
    assert 'data-image="12345"' in page
    assert "12,345" not in page

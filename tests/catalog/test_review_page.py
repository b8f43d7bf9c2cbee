"""What the page of the review desk shows around the photo, and what it remembers of a reviewer."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from catalog import desk, lifecycle, queue
from catalog.models import Category, Decision, ProductImage, Role, User

from .. import factories

pytestmark = pytest.mark.django_db

SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def reviewer(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


def photo(category: Category, **more: Any) -> ProductImage:
    return factories.answered_image(category, stored=False, **more)


def page(client: Client, **query: int | str) -> str:
    return client.get(reverse("review"), query).content.decode()


def test_one_key_labels_the_product_and_names_what_stayed_open(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    shop, ben = factories.merchant(), factories.user(Role.REVIEWER)
    shown, other, elsewhere = (photo(shirts, merchant=shop, sku="A") for _ in range(3))
    queue.lease(rita, shown)
    queue.lease(ben, elsewhere)
    token = str(uuid4())
    values = {"kind": "label", "category": shirts.pk, "revision": 0, "whole_product": "on"}

    answers = [
        reviewer.post(
            reverse("image-decide", args=[shown.pk]), {**values, "token": token}, headers=SCRIPT
        ).json()
        for _ in range(2)
    ]

    assert answers[0]["message"] == "Saved: 2 photos of this product as “Shirts”."
    assert answers[0]["warning"].startswith("1 photo of this product stayed open. Another reviewer")
    assert answers[1]["decision"] == answers[0]["decision"]
    assert Decision.objects.count() == 2

    undone = reviewer.post(reverse("review-undo"), {"of": token}, headers=SCRIPT).json()

    assert undone["card"]["id"] == shown.pk
    assert undone["message"].startswith("2 decisions made with one key were taken back")
    assert not ProductImage.objects.get(pk=other.pk).is_labelled


def test_an_undo_names_its_decision_by_the_token_it_was_saved_with(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    first, second, token = photo(shirts), photo(shirts), uuid4()
    lifecycle.decide_category(first, shirts, by=rita, revision=0, token=token)
    lifecycle.decide_category(second, shirts, by=rita, revision=0)

    answer = reviewer.post(reverse("review-undo"), {"of": token}, headers=SCRIPT).json()
    never_saved = reviewer.post(reverse("review-undo"), {"of": uuid4()}, headers=SCRIPT)

    assert answer["card"]["id"] == first.pk
    assert never_saved.status_code == 409


def test_what_one_reviewer_decided_is_not_saved_as_anothers(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    image, ben = photo(shirts), factories.user(Role.REVIEWER, name="ben")
    values = {"kind": "label", "category": shirts.pk, "revision": 0}
    reviewer.force_login(ben)

    response = reviewer.post(
        reverse("image-decide", args=[image.pk]),
        values,
        headers={**SCRIPT, "X-Page-Of": str(rita.pk)},
    )

    assert response.status_code == 401
    assert response.json()["message"].startswith("ben signed in in this browser")
    assert not Decision.objects.exists()


def test_the_last_ten_decisions_and_todays_count_stand_on_the_page(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    for _ in range(12):
        lifecycle.decide_category(photo(shirts), shirts, by=rita, revision=0)
    desk.take_back(rita)
    yesterday = timezone.now() - timedelta(days=1)
    Decision.objects.filter(pk=Decision.objects.earliest("pk").pk).update(at=yesterday)

    text = page(reviewer)

    assert len(re.findall(r"<li data-decision", text)) == 10
    assert "<b data-today>10</b> decided today" in text


def test_character_keys_are_turned_off_for_one_reviewer(reviewer: Client, rita: User) -> None:
    assert 'data-character-keys="on"' in page(reviewer)

    reviewer.post(reverse("review-keys"), {"on": ""}, headers=SCRIPT)

    assert 'data-character-keys="off"' in page(reviewer)
    assert User.objects.get(pk=rita.pk).character_keys is False
    assert factories.user(Role.REVIEWER).character_keys is True


def test_the_desk_gets_a_photo_of_640_pixels(reviewer: Client, shirts: Category) -> None:
    image = factories.answered_image(shirts, data=factories.photo_bytes(1800, 1200))

    response = reviewer.get(reverse("image-file", args=[image.pk, "desk"]))
    sent = Image.open(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]

    assert sent.size == (640, 427)
    assert reverse("image-file", args=[image.pk, "desk"]) in page(reviewer)


def test_the_filter_is_chosen_in_words_and_counts_what_is_left(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    hats = factories.category("Hats")
    photo(hats), photo(shirts)
    address = reverse("review-filters")

    piece = reviewer.get(address, {"category": hats.pk}, headers=SCRIPT).content.decode()
    text = page(reviewer, category=hats.pk, age="newer-7")

    assert f'<option value="{hats.pk}" selected>Hats</option>' in piece
    assert "<html" not in piece
    assert "<html" in reviewer.get(address).content.decode()
    assert "Hats · In the last 7 days" in text
    assert "<b data-left>1</b> left" in text


def test_photos_to_compare_with_are_a_piece_of_page_of_their_own(
    reviewer: Client, shirts: Category
) -> None:
    """Without an index of look-alikes there are none, and nothing breaks."""
    image = photo(shirts)

    response = reviewer.get(reverse("review-neighbours", args=[image.pk]), headers=SCRIPT)

    assert response.status_code == 200
    assert response.content.strip() == b""

"""A manager chooses a category's examples while reviewers go on checking photos."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from catalog import category_photos, lifecycle
from catalog.models import Category, LabelState, ProductImage, User
from catalog.views.categories import EXAMPLES_OFFERED
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("manager")]


def checked(category: Category) -> ProductImage:
    return factories.image(stored=False, label=category, label_state=LabelState.CONFIRMED)


def save(client: Client, category: Category, picked: list[ProductImage]) -> HttpResponse:
    ids = {"example": [image.pk for image in picked]}
    return client.post(reverse("category-examples", args=[category.pk]), ids)  # type: ignore[return-value]


def ticked(answer: HttpResponse) -> int:
    return answer.content.decode().count("checked>")


@pytest.fixture
def last_and_first(hats: Category) -> list[ProductImage]:
    """Of so many photos as the page offers."""
    photos = [checked(hats) for _ in range(EXAMPLES_OFFERED)]
    return [photos[0], photos[-1]]


def test_a_photo_that_newer_ones_pushed_off_the_page_can_still_be_chosen(
    client: Client, hats: Category, last_and_first: list[ProductImage]
) -> None:
    checked(hats)

    assert save(client, hats, last_and_first).status_code == 302

    saved = category_photos.chosen_examples([hats.pk])
    assert [example.image for example in saved] == last_and_first


def test_a_refusal_keeps_what_was_ticked(
    client: Client, hats: Category, last_and_first: list[ProductImage]
) -> None:
    answer = save(client, hats, [checked(hats), checked(hats), *last_and_first])

    assert answer.status_code == 422
    assert "Choose at most 3 example photos." in answer.content.decode()
    assert ticked(answer) == 4


def test_a_photo_that_left_is_told_and_the_others_stay_ticked(
    client: Client, hats: Category, shoes: Category, ada: User
) -> None:
    left, stays = factories.labelled_image(hats), factories.labelled_image(hats)
    lifecycle.decide_category(left, shoes, by=ada, revision=left.revision)

    answer = save(client, hats, [left, stays])

    assert answer.status_code == 422
    assert "left the category meanwhile" in answer.content.decode()
    assert ticked(answer) == 1

"""The hint on the desk that nothing like a photo has been checked before."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog import lifecycle
from catalog.models import Category, Prediction, ProductImage, Role
from tests import factories

pytestmark = pytest.mark.django_db
WORDS = "Nothing like this has been checked before"


@pytest.fixture(autouse=True)
def reviewer(client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))


def unfamiliar(hats: Category, nearest: ProductImage | None = None) -> ProductImage:
    image = factories.answered_image(hats, stored=False)
    Prediction.objects.filter(image=image).update(nearness=0.1, unfamiliar=True, nearest=nearest)
    return image


def card(client: Client) -> str:
    [found] = client.get(reverse("review-next")).json()["cards"]
    return " ".join(found["html"].split())


def test_an_unfamiliar_photo_is_shown_beside_the_nearest_one(
    client: Client, hats: Category
) -> None:
    nearest = factories.labelled_image(hats, stored=False)
    unfamiliar(hats, nearest)
    text = card(client)
    assert f"{WORDS}: nearest is this one, checked: Hats." in text
    assert reverse("image-file", args=[nearest.pk, "thumbnail"]) in text
    assert f'href="{reverse("image", args=[nearest.pk])}"' in text


def test_a_nearest_photo_that_was_withdrawn_is_not_shown(client: Client, hats: Category) -> None:
    nearest = factories.labelled_image(hats, stored=False)
    unfamiliar(hats, nearest)
    lifecycle.withdraw(nearest, by=factories.user(Role.MANAGER))
    text = card(client)
    assert f"{WORDS}. It may be of a new kind." in text
    assert reverse("image-file", args=[nearest.pk, "thumbnail"]) not in text


def test_a_photo_like_the_others_has_no_hint(client: Client, hats: Category) -> None:
    factories.answered_image(hats, stored=False)
    assert WORDS not in card(client)

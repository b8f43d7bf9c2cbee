"""What /models/ says where the live version and today's categories differ."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Category, Role, VersionState
from tests import factories

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    client.force_login(factories.user(Role.MANAGER))
    return " ".join(client.get("/models/").content.decode().split())


def test_a_version_that_fits_the_categories_needs_no_word(client: Client, shirts: Category) -> None:
    factories.version(VersionState.LIVE, [shirts.slug])

    assert "It does not know" not in page(client)
    assert "It learned" not in page(client)


def test_a_class_whose_category_is_gone_is_named(client: Client, shirts: Category) -> None:
    hats = factories.category("Hats", retired_at=timezone.now())
    factories.version(VersionState.LIVE, [hats.slug, "never-there", shirts.slug])

    assert "It learned “Hats”, “never-there”, which nothing can be put into any more" in page(
        client
    )


def test_a_version_of_which_every_category_is_gone_says_that_photos_wait(client: Client) -> None:
    factories.version(VersionState.LIVE, ["hats"])

    assert "It knows none of today's categories" in page(client).replace("&#x27;", "'")


def test_an_empty_category_is_named_with_what_to_do(client: Client, shirts: Category) -> None:
    scarves = factories.category("Scarves")
    factories.version(VersionState.LIVE, [shirts.slug])

    text = page(client)
    assert "It does not know “Scarves” yet: no photo was checked as that." in text

    factories.labelled_image(scarves, suggested=shirts, stored=False)
    assert "the next run learns a category that has 5 checked photos" in page(client)

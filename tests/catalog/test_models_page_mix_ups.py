"""The photos behind one cell of the matrix of mix-ups."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog import lifecycle
from catalog.models import Category, ModelVersion, ProductImage, Role
from tests import factories
from tests.catalog.model_reports import judged_version, record_answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reviewer")]


def cell(client: Client, version: ModelVersion, true: str, predicted: str, **more: str) -> str:
    query = {"true": true, "predicted": predicted} | more
    answer = client.get(f"/models/{version.pk}/confusion/", query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_only_the_photos_of_the_cell_are_shown(
    client: Client, hats: Category, shoes: Category
) -> None:
    version = judged_version([(hats, hats), (shoes, hats), (hats, shoes)])
    assert version.run is not None
    wanted = version.run.rows.get(label=shoes, predicted="hats").image
    text = cell(client, version, "shoes", "hats")
    assert "Shoes taken for Hats" in text
    assert "1 test photo of version" in text
    assert wanted.original_name in text
    for row in version.run.rows.exclude(image=wanted):
        assert row.image.original_name not in text


def test_the_diagonal_shows_what_was_right(client: Client, hats: Category) -> None:
    text = cell(client, judged_version([(hats, hats)]), "hats", "hats")
    assert "Hats, answered right" in text


def test_a_withdrawn_photo_is_a_placeholder(client: Client, hats: Category) -> None:
    version = judged_version([(hats, hats)])
    assert version.run is not None
    image = version.run.rows.get().image
    lifecycle.withdraw(image, by=factories.user(Role.MANAGER))
    text = cell(client, version, "hats", "hats")
    assert "withdrawn" in text
    assert image.original_name not in text
    assert "<img" not in text


def test_a_label_changed_since_is_told(client: Client, hats: Category, shoes: Category) -> None:
    version = judged_version([(hats, shoes)])
    assert version.run is not None
    image = version.run.rows.get().image
    ProductImage.objects.filter(pk=image.pk).update(label=shoes, label_state="corrected")
    assert "Now labelled Shoes" in cell(client, version, "hats", "shoes")


def test_many_photos_come_in_pages(client: Client, hats: Category) -> None:
    version = judged_version([(hats, hats)])
    assert version.run is not None
    for _ in range(48):
        record_answer(version.run, hats, "hats")
    assert "Page 1 of 2" in cell(client, version, "hats", "hats")
    assert cell(client, version, "hats", "hats", page="2").count('class="photo-card"') == 1


def test_an_empty_cell_says_so(client: Client, hats: Category, shoes: Category) -> None:
    version = judged_version([(hats, hats), (shoes, shoes)])
    assert "No such photos" in cell(client, version, "hats", "shoes")
    assert "No such photos" in cell(client, version, "hats", "nonsense")


def test_half_a_cell_leads_back_to_the_version(client: Client, hats: Category) -> None:
    version = judged_version([(hats, hats)])
    answer = client.get(f"/models/{version.pk}/confusion/", {"predicted": "hats"})
    assert answer.headers["Location"] == f"/models/{version.pk}/"


def test_a_report_without_its_photos_says_so(client: Client, hats: Category) -> None:
    version = judged_version([(hats, hats)])
    version.run = None
    version.save()
    assert "The photos were not kept" in cell(client, version, "hats", "hats")


def test_merchants_may_not_look(client: Client, hats: Category) -> None:
    version = judged_version([(hats, hats)])
    client.force_login(factories.user(Role.MERCHANT))
    answer = client.get(f"/models/{version.pk}/confusion/", {"true": "hats", "predicted": "hats"})
    assert answer.status_code == 403

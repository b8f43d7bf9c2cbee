"""Two versions side by side."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Category, ModelVersion
from tests.catalog.model_reports import judged_version

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reviewer")]


def version(hats: Category, right: int, **recipe: object) -> ModelVersion:
    """Tested on four photos, with this recipe."""
    shoes, _ = Category.objects.get_or_create(slug="shoes", defaults={"name": "Shoes"})
    answers = [(hats, hats)] * right + [(hats, shoes)] * (4 - right)
    return judged_version(answers, recipe=recipe, fingerprint="a" * 64)


def page(client: Client, **query: int | str) -> str:
    answer = client.get(reverse("compare-models"), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def row(text: str, heading: str) -> list[str]:
    """The two cells of a row."""
    start = text.index(f'<th scope="row">{heading}</th>')
    cells = text[start : text.index("</tr>", start)].split('<td class="number">')[1:]
    return [cell.split("</td>")[0] for cell in cells]


def test_settings_that_differ_stand_beside_the_figures(client: Client, hats: Category) -> None:
    weights = {"source": "starter", "sha256": "0"}
    a = version(hats, 2, views=4, dropout=0.5, weights=weights)
    b = version(hats, 3, views=0, dropout=0.5, quick_views=0, weights=weights)

    text = page(client, first=a.pk, second=b.pk)

    assert row(text, "Answered right") == ["50.0%", "75.0%"]
    assert row(text, "<code>views</code>") == ["4", "0"]
    assert row(text, "<code>quick_views</code>") == ["–", "0"]
    assert "<code>dropout</code>" not in text
    assert "<code>weights</code>" not in text
    assert "did not learn from the same" not in text


def test_other_photos_are_said_to_matter_too(client: Client, hats: Category) -> None:
    a, b = version(hats, 2, views=4), version(hats, 3, views=4)
    ModelVersion.objects.filter(pk=b.pk).update(fingerprint="b" * 64)

    text = page(client, first=a.pk, second=b.pk)

    assert "did not learn from the same labelled photos" in text
    assert "Their recipes are the same." in text


def test_versions_that_are_not_there_are_asked_for_again(client: Client, hats: Category) -> None:
    version(hats, 2)

    assert "Choose two versions" in page(client, first=7_000, second="x")


def test_one_version_alone_is_compared_with_nothing(client: Client, hats: Category) -> None:
    version(hats, 2)

    assert "It takes two versions" in page(client)


def test_the_models_page_offers_the_comparison_of_two(client: Client, hats: Category) -> None:
    version(hats, 2)
    address = reverse("compare-models")
    assert address not in client.get(reverse("models")).content.decode()

    version(hats, 3)

    assert address in client.get(reverse("models")).content.decode()

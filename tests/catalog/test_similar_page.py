"""The page of photos that look like a photo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from catalog import lifecycle
from catalog.models import BlindLook, Category, ProductImage, Role, Serving, User
from tests import embeddings, factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_dir(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path


def photos(category: Category, kind: int, count: int) -> list[ProductImage]:
    """Answered photos that look alike, compared with all there are."""
    made = [factories.answered_image(category, stored=False) for _ in range(count)]
    live = Serving.current().live
    assert live is not None
    for image in made:
        embeddings.store(image, live.backbone, kind)
    embeddings.index(live.backbone)
    return made


def page(user: User, image: ProductImage, **query: str) -> str:
    client = Client()
    client.force_login(user)
    response = client.get(reverse("similar", args=[image.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def shown(html: str) -> list[int]:
    grid = html.partition('<ul class="photo-grid">')[2]
    return [int(pk) for pk in re.findall(r'href="/images/(\d+)/"', grid)]


def test_the_most_similar_stand_first_with_their_category_and_likeness(
    shirts: Category, rita: User
) -> None:
    seed, *alike = photos(shirts, 1, 4)
    other = photos(factories.category("Hats"), 2, 1)[0]

    html = page(rita, seed)

    assert set(shown(html)[:3]) == {image.pk for image in alike}
    assert shown(html)[3:] == [other.pk]
    assert html.count("suggested: Shirts, not yet checked") == 4  # the photo and three others
    likenesses = [int(n) for n in re.findall(r"(\d+)% alike", html)]
    assert likenesses == sorted(likenesses, reverse=True)
    assert likenesses[0] > 80 > likenesses[-1]


def test_checked_photos_and_those_not_yet_checked_can_be_asked_for(
    shirts: Category, rita: User
) -> None:
    seed, checked, waiting = photos(shirts, 1, 3)
    lifecycle.decide_category(checked, shirts, by=rita, revision=0)

    assert shown(page(rita, seed, among="confirmed")) == [checked.pk]
    assert shown(page(rita, seed, among="unchecked")) == [waiting.pk]
    assert 'aria-current="page">Checked<' in page(rita, seed, among="confirmed")


def test_an_empty_page_says_why(shirts: Category, rita: User) -> None:
    alone = factories.image(stored=False)
    assert "No model looks at photos yet" in page(rita, alone)
    early = factories.answered_image(shirts, stored=False)
    assert "Photos are being compared" in page(rita, early)
    seed = photos(shirts, 1, 1)[0]
    assert "There are no other photos yet" in page(rita, seed)
    assert "No checked photo is there to compare" in page(rita, seed, among="confirmed")
    assert "This photo was not looked at yet" in page(rita, alone)


def test_a_withdrawn_photo_is_not_shown(shirts: Category, rita: User) -> None:
    seed, gone, kept = photos(shirts, 1, 3)
    lifecycle.withdraw(gone, by=factories.user(Role.MANAGER))

    assert shown(page(rita, seed)) == [kept.pk]


def test_a_photo_that_is_to_be_checked_blind_has_no_page_yet(shirts: Category, rita: User) -> None:
    seed = photos(shirts, 1, 2)[0]
    BlindLook.objects.create(image=seed, reviewer=rita)
    client = Client()
    client.force_login(rita)

    response = client.get(reverse("similar", args=[seed.pk]))

    assert response.headers["Location"] == reverse("image", args=[seed.pk])


def test_the_page_takes_the_same_number_of_queries_however_much_it_shows(
    shirts: Category, rita: User
) -> None:
    seed = photos(shirts, 1, 3)[0]
    with CaptureQueriesContext(connection) as few:
        page(rita, seed)
    photos(shirts, 1, 12)
    with CaptureQueriesContext(connection) as many:
        page(rita, seed)

    assert len(many) == len(few)


def test_a_photo_s_page_leads_staff_there_and_not_its_merchant(
    shirts: Category, rita: User
) -> None:
    merchant = factories.merchant()
    image = factories.answered_image(shirts, merchant=merchant, stored=False)
    link = reverse("similar", args=[image.pk])
    client = Client()

    client.force_login(rita)
    assert link in client.get(reverse("image", args=[image.pk])).content.decode()
    client.force_login(factories.user(Role.MERCHANT, merchant))
    assert link not in client.get(reverse("image", args=[image.pk])).content.decode()
    assert client.get(link).status_code == 403

"""A merchant who sends nearly the same picture twice is told, and nobody else's photo is named."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from catalog import lifecycle
from catalog.models import Merchant, ProductImage, Role, User
from tests import factories

pytestmark = pytest.mark.django_db


def picture(*, quality: int = 95, number: int = 1) -> bytes:
    """The same picture for the same number; another quality makes other bytes of it."""
    coarse = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((96, 72), Image.Resampling.BILINEAR).save(
        out, "JPEG", quality=quality
    )
    return out.getvalue()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(user: User, data: bytes, name: str, **fields: Any) -> dict[str, Any]:
    form = {"file": SimpleUploadedFile(name, data), **fields}
    headers = {"X-Requested-With": "fetch"}
    answer: dict[str, Any] = signed_in(user).post("/upload/file/", form, headers=headers).json()
    return answer


@pytest.fixture
def merchant(db: None) -> Merchant:
    return factories.merchant()


@pytest.fixture
def vera(merchant: Merchant) -> User:
    return factories.user(Role.MERCHANT, merchant)


def test_nearly_the_same_picture_is_accepted_and_its_twin_named(vera: User) -> None:
    first = send(vera, picture(), "IMG_1.jpg")
    again = send(vera, picture(quality=70), "IMG_9.jpg", upload_id="1" * 32)
    other = send(vera, picture(number=2), "IMG_2.jpg")

    assert again["status"] == "accepted"
    assert "It looks like IMG_1.jpg, which you sent on " in again["message"]
    assert again["looks_like"] == first["image"]
    assert send(vera, picture(quality=70), "IMG_9.jpg", upload_id="1" * 32) == again
    assert other["looks_like"] is None
    assert "looks like" not in other["message"]


def test_the_page_and_the_list_say_so_too_with_a_link(vera: User) -> None:
    first = send(vera, picture(), "<IMG>_1.jpg")
    again = send(vera, picture(quality=70), "IMG_9.jpg")
    client = signed_in(vera)

    for page in (f"/images/{again['image']}/", "/images/"):
        html = client.get(page).content.decode()
        assert "which you sent on" in html
        assert f'href="/images/{first["image"]}/">&lt;IMG&gt;_1.jpg</a>' in html
    reviewer = signed_in(factories.user(Role.REVIEWER))
    assert (
        "which the merchant sent on" in reviewer.get(f"/images/{again['image']}/").content.decode()
    )


def test_another_merchant_s_photo_is_never_named(vera: User) -> None:
    send(factories.user(Role.MERCHANT), picture(), "SECRET.jpg")

    answer = send(vera, picture(quality=70), "IMG_1.jpg")

    assert answer["looks_like"] is None
    assert "SECRET" not in str(answer)


def test_a_withdrawn_twin_is_not_named(vera: User) -> None:
    first = send(vera, picture(), "IMG_1.jpg")
    again = send(vera, picture(quality=70), "IMG_9.jpg")
    lifecycle.withdraw(ProductImage.objects.get(pk=first["image"]), by=vera)

    html = signed_in(vera).get(f"/images/{again['image']}/").content.decode()
    third = send(vera, picture(quality=80), "IMG_10.jpg")

    assert "which you sent on" not in html
    assert third["looks_like"] == again["image"]

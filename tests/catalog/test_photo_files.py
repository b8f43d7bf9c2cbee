"""What is served of a photo: re-encoded copies, to those who may see it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from catalog import lifecycle
from catalog.models import ProductImage, Role, User

from .. import factories


def jpeg_with_gps() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Secret camera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return factories.photo_bytes(2400, 1800, exif=exif.tobytes(), comment=b"Secret comment")


@pytest.fixture
def owner(client: Client, db: None) -> User:
    user = factories.user()
    client.force_login(user)
    return user


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    ("copy", "kind", "encoding"),
    [("thumbnail", "image/webp", "WEBP"), ("display", "image/jpeg", "JPEG")],
)
def test_copies_carry_no_metadata(
    copy: str, kind: str, encoding: str, owner: User, client: Client
) -> None:
    data = jpeg_with_gps()
    assert b"Secret" in data
    image = factories.image(merchant=owner.merchant, data=data)
    response = client.get(f"/images/{image.pk}/file/{copy}/")
    served = body(response)
    with Image.open(io.BytesIO(served)) as picture:
        assert picture.format == encoding
        assert not picture.getexif()
    assert b"Secret" not in served
    assert response["Content-Type"] == kind
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private")


def test_a_thumbnail_is_small_and_its_size_is_on_the_page(owner: User, client: Client) -> None:
    noise = Image.effect_noise((1600, 1200), 120).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=95)
    image = factories.image(merchant=owner.merchant, data=out.getvalue())
    served = body(client.get(f"/images/{image.pk}/file/thumbnail/"))
    assert len(served) <= 15_000
    with Image.open(io.BytesIO(served)) as picture:
        width, height = picture.size
    page = client.get("/images/").content.decode()
    assert f'width="{width}" height="{height}"' in page


@pytest.mark.parametrize("url", ["/images/", "/images/{pk}/", "/products/{product}/"])
def test_every_picture_on_a_page_has_its_size(url: str, owner: User, client: Client) -> None:
    image = factories.image(merchant=owner.merchant)
    page = client.get(url.format(pk=image.pk, product=image.product_id)).content.decode()
    tags = re.findall(r"<img[^>]*>", page)
    assert tags
    assert all(re.search(r'width="[1-9]\d*" height="[1-9]\d*"', tag) for tag in tags)


@pytest.mark.parametrize("copy", ["file", "original", "..", "thumbnails"])
def test_nothing_else_is_served(copy: str, owner: User, client: Client) -> None:
    image = factories.image(merchant=owner.merchant)
    assert client.get(f"/images/{image.pk}/file/{copy}/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_withdrawn_photo_is_gone_for_everyone(client: Client) -> None:
    owner = factories.user()
    image = factories.image(merchant=owner.merchant)
    lifecycle.withdraw(image, by=owner)
    for user in (owner, factories.user(Role.MANAGER)):
        client.force_login(user)
        for url in (f"/images/{image.pk}/", f"/images/{image.pk}/file/display/"):
            assert client.get(url).status_code == 404
    assert ProductImage.objects.get().display == ""


def test_a_file_missing_on_disk_is_not_found(owner: User, client: Client) -> None:
    image = factories.image(merchant=owner.merchant, stored=False)
    assert client.get(f"/images/{image.pk}/file/display/").status_code == 404

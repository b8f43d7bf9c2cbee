"""Uploading one file: the outcomes in words, retries, caps, and the form without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django import Settings

from catalog import enqueue, pictures
from catalog.models import ProductImage, Role, User

from .. import factories

FORMATS = "JPEG, PNG, WebP, GIF or HEIC" if pictures.HEIC_READABLE else "JPEG, PNG, WebP or GIF"
NO_PHOTO = f"This is not a {FORMATS} photo."
URL = "/upload/file/"
SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def user(client: Client, db: None) -> User:
    merchant_user = factories.user()
    client.force_login(merchant_user)
    return merchant_user


def send(
    client: Client, data: bytes | None = None, name: str = "BLUE-42.jpg", **fields: Any
) -> Any:
    content = factories.photo_bytes() if data is None else data
    form = {"file": SimpleUploadedFile(name, content), **fields}
    return client.post(URL, form, headers=SCRIPT)


def test_a_photo_is_accepted_and_its_sku_read_from_the_name(user: User, client: Client) -> None:
    response = send(client, name="BLUE-42_2.jpg")
    image = ProductImage.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "status": "accepted",
        "message": "Accepted; waiting for its category.",
        "image": image.pk,
        "sku": "BLUE-42",
        "looks_like": None,
        "page": f"/images/{image.pk}/",
        "thumbnail": f"/images/{image.pk}/file/thumbnail/",
    }
    assert (image.merchant, image.product.sku) == (user.merchant, "BLUE-42")


def test_a_typed_sku_wins_over_the_name(user: User, client: Client) -> None:
    assert send(client, sku="RED 7").json()["sku"] == "RED-7"


def test_two_photos_of_one_sku_are_one_product(user: User, client: Client) -> None:
    send(client, name="BLUE-42_1.jpg")
    send(client, name="BLUE-42_2.jpg")
    assert {image.product.sku for image in ProductImage.objects.all()} == {"BLUE-42"}
    assert len({image.product_id for image in ProductImage.objects.all()}) == 1


def test_the_same_bytes_again_are_already_uploaded(user: User, client: Client) -> None:
    data = factories.photo_bytes()
    first = send(client, data, name="A-1.jpg").json()
    again = send(client, data, name="B.jpg")
    assert again.status_code == 200
    assert again.json()["status"] == "duplicate"
    assert again.json()["message"] == "Already uploaded, under SKU A-1."
    assert again.json()["image"] == first["image"]


def test_another_merchant_may_upload_the_same_bytes(user: User, client: Client) -> None:
    data = factories.photo_bytes()
    send(client, data)
    client.force_login(factories.user())
    assert send(client, data).json()["status"] == "accepted"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"no picture at all", NO_PHOTO),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is a drawing or a web page"),
        (factories.photo_bytes()[:900], "The file is damaged or incomplete"),
    ],
)
def test_a_bad_file_is_refused_in_plain_words(
    data: bytes, sentence: str, user: User, client: Client
) -> None:
    response = send(client, data)
    assert response.status_code == 422
    assert response.json()["status"] == "rejected"
    assert response.json()["message"].startswith(sentence)
    assert not ProductImage.objects.exists()


def test_a_retry_gets_its_first_answer(user: User, client: Client) -> None:
    data, upload_id = factories.photo_bytes(), uuid4()
    first = send(client, data, upload_id=upload_id)
    again = send(client, data, upload_id=upload_id)
    assert again.json() == first.json()
    assert again.status_code == first.status_code == 201
    assert ProductImage.objects.count() == 1


def test_a_retry_of_a_refused_file_is_refused_the_same_way(user: User, client: Client) -> None:
    upload_id = uuid4()
    first = send(client, b"nonsense", upload_id=upload_id)
    assert send(client, b"nonsense", upload_id=upload_id).json() == first.json()


def test_an_upload_id_is_known_to_its_own_merchant_only(user: User, client: Client) -> None:
    upload_id = uuid4()
    first = send(client, upload_id=upload_id).json()
    client.force_login(factories.user())
    assert send(client, upload_id=upload_id).json()["image"] != first["image"]


def test_a_file_over_the_cap_is_refused_and_not_kept(
    user: User, client: Client, settings: Settings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    response = send(client, factories.photo_bytes() + b"\0" * 1_000_000)
    assert response.status_code == 413
    assert response.json()["message"] == "The file is larger than 1 MB; send a smaller copy."
    assert not ProductImage.objects.exists()


def test_a_file_of_exactly_the_cap_is_taken(user: User, client: Client, settings: Settings) -> None:
    data = factories.photo_bytes(encoding="PNG")
    settings.UPLOAD_MAX_BYTES = len(data)
    assert send(client, data).status_code == 201


def test_a_far_too_long_body_is_refused_unread(
    user: User, client: Client, settings: Settings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.jpg", b"\0" * 200_000)})
    request: dict[str, Any] = {"content_type": MULTIPART_CONTENT, "headers": SCRIPT}
    response = client.generic("POST", URL, body, **request)
    assert response.status_code == 413
    assert response.wsgi_request._read_started is False  # type: ignore[attr-defined]


def test_a_form_without_a_file_asks_for_one(user: User, client: Client) -> None:
    response = client.post(URL, {"sku": "A"}, headers=SCRIPT)
    assert (response.status_code, response.json()["message"]) == (400, "Choose a file first.")


def test_a_full_disk_is_said_with_507(user: User, client: Client, settings: Settings) -> None:
    settings.UPLOAD_MIN_FREE_BYTES = 10**18
    response = send(client)
    assert response.status_code == 507
    assert response.json()["message"].startswith("The server's disk is full")


def test_uploads_are_protected_against_forgery(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.user())
    assert send(client).status_code == 403
    client.get("/upload/")
    token = client.cookies["csrftoken"].value
    form = {"file": SimpleUploadedFile("a.jpg", factories.photo_bytes())}
    accepted = client.post(URL, form, headers={**SCRIPT, "X-CSRFToken": token})
    assert accepted.status_code == 201


@pytest.mark.django_db(transaction=True)
def test_with_redis_down_an_upload_is_still_accepted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "_silent_until", 0.0)
    client.force_login(factories.user())
    assert send(client).status_code == 201
    assert ProductImage.objects.get().machine == "pending"


def test_without_scripts_the_form_leads_to_the_photo(user: User, client: Client) -> None:
    form = {"file": SimpleUploadedFile("BLUE-42.jpg", factories.photo_bytes()), "sku": ""}
    response = client.post(URL, form, follow=True)
    image = ProductImage.objects.get()
    assert response.redirect_chain == [(f"/images/{image.pk}/", 302)]
    assert "Accepted; waiting for its category. SKU: BLUE-42." in response.content.decode()


def test_without_scripts_a_refusal_is_read_on_the_upload_page(user: User, client: Client) -> None:
    response = client.post(URL, {"file": SimpleUploadedFile("a.jpg", b"nonsense")}, follow=True)
    assert response.redirect_chain == [("/upload/", 302)]
    assert NO_PHOTO in response.content.decode()


def test_a_phone_is_told_how_to_send_jpeg_where_heic_cannot_be_read(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "HEIC_READABLE", False)
    page = client.get("/upload/").content.decode()
    assert 'accept="image/jpeg,image/png,image/webp,image/gif"' in page
    assert "Most Compatible" in page


def test_a_gif_is_offered_and_taken(user: User, client: Client) -> None:
    page = client.get("/upload/").content.decode()
    answer = send(client, factories.photo_bytes(encoding="GIF"), "BLUE-42.gif")

    assert "image/gif" in page
    assert "GIF" in page
    assert answer.json()["status"] == "accepted"


def test_heic_is_offered_where_it_can_be_read(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "HEIC_READABLE", True)
    page = client.get("/upload/").content.decode()
    assert "image/heic" in page
    assert "Most Compatible" not in page


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MANAGER])
def test_staff_have_nothing_to_upload_for(role: Role, client: Client, db: None) -> None:
    client.force_login(factories.user(role))
    assert send(client).status_code == 403


def test_a_file_that_no_view_asked_for_is_not_written_to_disk(
    client: Client, settings: Settings, tmp_path: Path, db: None
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "absent")
    factories.user(name="mia")
    file = SimpleUploadedFile("large.bin", bytes(5_000_000))
    form = {"username": "mia", "password": factories.PASSWORD, "file": file}
    assert client.post("/accounts/sign-in/", form)["Location"] == "/"


def test_no_temporary_file_stays_behind(
    user: User, client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.UPLOAD_MAX_BYTES = 100_000
    send(client)
    send(client, b"\0" * 200_000)
    assert list(tmp_path.iterdir()) == []

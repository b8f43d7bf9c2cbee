"""A ZIP of photos: taken in slice by slice, and refused where it is not what it says."""

from __future__ import annotations

import io
import secrets
import stat
import struct
import zipfile
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog import archives, intake
from catalog.models import Archive, ProductImage, Role, User

from .. import factories

URL = "/upload/package/"
SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def user(client: Client, db: None) -> User:
    merchant_user = factories.user()
    client.force_login(merchant_user)
    return merchant_user


def packed(
    entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], how: int = zipfile.ZIP_STORED
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def photo(name: str) -> tuple[str, bytes]:
    return name, factories.photo_bytes()


def send(client: Client, data: bytes, name: str = "photos.zip") -> Any:
    return client.post(URL, {"file": SimpleUploadedFile(name, data)}, headers=SCRIPT)


def go_on(client: Client, archive: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return dict(client.post(archive["go_on"], fields, headers=SCRIPT).json())


def outcomes(client: Client, data: bytes) -> dict[str, str]:
    """{file: what the merchant reads of it}"""
    archive = send(client, data).json()
    said: dict[str, str] = {}
    while archive["position"] < archive["entries"]:
        archive = go_on(client, archive)
        said |= {file["name"]: file["message"] for file in archive["files"]}
    return said


def test_each_photo_of_an_archive_is_taken_in_with_its_folder_as_a_hint(
    user: User, client: Client
) -> None:
    said = outcomes(
        client,
        packed(
            [
                ("Men/Shirts/", b""),
                photo("Men/Shirts/BLUE-42_1.jpg"),
                photo("Men/Shirts/BLUE-42_2.jpg"),
                photo("RED.jpg"),
                ("__MACOSX/Men/._BLUE-42_1.jpg", b"junk"),
                (".DS_Store", b"junk"),
            ]
        ),
    )
    assert set(said) == {"BLUE-42_1.jpg", "BLUE-42_2.jpg", "RED.jpg"}
    assert set(said.values()) == {"Accepted; waiting for its category."}
    blue = ProductImage.objects.filter(product__sku="BLUE-42")
    assert [image.hint for image in blue] == ["Men › Shirts"] * 2
    assert not any(image.label_id or image.decisions.exists() for image in blue)


def test_the_reviewer_reads_the_folder(user: User, client: Client) -> None:
    shirts = factories.category("Shirts")
    factories.answered_image(shirts, stored=False, hint="Men › Boots")
    client.force_login(factories.user(Role.REVIEWER))
    assert "The merchant's folder: Men › Boots" in client.get("/review/").content.decode()


def test_the_same_archive_again_stores_nothing_twice(user: User, client: Client) -> None:
    data = packed([photo("A-1.jpg"), photo("B-2.jpg")])
    outcomes(client, data)
    assert outcomes(client, data) == {
        "A-1.jpg": "Already uploaded, under SKU A-1.",
        "B-2.jpg": "Already uploaded, under SKU B-2.",
    }
    assert ProductImage.objects.count() == 2


def test_an_archive_left_half_way_goes_on_and_a_lost_answer_comes_again(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "AT_ONCE", 2)
    archive = send(client, packed([photo(f"{n}.jpg") for n in range(3)])).json()
    first = go_on(client, archive)
    assert (first["position"], ProductImage.objects.count()) == (2, 2)
    assert "2 of 3 done" in " ".join(client.get("/upload/").content.decode().split())
    assert go_on(client, archive, start=0)["files"] == first["files"]
    assert go_on(client, archive)["position"] == 3
    assert ProductImage.objects.count() == 3


def test_archives_stand_side_by_side_until_each_is_done(user: User, client: Client) -> None:
    first = send(client, packed([photo("A-1.jpg")]), "first.zip").json()
    second = send(client, packed([photo("B-2.jpg")]), "second.zip").json()
    page = client.get("/upload/").content.decode()
    assert "first.zip was left half-way" in page
    assert "second.zip was left half-way" in page
    assert go_on(client, first)["position"] == go_on(client, second)["position"] == 1
    assert {image.product.sku for image in ProductImage.objects.all()} == {"A-1", "B-2"}

    done = [archive.file for archive in Archive.objects.all()]
    send(client, packed([photo("C.jpg")]), "third.zip")
    assert not any(default_storage.exists(file) for file in done)
    assert Archive.objects.get().name == "third.zip"


def test_a_fifth_archive_waits_until_one_is_finished_or_deleted(user: User, client: Client) -> None:
    stored = [send(client, packed([photo(f"{n}.jpg")]), f"{n}.zip").json() for n in range(4)]
    fifth = packed([photo("late.jpg")])
    refused = send(client, fifth)
    assert (refused.status_code, refused.json()["status"]) == (409, "unsent")
    assert refused.json()["message"] == (
        "4 of your archives are half-way already; finish or delete one of them on the upload "
        "page, then send this one again."
    )
    client.force_login(factories.user())
    assert send(client, fifth).status_code == 201
    client.force_login(user)
    go_on(client, stored[0])
    assert send(client, fifth).status_code == 201
    assert send(client, fifth).status_code == 409
    said = client.post(stored[1]["go_on"], {"discard": ""}, follow=True).content.decode()
    assert "1.zip is deleted; photos taken in from it stay." in said
    assert "1.zip was left half-way" not in said
    assert send(client, fifth).status_code == 201


def test_an_archive_deleted_while_its_files_are_taken_in_still_answers_for_them(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "AT_ONCE", 1)
    archive = send(client, packed([photo("A.jpg"), photo("B.jpg")])).json()
    receive = intake.receive

    def meanwhile(*args: Any, **arrival: Any) -> intake.Outcome:
        archives.discard(Archive.objects.get())
        return receive(*args, **arrival)

    monkeypatch.setattr(intake, "receive", meanwhile)
    answer = go_on(client, archive)
    assert [file["message"] for file in answer["files"]] == ["Accepted; waiting for its category."]
    assert answer["position"] == 1
    assert client.post(archive["go_on"], headers=SCRIPT).status_code == 404


def test_an_archive_deleted_before_its_file_is_opened_is_not_there(
    user: User, client: Client
) -> None:
    archive = send(client, packed([photo("a.jpg")])).json()
    default_storage.delete(Archive.objects.get().file)

    assert client.post(archive["go_on"], headers=SCRIPT).status_code == 404


def link() -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo("link.jpg")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, b"/etc/passwd"


def test_hostile_files_in_an_archive_are_refused_one_by_one(user: User, client: Client) -> None:
    inner = packed([photo("inner.jpg")])
    said = outcomes(
        client,
        packed(
            [
                ("../../above.jpg", b"x"),
                ("/absolute.jpg", b"x"),
                ("C:\\windows.jpg", b"x"),
                ("inner.zip", inner),
                ("disguised.jpg", inner),
                ("words.jpg", b"no picture at all, only words"),
                link(),
                photo("fine.jpg"),
            ]
        ),
    )
    outside = "The file's name points outside the archive; pack the archive again."
    nested = "An archive inside an archive is not opened; pack the photos into one."
    assert said["above.jpg"] == said["absolute.jpg"] == said["windows.jpg"] == outside
    assert said["inner.zip"] == said["disguised.jpg"] == nested
    assert said["link.jpg"] == "This is a link to a file, not a photo."
    assert said["words.jpg"]
    assert said["fine.jpg"] == "Accepted; waiting for its category."
    assert ProductImage.objects.count() == 1


def test_two_files_of_one_name_are_two_photos(user: User, client: Client) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed([photo("A.jpg"), photo("A.jpg")])
    outcomes(client, data)
    assert ProductImage.objects.count() == 2


def test_a_file_protected_by_a_password_is_refused(user: User, client: Client) -> None:
    data = bytearray(packed([photo("A.jpg")]))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(signature) + offset] |= 1
    assert "protected by a password" in outcomes(client, bytes(data))["A.jpg"]


def test_a_bomb_is_stopped_by_the_bytes_really_read(user: User, client: Client) -> None:
    bomb = packed([("bomb.jpg", bytes(15_000_000))], zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    assert outcomes(client, bomb)["bomb.jpg"] == "The file unpacks to far more than a photo would."


def test_a_header_that_lies_about_the_size_is_not_believed(
    user: User, client: Client, settings: Settings
) -> None:
    settings.UPLOAD_MAX_BYTES = 2_000_000
    data = bytearray(packed([("big.jpg", secrets.token_bytes(3_000_000))]))
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 100)
    assert "damaged" in outcomes(client, bytes(data))["big.jpg"]
    honest = packed([("big.jpg", secrets.token_bytes(3_000_000))])
    assert outcomes(client, honest)["big.jpg"] == "The file is larger than 2 MB."


def test_all_files_together_may_not_unpack_to_more_than_the_cap(
    user: User, client: Client, settings: Settings
) -> None:
    settings.UPLOAD_ZIP_MAX_UNPACKED = 1_000_000
    noise = [(f"{n}.jpg", secrets.token_bytes(600_000)) for n in range(2)]
    said = outcomes(client, packed(noise))
    assert said["1.jpg"] == "The archive unpacks to more than 1 MB; split it."


def test_a_lost_answer_comes_again_also_where_the_archive_went_on_to_unpack_to_too_much(
    user: User, client: Client, settings: Settings
) -> None:
    settings.UPLOAD_ZIP_MAX_UNPACKED = 1_000_000
    archive = send(
        client, packed([photo("A.jpg"), ("b.jpg", secrets.token_bytes(1_000_001))])
    ).json()
    first = go_on(client, archive)["files"]
    assert [file["status"] for file in first] == ["accepted", "rejected"]
    assert go_on(client, archive, start=0)["files"] == first


def test_too_many_files_and_too_long_a_list_of_them_are_refused_unopened(
    user: User, client: Client, settings: Settings
) -> None:
    settings.UPLOAD_ZIP_MAX_FILES = 3
    answer = send(client, packed([(f"{n}.jpg", b"x") for n in range(4)]))
    assert (answer.status_code, answer.json()["message"]) == (
        422,
        "The archive holds 4 files; at most 3 go into one.",
    )
    long = packed([(f"{n}-{'a' * 60_000}.jpg", b"") for n in range(70)])
    assert send(client, long).json()["message"].startswith("This is no ZIP archive")
    assert not Archive.objects.exists()


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_damaged_archive_is_refused(user: User, client: Client, cut: int) -> None:
    answer = send(client, packed([photo("A.jpg")])[:-cut])
    assert answer.status_code == 422
    assert answer.json()["message"] == "This is no ZIP archive, or a damaged one; pack it again."


def test_a_file_without_a_name_is_taken_in_like_any_other(user: User, client: Client) -> None:
    data = packed([photo("X.jpg")]).replace(b"X.jpg", b"\0.jpg")
    assert outcomes(client, data) == {"photo": "Accepted; waiting for its category."}


def test_a_damaged_file_in_a_sound_archive_fails_alone(user: User, client: Client) -> None:
    bad, good = photo("bad.jpg"), photo("good.jpg")
    data = packed([bad, good]).replace(bad[1][50:60], b"0123456789", 1)
    said = outcomes(client, data)
    assert said["bad.jpg"] == "This file in the archive is damaged; pack the archive again."
    assert said["good.jpg"] == "Accepted; waiting for its category."


def test_a_full_disk_keeps_nothing(user: User, client: Client, settings: Settings) -> None:
    settings.UPLOAD_MIN_FREE_BYTES = 10**18
    assert send(client, packed([photo("A.jpg")])).status_code == 507
    assert not Archive.objects.exists()


def test_another_merchants_archive_is_not_found(user: User, client: Client) -> None:
    archive = send(client, packed([photo("A.jpg")])).json()
    client.force_login(factories.user())
    assert client.post(archive["go_on"]).status_code == 404


def test_without_scripts_a_page_leads_through(user: User, client: Client) -> None:
    data = packed([photo("A.jpg"), ("b.jpg", b"no picture")])
    page = client.post(URL, {"file": SimpleUploadedFile("photos.zip", data)}, follow=True)
    assert "Take in the photos" in page.content.decode()
    done = client.post(page.redirect_chain[-1][0], follow=True).content.decode()
    assert "2 of 2 files done." in done
    assert "b.jpg: " in done


def test_a_list_in_the_archive_names_its_photos(user: User, client: Client) -> None:
    table = b"file,sku,title\nA.jpg,BLUE-42,Blue shirt\n"
    outcomes(client, packed([("list.csv", table), photo("A.jpg")]))
    product = ProductImage.objects.get().product
    assert (product.sku, product.title) == ("BLUE-42", "Blue shirt")


def test_an_archive_nobody_went_on_with_is_swept_away(user: User, client: Client) -> None:
    send(client, packed([photo("A.jpg")]))
    (old,) = Archive.objects.all()
    assert archives.sweep() == 0
    Archive.objects.update(created_at=timezone.now() - archives.KEPT * 2)
    assert archives.sweep() == 1
    assert not default_storage.exists(old.file)

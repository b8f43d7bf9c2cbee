"""A full disk is said in a sentence, whichever disk it is and whenever it fills up."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings as site
from django.core.files import temp
from django.test import Client
from pytest_django import Settings

from catalog.models import Archive, ProductImage, User
from tests import factories

from . import test_upload
from .test_upload_zip import go_on, packed, photo, send, user

pytestmark = pytest.mark.django_db
__all__ = ["user"]

WORDS = "The server's disk is full; nothing was stored. Try again later."
PLENTY = 10**15
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> dict[Path, int]:
    """{folder: bytes free on its disk}"""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    disks = {tmp_path: PLENTY, Path(site.DATA_DIR): PLENTY}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(0, 0, disks[Path(folder)]))
    return disks


def answer_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["message"]


@pytest.mark.parametrize("where", ["temporary", "data"])
def test_without_room_for_the_whole_body_nothing_of_it_is_written(
    user: User, client: Client, free: dict[Path, int], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed([photo(f"A-{n}.jpg") for n in range(50)])
    temporary, data = free
    room = len(archive) // 2
    free.update({temporary: room} if where == "temporary" else {data: 200_000_000 + room})
    made = temp.NamedTemporaryFile
    written: list[Any] = []

    def counted(**how: Any) -> Any:
        written.append(made(**how))
        return written[-1]

    monkeypatch.setattr(temp, "NamedTemporaryFile", counted)

    assert answer_of(send(client, archive)) == (507, WORDS)
    assert answer_of(test_upload.send(client, archive)) == (507, WORDS)
    assert written == []
    assert not Archive.objects.exists()
    free.update({temporary: PLENTY, data: PLENTY})
    assert send(client, archive).status_code == 201
    assert len(written) == 1


@pytest.mark.parametrize("size", [100, 300_000])
def test_a_disk_that_fills_up_while_the_body_arrives_is_said_too(
    user: User, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def on_a_full_disk(**_: Any) -> IO[bytes]:
        (tmp_path / "full").unlink(missing_ok=True)
        (tmp_path / "full").symlink_to("/dev/full")
        return (tmp_path / "full").open("wb")

    monkeypatch.setattr(temp, "NamedTemporaryFile", on_a_full_disk)

    assert answer_of(send(client, b"PK\3\4" + bytes(size))) == (507, WORDS)
    assert answer_of(test_upload.send(client, bytes(size))) == (507, WORDS)


def test_a_disk_that_takes_no_further_file_is_said_too(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_room(**_: Any) -> IO[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(temp, "NamedTemporaryFile", without_room)

    assert answer_of(send(client, packed([photo("A-1.jpg")]))) == (507, WORDS)
    assert answer_of(test_upload.send(client, factories.photo_bytes())) == (507, WORDS)


def test_an_archive_that_met_a_full_disk_goes_on_once_there_is_room(
    user: User, client: Client, settings: Settings
) -> None:
    photos = [(f"A-{n}.jpg", factories.photo_bytes()) for n in range(3)]
    settings.UPLOAD_ZIP_MAX_UNPACKED = 2 * sum(len(data) for _, data in photos)
    archive = send(client, packed(photos)).json()
    room = settings.UPLOAD_MIN_FREE_BYTES
    settings.UPLOAD_MIN_FREE_BYTES = 10**18
    for _ in range(10):
        assert answer_of(client.post(archive["go_on"], headers={"X-Requested-With": "fetch"})) == (
            507,
            WORDS,
        )
    settings.UPLOAD_MIN_FREE_BYTES = room

    answer = go_on(client, archive)

    accepted = "Accepted; waiting for its category."
    assert [file["message"] for file in answer["files"]] == [accepted] * 3
    assert ProductImage.objects.count() == 3
    assert Archive.objects.get().unpacked == sum(len(data) for _, data in photos)

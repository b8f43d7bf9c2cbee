"""Files are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from pytest_django.fixtures import Settings

from catalog import settings as shipped
from catalog.storage import DurableStorage


@pytest.fixture
def storage(tmp_path: Path) -> DurableStorage:
    return DurableStorage(location=tmp_path)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_saved_file_is_whole_and_private(storage: DurableStorage, tmp_path: Path) -> None:
    name = storage.save("originals/ab/photo.jpg", ContentFile(b"x" * 200_000))

    assert (tmp_path / name).read_bytes() == b"x" * 200_000
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o640
    assert files(tmp_path) == ["originals/ab/photo.jpg"]


def test_a_name_that_is_taken_is_not_overwritten(storage: DurableStorage) -> None:
    first = storage.save("a.jpg", ContentFile(b"1"))
    second = storage.save("a.jpg", ContentFile(b"2"))

    assert first != second
    with storage.open(first) as kept:
        assert kept.read() == b"1"


def test_nothing_stands_under_the_name_before_the_file_is_on_disk(
    storage: DurableStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        seen.append((tmp_path / "a" / "b.jpg").exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    storage.save("a/b.jpg", ContentFile(b"1"))

    assert seen == [False, False, True], "the new folder, the file, the name in its folder"


def test_a_write_that_fails_leaves_nothing(
    storage: DurableStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    storage.save("a/first.jpg", ContentFile(b"1"))
    monkeypatch.setattr(os, "fsync", broken)

    with pytest.raises(OSError, match="Input/output"):
        storage.save("a/second.jpg", ContentFile(b"2"))

    assert files(tmp_path) == ["a/first.jpg"]


def test_a_name_outside_the_folder_is_refused(storage: DurableStorage) -> None:
    with pytest.raises(Exception, match=r"path|Detected"):
        storage.save("../outside.jpg", ContentFile(b"1"))


def test_collected_files_can_be_read_by_the_user_that_serves_them(
    tmp_path: Path, settings: Settings
) -> None:
    """`collectstatic` is root's in docs/operations.md, and the site runs as another user."""
    settings.STORAGES = shipped.STORAGES
    settings.STATIC_ROOT = tmp_path

    call_command("collectstatic", interactive=False, verbosity=0)

    assert "staticfiles.json" in files(tmp_path)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o644}

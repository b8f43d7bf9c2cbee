"""A demo asked to take somebody's own photos takes them, or says why it did not."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from catalog.models import ProductImage, Role
from tests import factories
from worker import demo

from . import pictures

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_site(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path / "data", tmp_path / "data/media"
    settings.DATA_DIR.mkdir()


def put(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pictures.picture("cups", len(list(file.parent.iterdir()))))


def prepare(photos: Path) -> str:
    """What a start with PHOTOS says."""
    out = StringIO()
    call_command("prepare_demo", "--photos", str(photos), stdout=out, stderr=StringIO())
    return out.getvalue()


def test_photos_of_which_none_can_be_taken_stop_the_start_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path / "loose/a-1.jpg")

    with pytest.raises(CommandError, match="The photo lies in no category folder") as refusal:
        prepare(tmp_path / "loose")

    assert "loose/a-1.jpg" in str(refusal.value)
    assert not demo.sign_ins_file().exists()


def test_after_a_start_that_took_no_photo_the_next_takes_those_it_is_given(tmp_path: Path) -> None:
    put(tmp_path / "loose/a-1.jpg")
    put(tmp_path / "good/cups/a-1.jpg")
    with pytest.raises(CommandError):
        prepare(tmp_path / "loose")

    said = prepare(tmp_path / "good")

    assert said.startswith("1 pictures in ")
    assert ProductImage.objects.count() == 1
    assert demo.sign_ins_file().exists()


def test_what_is_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    put(tmp_path / "photos/cups/a-1.jpg")
    (tmp_path / "photos/cups/torn.jpg").write_bytes(b"nothing")

    said = prepare(tmp_path / "photos")

    assert "1 left out:" in said
    assert f"{tmp_path}/photos/cups/torn.jpg: " in said


def test_photos_named_to_a_filled_catalog_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path / "first/cups/a-1.jpg")
    put(tmp_path / "second/cups/b-1.jpg")
    put(tmp_path / "second/cups/b-2.jpg")
    prepare(tmp_path / "first")

    said = prepare(tmp_path / "second")

    assert ProductImage.objects.count() == 1
    assert "this catalog is filled already" in said
    assert "`manage.py import_images DIR`" in said
    assert "Sign-ins: " in said


def test_photos_named_to_a_catalog_in_use_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path / "photos/cups/a-1.jpg")
    factories.user(Role.MANAGER, name="someone")

    assert "this catalog is filled already" in prepare(tmp_path / "photos")

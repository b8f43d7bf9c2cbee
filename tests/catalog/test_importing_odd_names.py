"""Names of files and folders that are not UTF-8, as old archives have them, break no import."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from catalog.models import Category, ProductImage
from tests import factories

from .test_importing import import_images, put

pytestmark = pytest.mark.django_db

CAFE = os.fsdecode(b"Caf\xe9")


def test_a_photo_in_a_folder_whose_name_is_not_utf8_is_refused_and_the_rest_goes_in(
    tmp_path: Path,
) -> None:
    put(tmp_path / CAFE / "a-1.jpg")
    put(tmp_path / "hats/b-2.jpg")

    answer = import_images(tmp_path)

    assert answer["added"] == 1
    (refused,) = answer["rejected"]
    assert refused["path"].endswith("Caf\ufffd/a-1.jpg")
    assert refused["reason"] == "The folder's name is not UTF-8; rename it."
    assert [category.name for category in Category.objects.all()] == ["Hats"]


def test_a_dry_run_refuses_the_same_folder(tmp_path: Path) -> None:
    put(tmp_path / CAFE / "a-1.jpg")

    answer = import_images(tmp_path, "--dry-run")

    assert (answer["added"], len(answer["rejected"])) == (0, 1)


def test_without_labels_the_folders_name_does_not_matter(tmp_path: Path) -> None:
    put(tmp_path / CAFE / "a-1.jpg")

    assert import_images(tmp_path, "--unlabelled")["added"] == 1


def test_a_photo_whose_own_name_is_not_utf8_goes_in(tmp_path: Path) -> None:
    put(tmp_path / "hats" / f"{CAFE}-1.jpg")

    assert import_images(tmp_path)["added"] == 1
    assert ProductImage.objects.get().original_name == "Caf-1.jpg"


def test_a_torn_file_whose_name_is_not_utf8_is_named_in_text_that_can_be_written(
    tmp_path: Path,
) -> None:
    put(tmp_path / "hats" / f"{CAFE}-2.jpg", factories.photo_bytes()[:200])

    (torn,) = import_images(tmp_path)["rejected"]

    assert json.dumps(torn, ensure_ascii=False).encode()
    assert torn["path"].endswith("hats/Caf\ufffd-2.jpg")

"""Folders of photos become labelled photos of the catalog."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog import lifecycle
from catalog.models import (
    Category,
    LabelState,
    MachineState,
    Merchant,
    Priority,
    Product,
    ProductImage,
    Role,
    Split,
)
from tests import factories

pytestmark = pytest.mark.django_db


def put(path: Path, data: bytes | None = None) -> Path:
    """A photo at that path, different from every other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(factories.photo_bytes() if data is None else data)
    return path


def import_images(folder: Path, *more: str) -> dict[str, Any]:
    """What the command prints with --json."""
    out = StringIO()
    call_command("import_images", str(folder), *more, "--json", stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def test_each_folder_is_a_category_and_its_photos_carry_it_as_a_persons_label(
    tmp_path: Path,
) -> None:
    put(tmp_path / "hats/bowler-11.jpg")
    put(tmp_path / "hats/panama-12.jpg")
    put(tmp_path / "rain boots/green-7.png")

    answer = import_images(tmp_path)

    assert answer == {
        "added": 3,
        "duplicates": 0,
        "rejected": [],
        "split_conflicts": 0,
        "categories": {"hats": 2, "rain-boots": 1},
    }
    for image in ProductImage.objects.all():
        assert image.label_state == LabelState.CONFIRMED
        assert (image.machine, image.priority) == (MachineState.PENDING, Priority.BACKGROUND)
        assert image.merchant.name == "Imported"
    assert Category.objects.get(slug="rain-boots").name == "Rain boots"


def test_a_nested_folder_is_a_child(tmp_path: Path) -> None:
    put(tmp_path / "men/shoes/a-1.jpg")

    answer = import_images(tmp_path)

    shoes = Category.objects.get(slug="men-shoes")
    assert answer["categories"] == {"men-shoes": 1}
    assert (shoes.path, shoes.parent) == ("Men › Shoes", Category.objects.get(slug="men"))


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    put(tmp_path / "hats/bowler-11.jpg")
    put(tmp_path / "hats/panama-12.jpg")
    import_images(tmp_path)

    again = import_images(tmp_path)

    assert (again["added"], again["duplicates"], again["categories"]) == (0, 2, {})
    assert ProductImage.objects.count() == 2


def test_a_label_someone_took_back_stays_taken_back(tmp_path: Path) -> None:
    put(tmp_path / "hats/bowler-11.jpg")
    import_images(tmp_path)
    image = ProductImage.objects.get()
    lifecycle.undo(image.decisions.get(), by=factories.user(Role.REVIEWER))

    import_images(tmp_path)

    image.refresh_from_db()
    assert image.label_state == LabelState.UNLABELLED


def test_labels_arriving_later_are_added_to_photos_nobody_decided_on(tmp_path: Path) -> None:
    put(tmp_path / "hats/bowler-11.jpg")
    import_images(tmp_path, "--unlabelled")
    assert ProductImage.objects.get().label_state == LabelState.UNLABELLED
    assert not Category.objects.exists()

    answer = import_images(tmp_path)

    assert (answer["added"], answer["duplicates"]) == (0, 1)
    assert answer["categories"] == {"hats": 1}
    assert ProductImage.objects.get().label == Category.objects.get(slug="hats")


@pytest.mark.parametrize("what", ["decided", "withdrawn"])
def test_an_import_goes_on_when_somebody_acts_on_a_known_photo_in_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    put(tmp_path / "hats/bowler-11.jpg")
    put(tmp_path / "hats/bowler-12.jpg")
    import_images(tmp_path, "--unlabelled")
    bonnets, by = factories.category("Bonnets"), factories.user(Role.MANAGER)
    import_label = lifecycle.import_label
    acted: list[ProductImage] = []

    def beaten(image: ProductImage, category: Category, **named: Any) -> bool:
        if not acted and what == "decided":
            lifecycle.decide_category(image, bonnets, by=by, revision=image.revision)
        elif not acted:
            lifecycle.withdraw(image, by=by)
        acted.append(image)
        return import_label(image, category, **named)

    monkeypatch.setattr(lifecycle, "import_label", beaten)
    answer = import_images(tmp_path)

    assert answer["categories"] == {"hats": 1}
    assert [each["reason"] for each in answer["rejected"]] == (
        ["This photo was withdrawn; it cannot be labelled."] if what == "withdrawn" else []
    )


def test_the_split_asked_for_is_the_products_for_good(tmp_path: Path) -> None:
    put(tmp_path / "hats/bowler-11.jpg")

    import_images(tmp_path, "--split", "test")

    assert Product.objects.get().split == Split.TEST


def test_a_photo_known_in_another_split_is_counted_as_a_conflict(tmp_path: Path) -> None:
    data = factories.photo_bytes()
    put(tmp_path / "a/hats/bowler-11.jpg", data)
    put(tmp_path / "b/hats/bowler-12.jpg", data)
    import_images(tmp_path / "a", "--split", "train", "--merchant", "One")

    answer = import_images(tmp_path / "b", "--split", "test", "--merchant", "Two")

    assert (answer["added"], answer["split_conflicts"]) == (1, 1)


def test_folders_of_splits_are_refused_with_the_commands_to_use(tmp_path: Path) -> None:
    put(tmp_path / "train/hats/a-1.jpg")
    put(tmp_path / "test/hats/a-2.jpg")

    with pytest.raises(CommandError) as refusal:
        import_images(tmp_path)

    assert f"`manage.py import_images {tmp_path}/train --split train`" in str(refusal.value)
    assert f"`manage.py import_images {tmp_path}/test --split test`" in str(refusal.value)
    assert not ProductImage.objects.exists()


def test_what_is_no_photo_is_named_with_the_reason_and_the_rest_goes_in(tmp_path: Path) -> None:
    put(tmp_path / "hats/good-1.jpg")
    put(tmp_path / "hats/torn-2.jpg", factories.photo_bytes()[:200])
    put(tmp_path / "hats/notes.txt", b"buy more hats")
    put(tmp_path / "hats/.DS_Store", b"hidden")
    put(tmp_path / "loose-3.jpg")

    answer = import_images(tmp_path)

    reasons = {Path(r["path"]).name: r["reason"] for r in answer["rejected"]}
    assert answer["added"] == 1
    assert set(reasons) == {"torn-2.jpg", "notes.txt", "loose-3.jpg"}
    assert "damaged" in reasons["torn-2.jpg"]
    assert "not a JPEG" in reasons["notes.txt"]
    assert "no category folder" in reasons["loose-3.jpg"]


def test_photos_above_other_categories_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "men/shoes/a-1.jpg")
    put(tmp_path / "men/a-2.jpg")

    answer = import_images(tmp_path)

    assert answer["added"] == 1
    assert "has category folders below it" in answer["rejected"][0]["reason"]


def test_a_retired_category_takes_no_photos(tmp_path: Path) -> None:
    hats = factories.category("Hats")
    Category.objects.filter(pk=hats.pk).update(retired_at=hats.created_at)
    put(tmp_path / "hats/a-1.jpg")

    answer = import_images(tmp_path)

    assert answer["added"] == 0
    assert "retired" in answer["rejected"][0]["reason"]


def test_links_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere/secret.jpg")
    put(tmp_path / "photos/hats/a-1.jpg")
    (tmp_path / "photos/hats/b-2.jpg").symlink_to(secret)
    (tmp_path / "photos/more").symlink_to(secret.parent)

    answer = import_images(tmp_path / "photos")

    assert answer["added"] == 1
    assert [r["reason"].partition(" is a link")[0] for r in answer["rejected"]] == [
        "The folder",
        "The file",
    ]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Files are read with the rights of an ordinary user, as root may read everything; by this
    thread and those it starts."""
    set_file_user = ctypes.CDLL(None).setfsuid
    set_file_user(65534)
    try:
        yield
    finally:
        set_file_user(os.geteuid())


def test_an_unreadable_file_is_named() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        put(Path(folder) / "hats/a-1.jpg").chmod(0)
        Path(folder).chmod(0o755)

        with as_nobody():
            answer = import_images(Path(folder))

    assert "cannot be read" in answer["rejected"][0]["reason"]


@pytest.mark.parametrize("closed", [".", "photos", "photos/hats"])
def test_a_folder_that_cannot_be_read_is_said_in_a_sentence(closed: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        put(Path(folder) / "photos/hats/a-1.jpg")
        Path(folder).chmod(0o755)
        (Path(folder) / closed).chmod(0o644)

        with as_nobody(), pytest.raises(CommandError, match="cannot be read") as refusal:
            import_images(Path(folder) / "photos")

    assert str(refusal.value).startswith(folder)


def test_a_dry_run_says_what_would_happen_and_stores_nothing(tmp_path: Path) -> None:
    put(tmp_path / "hats/a-1.jpg")
    put(tmp_path / "hats/b-2.jpg", b"no photo")

    answer = import_images(tmp_path, "--dry-run")

    assert (answer["added"], answer["categories"]) == (1, {"hats": 1})
    assert len(answer["rejected"]) == 1
    assert not ProductImage.objects.exists()
    assert not Category.objects.exists()
    assert not Merchant.objects.exists()


@pytest.mark.parametrize("name", ["missing", "a-file", "empty"])
def test_what_is_no_folder_of_photos_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a-file").write_text("")

    with pytest.raises(CommandError, match=r"is not a folder|holds no photos"):
        import_images(tmp_path / name)


@pytest.mark.parametrize(
    ("names", "products"),
    [
        (["BLUE-42.jpg", "BLUE-42_2.jpg"], 1),
        (["0b1f6a2e-77aa-4d1c-9c7e-5b1d.jpg", "0b1f6a2e-77aa-4d1c-9c7e-5b1e.jpg"], 2),
        (["IMG_001.jpg", "IMG_002.jpg"], 2),
        (["IMG_0001.jpg", "IMG_0002.jpg"], 2),
        (["shirt_1.jpg", "shirt_2.jpg"], 2),
        (["1.jpg", "2.jpg"], 2),
        (["front.jpg", "back.jpg"], 2),
    ],
)
def test_a_file_name_joins_photos_to_one_product_only_where_it_says_so(
    tmp_path: Path, names: list[str], products: int
) -> None:
    for name in names:
        put(tmp_path / "hats" / name)

    import_images(tmp_path)

    assert Product.objects.count() == products


def test_the_same_name_in_two_categories_is_two_products(tmp_path: Path) -> None:
    put(tmp_path / "hats/A-100.jpg")
    put(tmp_path / "boots/A-100.jpg")

    import_images(tmp_path)

    assert Product.objects.count() == 2
    assert not ProductImage.objects.filter(disputed=True).exists()


def test_twins_in_one_folder_are_one_photo(tmp_path: Path) -> None:
    data = factories.photo_bytes()
    put(tmp_path / "hats/a-1.jpg", data)
    put(tmp_path / "hats/b-2.jpg", data)

    answer = import_images(tmp_path)

    assert (answer["added"], answer["duplicates"]) == (1, 1)

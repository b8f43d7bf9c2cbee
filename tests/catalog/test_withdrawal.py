"""A withdrawn photo: gone from disk, from lists and from learning; its row stays to say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog import lifecycle, queue, training_set
from catalog.errors import NotAllowed
from catalog.models import (
    CategoryExample,
    Embedding,
    MachineState,
    ProductImage,
    Role,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia() -> User:
    return factories.user(Role.MANAGER, name="mia")


def paths(image: ProductImage) -> list[Path]:
    names = (image.file, image.display, image.thumbnail)
    return [Path(default_storage.path(name)) for name in names]


def on_disk(image: ProductImage) -> list[bool]:
    return [path.exists() for path in paths(image)]


def embedded(image: ProductImage) -> None:
    backbone = factories.backbone()
    Embedding.objects.create(image=image, backbone=backbone, vector=b"\0" * 4096)


def test_files_and_embeddings_go_and_a_tombstone_stays(
    mia: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    image = factories.image()
    embedded(image)

    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.withdraw(image, by=mia)

    assert on_disk(image) == [False, False, False]
    tombstone = ProductImage.objects.get(pk=image.pk)
    assert (tombstone.file, tombstone.display, tombstone.thumbnail) == ("", "", "")
    assert (tombstone.withdrawn_by, tombstone.machine) == (mia, MachineState.FAILED)
    assert tombstone.withdrawn_at is not None
    assert tombstone.sha256 == image.sha256
    assert not Embedding.objects.exists()
    assert image not in ProductImage.objects.present()


def test_files_stay_while_the_withdrawal_may_still_fail(mia: User) -> None:
    image = factories.image()

    lifecycle.withdraw(image, by=mia)  # the test's own transaction is never committed

    assert on_disk(image) == [True, True, True]


def test_a_crash_between_commit_and_deletion_is_finished_by_the_sweep(mia: User) -> None:
    images = [factories.image() for _ in range(3)]
    for image in images:
        embedded(image)
        lifecycle.withdraw(image, by=mia)

    assert lifecycle.delete_withdrawn_files(limit=2) == 2
    assert lifecycle.delete_withdrawn_files() == 1
    assert lifecycle.delete_withdrawn_files() == 0

    assert not any(any(on_disk(image)) for image in images)
    assert not Embedding.objects.exists()


def test_a_crash_halfway_through_the_files_is_finished_too(mia: User) -> None:
    image = factories.image()
    lifecycle.withdraw(image, by=mia)
    default_storage.delete(image.file)

    assert lifecycle.delete_withdrawn_files() == 1
    assert on_disk(image) == [False, False, False]


def test_one_file_that_cannot_be_deleted_does_not_keep_the_others(
    mia: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, other = factories.image(), factories.image()
    for image in (stuck, other):
        lifecycle.withdraw(image, by=mia)
    delete = default_storage.delete

    def refuses(name: str) -> None:
        if name == stuck.file:
            raise PermissionError(13, "Permission denied")
        delete(name)

    with monkeypatch.context() as patched:
        patched.setattr(default_storage, "delete", refuses)
        assert lifecycle.delete_withdrawn_files() == 1
    assert on_disk(other) == [False, False, False]
    assert "withdrawn files stay for now" in caplog.text

    assert lifecycle.delete_withdrawn_files() == 1
    assert on_disk(stuck) == [False, False, False]


def test_present_photos_are_never_deleted() -> None:
    image = factories.image()

    assert lifecycle.delete_withdrawn_files() == 0
    assert on_disk(image) == [True, True, True]


def test_it_leaves_review_training_examples_and_the_screen(mia: User) -> None:
    category = factories.category()
    image = factories.labelled_image(category, mia, stored=False)
    waiting = factories.answered_image(category, stored=False)
    CategoryExample.objects.create(category=category, image=image, position=1)
    queue.next_images(mia)
    assert len(training_set.build().rows) == 1

    for each in (image, waiting):
        lifecycle.withdraw(each, by=mia)

    assert training_set.build().rows == []
    assert queue.waiting() == 0
    assert queue.next_images(mia) == []
    assert not CategoryExample.objects.exists()
    assert ProductImage.objects.get(pk=waiting.pk).reviewer is None
    image.product.refresh_from_db()
    assert (image.product.category, image.product.category_checked) == (None, False)


def test_what_people_said_of_it_stays_on_record(mia: User) -> None:
    image = factories.labelled_image(factories.category(), mia, stored=False)

    lifecycle.withdraw(image, by=mia)

    assert image.decisions.count() == 1
    assert image.predictions.count() == 1


def test_it_cannot_be_withdrawn_twice(mia: User) -> None:
    image = factories.image(stored=False)
    lifecycle.withdraw(image, by=mia)

    with pytest.raises(NotAllowed, match="already withdrawn"):
        lifecycle.withdraw(image, by=mia)
    with pytest.raises(NotAllowed):
        lifecycle.retry(image)

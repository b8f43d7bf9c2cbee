"""The index of look-alikes: kept up as photos arrive, and never in anybody's way."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from catalog import lifecycle, similar, similar_index
from catalog.models import (
    Backbone,
    Category,
    Embedding,
    ModelVersion,
    ProductImage,
    ReclassifyScope,
    Role,
    Serving,
    VersionState,
)
from catalog.reclassify import start
from catalog.similar_index import Manifest, Segment, generations
from tests import embeddings, factories
from worker import similar as keeping
from worker.similar import keep_up

pytestmark = pytest.mark.django_db

KINDS, EACH = 3, 6


@pytest.fixture(autouse=True)
def models_dir(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keeping, "EMBEDDING_SIZE", embeddings.SIZE)
    folder = tmp_path / "models"
    settings.MODELS_DIR = folder
    keeping._forgot_at[0] = 0.0
    return folder


@pytest.fixture
def shirts(db: None) -> Category:
    return factories.category("Shirts")


@pytest.fixture
def live(shirts: Category) -> ModelVersion:
    return factories.version(VersionState.LIVE, [shirts.slug])


@pytest.fixture
def photos(live: ModelVersion) -> list[list[ProductImage]]:
    """`photos[2]` are of the third kind; each has an embedding of the live backbone."""
    return [[photo(live.backbone, kind) for _ in range(EACH)] for kind in range(KINDS)]


def photo(backbone: Backbone, kind: int, **columns: Any) -> ProductImage:
    image = factories.image(stored=False, **columns)
    embeddings.store(image, backbone, kind)
    return image


def settle(turns: int = 5) -> None:
    for _ in range(turns):
        keep_up(seconds=60)


def near(image: ProductImage, count: int = EACH - 1, **options: Any) -> set[int]:
    return {other.pk for other, _ in similar.neighbours(image, count=count, **options)}


def ids(images: list[ProductImage]) -> set[int]:
    return {image.pk for image in images}


def generation(backbone: Backbone) -> Path:
    return generations(similar_index.folder_of(backbone.sha256))[0]


def test_the_nearest_are_of_the_same_kind_and_never_the_photo_itself(
    photos: list[list[ProductImage]],
) -> None:
    settle()

    for kind in photos:
        assert near(kind[0]) == ids(kind[1:])
    found = similar.neighbours(photos[0][0], count=3)
    assert [likeness for _, likeness in found] == sorted((s for _, s in found), reverse=True)
    assert all(0.5 < likeness <= 1 for _, likeness in found)


def test_a_photo_that_arrives_is_found_after_the_next_sweep(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    before = generation(live.backbone)
    new = photo(live.backbone, 1)

    assert new.pk not in near(photos[1][0], EACH)
    assert near(new, EACH) == ids(photos[1])
    keep_up()

    assert near(photos[1][0], EACH) == ids([*photos[1][1:], new])
    assert generation(live.backbone) == before


def test_a_row_that_became_visible_late_is_taken_in(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    late = photos[2][-1]
    row = Embedding.objects.get(image=late)
    Embedding.objects.filter(image__in=[late.pk, photos[2][0].pk]).delete()
    embeddings.store(photos[2][0], live.backbone, 2)  # written after, and seen before
    settle()
    row.save(force_insert=True)
    photo(live.backbone, 0)

    keep_up()
    keep_up()

    assert late.pk in near(photos[2][0], EACH)


def test_a_withdrawn_photo_disappears_at_once_and_soon_from_the_files(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    gone = photos[0][1]
    lifecycle.withdraw(gone, by=factories.user(Role.MANAGER))

    assert gone.pk not in near(photos[0][0], 30)
    keeping._forgot_at[0] = 0.0
    keep_up()

    index = similar_index.Index.open(generation(live.backbone))
    assert gone.pk not in index.ids
    assert len(index.ids) == KINDS * EACH - 1


def test_what_is_asked_for_decides_what_is_shown(
    photos: list[list[ProductImage]], shirts: Category
) -> None:
    settle()
    seed, checked, *others = photos[0]
    hats = factories.category("Hats")
    rita = factories.user(Role.REVIEWER)
    lifecycle.decide_category(checked, shirts, by=rita, revision=0)
    ProductImage.objects.filter(pk=others[0].pk).update(predicted=hats)

    assert near(seed, 30, among="confirmed") == {checked.pk}
    assert checked.pk not in near(seed, 30, among="unchecked")
    assert near(seed, 30, among="confirmed", category=shirts) == {checked.pk}
    assert near(seed, 30, among="confirmed", category=hats) == set()
    assert near(seed, 30, category=hats) == {others[0].pk}


def test_rare_photos_are_found_beyond_the_nearest(
    photos: list[list[ProductImage]], shirts: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    far = photos[2][3]
    lifecycle.decide_category(far, shirts, by=factories.user(Role.REVIEWER), revision=0)
    for limit in ("FIRST_LOOK", "LOOK", "LOOKED_AT"):
        monkeypatch.setattr(similar, limit, 2)

    assert near(photos[0][0], 1, among="confirmed") == {far.pk}


@pytest.mark.parametrize("name", ["*.vectors.npy", "*.ids.npy", "components.npz", "index.json"])
def test_a_damaged_file_makes_another_index(
    name: str, photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    file = next(generation(live.backbone).glob(name))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    similar._open.cache_clear()

    assert near(photos[0][0]) == set()
    assert similar.why_none(photos[0][0]) == "no-index"
    settle()

    assert near(photos[0][0]) == ids(photos[0][1:])


def test_a_flipped_byte_is_noticed_by_a_worker_that_starts(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    before = generation(live.backbone)
    file = next(before.glob("*.vectors.npy"))
    content = bytearray(file.read_bytes())
    content[-3] ^= 0x40
    file.write_bytes(content)
    keeping._verified.clear()

    settle()

    assert generation(live.backbone) != before
    assert near(photos[0][0]) == ids(photos[0][1:])


def test_a_full_disk_leaves_the_index_as_it_was(
    photos: list[list[ProductImage]], live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    photo(live.backbone, 0)
    there = sorted(generation(live.backbone).iterdir())

    def full(file: IO[bytes], *_content: object) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(np, "save", full)
        assert keep_up() == 0

    assert sorted(generation(live.backbone).iterdir()) == there
    assert near(photos[0][0]) == ids(photos[0][1:])
    assert keep_up() == 1


def test_hardly_any_room_is_left_to_uploads(
    photos: list[list[ProductImage]], settings: Settings, models_dir: Path
) -> None:
    settings.UPLOAD_MIN_FREE_BYTES = 10**18

    settle()

    assert not (models_dir / "similar").exists()


def test_of_two_workers_the_last_stands_and_nothing_is_missing_for_long(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    folder = generation(live.backbone)
    stale = Manifest.read(folder)
    photo(live.backbone, 0)
    keep_up()
    stale.write(folder)  # the other worker began before and ended after

    settle()

    index = similar_index.Index.open(folder)
    assert sorted(index.ids) == sorted(ProductImage.objects.values_list("pk", flat=True))


def test_a_new_backbone_serves_once_its_index_holds_every_photo(
    photos: list[list[ProductImage]], live: ModelVersion, shirts: Category
) -> None:
    settle()
    newer = factories.version(VersionState.CANDIDATE, [shirts.slug])
    Serving.objects.update(live=newer, previous=live)
    job = start(ReclassifyScope.UNSEEN)
    everything = [image for kind in photos for image in kind]
    for image in everything[: EACH + 2]:
        embeddings.store(image, newer.backbone, kind=image.pk % 2 + 50)
    settle()
    while_filling = near(photos[0][0])

    for image in everything[EACH + 2 :]:
        embeddings.store(image, newer.backbone, kind=image.pk % 2 + 50)
    job.finished_at = job.created_at
    job.save()
    settle(10)

    assert while_filling == ids(photos[0][1:])
    same = {image.pk for image in everything if image.pk % 2 == photos[0][0].pk % 2}
    assert near(photos[0][0], len(same) - 1) == same - {photos[0][0].pk}


def test_many_more_photos_make_a_new_generation_and_the_old_one_goes(
    photos: list[list[ProductImage]], live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    before = generation(live.backbone)
    for _ in range(2 * KINDS * EACH):
        photo(live.backbone, 1)
    monkeypatch.setattr(keeping, "LEFT_ALONE_SECONDS", 0.0)

    settle()

    assert generations(before.parent) == [generation(live.backbone)] != [before]
    assert near(photos[0][0]) == ids(photos[0][1:])


def test_files_that_nobody_reads_any_more_are_removed(
    photos: list[list[ProductImage]],
    live: ModelVersion,
    models_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle()
    (models_dir / "similar" / "0123456789abcdef" / "old").mkdir(parents=True)
    photo(live.backbone, 0)
    monkeypatch.setattr(keeping, "LEFT_ALONE_SECONDS", 0.0)
    time.sleep(0.01)
    settle(2)

    names = sorted(file.name for file in generation(live.backbone).iterdir())
    assert len(names) == 4
    assert [f.name for f in (models_dir / "similar").iterdir()] == [live.backbone.sha256[:16]]


def test_what_another_hosts_page_may_still_read_stays_for_a_while(
    photos: list[list[ProductImage]], live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    folder = generation(live.backbone)
    before = Manifest.read(folder)
    for file in folder.iterdir():
        os.utime(file, (0, 0))  # written long ago
    photo(live.backbone, 0)

    settle()

    assert Manifest.read(folder).segments != before.segments
    held, _ = similar_index.read_segment(folder, before.segments[-1], before.dimensions)
    assert len(held) == KINDS * EACH
    monkeypatch.setattr(keeping, "LEFT_ALONE_SECONDS", 0.0)
    settle()
    assert len(list(folder.iterdir())) == 4


def test_an_index_is_kept_where_another_worker_replaced_a_segment_while_it_was_opened(
    photos: list[list[ProductImage]], live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    folder = generation(live.backbone)
    read_segment = similar_index.read_segment

    def after_the_other(folder: Path, segment: Segment, dimensions: int) -> Any:
        monkeypatch.setattr(similar_index, "read_segment", read_segment)
        new = photo(live.backbone, 0)
        keep_up()  # as another worker does
        photos[0].append(new)
        for file in folder.glob(f"{segment.name}.*"):
            file.unlink()
        return read_segment(folder, segment, dimensions)

    monkeypatch.setattr(similar_index, "read_segment", after_the_other)
    keep_up()

    assert generations(folder.parent) == [folder]
    assert near(photos[0][0], EACH) == ids(photos[0][1:])


def test_a_segment_that_is_missing_for_good_makes_another_index(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    before = generation(live.backbone)
    next(before.glob("*.vectors.npy")).unlink()

    settle()

    assert generation(live.backbone) != before
    assert near(photos[0][0]) == ids(photos[0][1:])


def test_without_a_model_or_an_embedding_the_reason_is_told(shirts: Category) -> None:
    image = factories.image(stored=False)
    assert similar.why_none(image) == "no-model"
    live = factories.version(VersionState.LIVE, [shirts.slug])
    assert similar.why_none(image) == "no-index"
    for kind in (1, 2, 3):
        photo(live.backbone, kind)
    settle()
    assert similar.why_none(image) == "no-embedding"
    assert similar.neighbours(image, count=3) == []


def test_an_unfinished_index_is_not_served(
    photos: list[list[ProductImage]], live: ModelVersion
) -> None:
    settle()
    folder = generation(live.backbone)
    replace(Manifest.read(folder), complete_since=0.0).write(folder)

    assert near(photos[0][0]) == set()
    keep_up()
    assert near(photos[0][0]) == ids(photos[0][1:])

"""Splits are permanent, follow the product and its look-alikes, and keep test photos honest."""

from __future__ import annotations

import io
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from PIL import Image, ImageDraw

from catalog import lifecycle, pictures, splits, training_set
from catalog.models import (
    Category,
    MachineState,
    Merchant,
    Origin,
    Product,
    ProductImage,
    Role,
    Split,
    User,
)
from tests import factories


@pytest.fixture
def ada() -> User:
    return factories.user(Role.REVIEWER)


def variant(data: bytes, *, scale: float = 1.0, encoding: str = "JPEG", quality: int = 60) -> bytes:
    """The same picture, saved again by another program."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    size = (round(picture.width * scale), round(picture.height * scale))
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(out, encoding, quality=quality)
    return out.getvalue()


def on_white(colour: str, *, shape: str = "shirt") -> bytes:
    """A plain product shot: one coloured outline in the middle of white."""
    picture = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(picture)
    outline = {
        "shirt": [
            (90, 90),
            (310, 90),
            (370, 170),
            (310, 200),
            (310, 350),
            (90, 350),
            (90, 200),
            (30, 170),
        ],
        "mug": [
            (140, 100),
            (280, 100),
            (280, 150),
            (340, 160),
            (340, 260),
            (280, 270),
            (280, 320),
            (140, 320),
        ],
    }[shape]
    draw.polygon(outline, fill=colour)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def imported(
    category: Category, split: Split = Split.NONE, **more: Any
) -> tuple[ProductImage, bool]:
    """(image, whether the split asked for could be honoured)."""
    image = factories.image(**more)
    honoured = lifecycle.import_label(image, category, split=split)
    return fresh(image), honoured


def chosen(category: Category, by: User, *, drawn: bool, **more: Any) -> ProductImage:
    """A photo that stood in the review queue and was labelled there."""
    image = factories.image(**{"stored": False, **more})
    ProductImage.objects.filter(pk=image.pk).update(
        machine=MachineState.CLASSIFIED, confidence=0.5, drawn=drawn, reviewer=by
    )
    lifecycle.decide_category(image, category, by=by, revision=0)
    return fresh(image)


def fresh(image: ProductImage) -> ProductImage:
    return ProductImage.objects.select_related("product").get(pk=image.pk)


def near(a: bytes, b: bytes) -> bool:
    merchant = factories.merchant()
    first, second = (factories.image(merchant=merchant, data=d) for d in (a, b))
    found = splits.near_duplicates(first)
    assert (first.pk in splits.near_duplicates(second)) == (second.pk in found)
    return second.pk in found


@pytest.mark.django_db
def test_the_split_asked_for_is_given_and_stays(shirts: Category, ada: User) -> None:
    image, honoured = imported(shirts, Split.TEST)

    again = fresh(image)
    other = factories.category()
    lifecycle.decide_category(again, other, by=ada, revision=again.revision)
    lifecycle.undo(again.decisions.latest("id"), by=ada)
    _, second = imported(shirts, Split.TRAIN, merchant=image.merchant, sku=image.product.sku)

    assert honoured
    assert not second
    assert fresh(image).product.split == Split.TEST


@pytest.mark.django_db
def test_photos_of_one_product_share_its_split(shirts: Category) -> None:
    merchant = factories.merchant()
    first, _ = imported(shirts, Split.VALIDATION, merchant=merchant, sku="S-1")
    second, honoured = imported(shirts, Split.VALIDATION, merchant=merchant, sku="S-1")

    assert honoured
    assert first.product == second.product
    assert training_set.build().counts(Split.VALIDATION) == {"shirts": 2}


@pytest.mark.django_db
def test_the_same_bytes_at_another_merchant_share_the_split(shirts: Category) -> None:
    data = factories.photo_bytes()
    imported(shirts, Split.TEST, data=data)

    twin, _ = imported(shirts, data=data)

    assert twin.product.split == Split.TEST


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"quality": 40}, {"scale": 0.5}, {"scale": 1.7}, {"encoding": "WEBP", "scale": 0.7}],
)
def test_the_same_picture_saved_again_shares_the_split(
    shirts: Category, changes: dict[str, Any]
) -> None:
    data = factories.photo_bytes(480, 360)
    imported(shirts, Split.TEST, data=data)

    twin, honoured = imported(shirts, Split.TEST, data=variant(data, **changes))

    assert honoured
    assert twin.product.split == Split.TEST
    assert splits.neighbour_splits(twin) == {Split.TEST}


@pytest.mark.django_db
def test_a_near_duplicate_of_a_test_photo_is_not_imported_into_train(shirts: Category) -> None:
    data = factories.photo_bytes(480, 360)
    imported(shirts, Split.TEST, data=data)

    twin, honoured = imported(shirts, Split.TRAIN, data=variant(data))

    assert not honoured
    assert twin.split_conflict
    assert training_set.build().counts(Split.TRAIN) == {}
    assert training_set.build().counts(Split.TEST) == {"shirts": 1}


@pytest.mark.django_db
def test_a_photo_that_bridges_two_splits_is_used_in_neither(shirts: Category) -> None:
    data, merchant = factories.photo_bytes(480, 360), factories.merchant()
    imported(shirts, Split.TEST, data=data)
    imported(shirts, Split.TRAIN, merchant=merchant, sku="S-1")

    bridge, _ = imported(shirts, merchant=merchant, sku="S-1", data=variant(data))

    assert bridge.split_conflict
    assert bridge.product.split == Split.TRAIN
    assert bridge.pk not in [r.image_id for r in training_set.build().rows]


@pytest.mark.django_db
def test_a_withdrawn_photo_still_holds_its_look_alikes(shirts: Category) -> None:
    """It may have been trained on: a copy must not be tested on."""
    data = factories.photo_bytes(480, 360)
    first, _ = imported(shirts, Split.TRAIN, data=data)
    lifecycle.withdraw(first, by=factories.user(Role.MANAGER))

    assert imported(shirts, data=data)[0].product.split == Split.TRAIN


@pytest.mark.django_db
def test_different_products_on_plain_white_are_not_near_duplicates() -> None:
    assert not near(on_white("navy"), on_white("darkred"))
    assert not near(on_white("navy"), on_white("navy", shape="mug"))
    assert near(on_white("navy"), variant(on_white("navy"), scale=0.5))


@pytest.mark.django_db
def test_photos_without_colours_are_told_by_their_bytes_alone() -> None:
    first = factories.image(stored=False, band_0=7, hash_across=7 << 48)
    factories.image(stored=False, band_0=7, hash_across=7 << 48)
    twin = factories.image(stored=False, sha256=first.sha256)

    assert splits.near_duplicates(first) == [twin.pk]


@pytest.mark.django_db
def test_uncertain_picks_never_enter_validation_or_test(shirts: Category, ada: User) -> None:
    images = [chosen(shirts, ada, drawn=False) for _ in range(12)]
    in_test, _ = imported(shirts, Split.TEST)
    sibling = chosen(shirts, ada, drawn=False, merchant=in_test.merchant, sku=in_test.product.sku)

    assert {i.product.split for i in images} == {Split.TRAIN}
    assert {i.label_origin for i in images} == {Origin.UNCERTAIN}
    assert sibling.product.split == Split.TEST
    assert sibling.pk not in [r.image_id for r in training_set.build().rows]


@pytest.mark.django_db
def test_importing_an_uncertain_pick_again_does_not_make_it_a_test_photo(
    shirts: Category, ada: User
) -> None:
    image = chosen(shirts, ada, drawn=False)

    lifecycle.import_label(image, factories.category(), split=Split.TEST)

    assert fresh(image).label_origin == Origin.UNCERTAIN
    assert training_set.build().counts(Split.TEST) == {}


@pytest.mark.django_db
def test_photos_drawn_at_random_may_enter_all_three(shirts: Category, ada: User) -> None:
    merchant = Merchant.objects.create(name="Fixed")

    found = Counter(
        chosen(shirts, ada, drawn=True, merchant=merchant, sku=f"S-{n}").product.split
        for n in range(24)
    )

    assert set(found) == {Split.TRAIN, Split.VALIDATION, Split.TEST}


@pytest.mark.parametrize(
    ("origin", "shares"),
    [
        (Origin.IMPORT, (0.70, 0.15, 0.15)),
        (Origin.RANDOM, (0.50, 0.25, 0.25)),
        (Origin.UNCERTAIN, (1.0, 0.0, 0.0)),
        (Origin.CHOSEN, (1.0, 0.0, 0.0)),
    ],
)
def test_shares_are_drawn_as_said(origin: Origin, shares: tuple[float, ...]) -> None:
    merchant = Merchant(name="Fixed")
    products = [Product(merchant=merchant, sku=f"S-{n}") for n in range(4000)]

    found = Counter(splits.draw(p, origin) for p in products)

    for split, share in zip((Split.TRAIN, Split.VALIDATION, Split.TEST), shares, strict=True):
        assert abs(found[split] / 4000 - share) < 0.03


def test_the_same_product_draws_alike_in_another_database() -> None:
    product = Product(merchant=Merchant(name="Northwind"), sku="BLUE-42")

    assert {splits.draw(product, Origin.IMPORT) for _ in range(3)} == {Split.TRAIN}


@pytest.mark.django_db(transaction=True)
def test_look_alikes_labelled_at_once_get_one_split() -> None:
    shirts, data = factories.category(), factories.photo_bytes(480, 360)
    images = [factories.image(data=variant(data, quality=q)) for q in (90, 70, 50, 40)]
    gate = threading.Barrier(len(images))

    def label(image: ProductImage) -> None:
        try:
            gate.wait(10)
            lifecycle.import_label(image, shirts)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(images)) as pool:
        list(pool.map(label, images))

    assert len({fresh(i).product.split for i in images}) == 1
    assert not any(fresh(i).split_conflict for i in images)


@pytest.mark.photos
def test_on_real_photos_only_true_look_alikes_are_near(photos_dir: Path) -> None:
    """Of 3,781 photos two pairs show the same thing: a photo filed twice, and a skirt photographed
    twice. Many shirts on one bed are none."""
    train = photos_dir / "train"
    shots = (
        sorted((train / "skirt").glob("*.jpg")) + sorted((train / "t-shirt").glob("*.jpg"))[:250]
    )
    rows = []
    for shot in shots:
        rgb = pictures.read(shot.read_bytes(), max_pixels=10**8).rgb
        rows.append((shot.stem[:8], *pictures.difference_hashes(rgb), pictures.mean_colours(rgb)))

    pairs = [
        (a[0], b[0])
        for n, a in enumerate(rows)
        for b in rows[n + 1 :]
        if splits.bits_apart(a[1], b[1]) <= splits.NEAR_BITS
        and splits.bits_apart(a[2], b[2]) <= splits.NEAR_BITS
        and splits.colours_apart(a[3], b[3]) <= splits.NEAR_COLOURS
    ]

    assert pairs == [("02341619", "78b7da73")]

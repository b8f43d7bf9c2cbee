"""Permanent splits. They follow the product: its photos, the same bytes elsewhere and
near-duplicates share one; a photo that bridges two is used in neither."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple, Protocol

from django.db import connection
from django.db.models import Q

from . import sql
from .models import Origin, Product, ProductImage, Split

NEAR_BITS = 7
NEAR_COLOURS = 3.5
"""Two photos are near-duplicates when both 64-bit difference hashes differ in at most NEAR_BITS and
the 4 × 4 mean colours by at most NEAR_COLOURS of 255 on average. Neither would do alone: of photos
that one person took of many shirts on one bed, hashes see the same shape and colours the same bed.
On 3,781 real photos the hashes alone, at 3 bits, call 26 pairs near-duplicates, one of them
rightly; both together, at these limits, call two, both rightly.

An index finds candidates by one equal 16-bit band of the first hash: always up to 3 bits (by the
pigeonhole principle), mostly beyond. Means differ no more than what they are means of, so the same
index leaves out all of another brightness: of 1,534 photos of clothes one band is shared by two
pairs in a thousand."""
NEAR_BRIGHTNESS = 4
"""NEAR_COLOURS, and what rounding both to whole numbers may add."""
LOCK = 7_305_001
BANDS = ("band_0", "band_1", "band_2", "band_3")
FLAT_BANDS = {0, 0xFFFF}
COMPARED = ("pk", "hash_across", "hash_down", "colours")
CANDIDATES = 5000
SHARES = {
    Origin.IMPORT: ((0.70, Split.TRAIN), (0.85, Split.VALIDATION), (1.0, Split.TEST)),
    Origin.RANDOM: ((0.50, Split.TRAIN), (0.75, Split.VALIDATION), (1.0, Split.TEST)),
}


class Picture(Protocol):
    """What is compared: an image, or these columns of one."""

    @property
    def hash_across(self) -> int: ...

    @property
    def hash_down(self) -> int: ...

    @property
    def colours(self) -> bytes | memoryview[int]: ...


class Looks(NamedTuple):
    pk: int
    hash_across: int
    hash_down: int
    colours: bytes | memoryview[int]


def settle(image: ProductImage, origin: Origin, *, wanted: Split = Split.NONE) -> bool:
    """Give the image's product its split, once, and mark the image if it bridges two.

    Returns False when `wanted` could not be honoured. The caller holds the transaction."""
    one_at_a_time()
    product = Product.objects.select_for_update(no_key=True).get(pk=image.product_id)
    standing = neighbour_splits(image)
    if product.split:
        standing.add(Split(product.split))
    if len(standing) > 1:
        ProductImage.objects.filter(pk=image.pk).update(split_conflict=True)
        return not wanted
    split = standing.pop() if standing else (wanted or draw(product, origin))
    if not product.split:
        Product.objects.filter(pk=product.pk, split=Split.NONE).update(split=split)
    conflict = bool(wanted) and wanted != split
    ProductImage.objects.filter(pk=image.pk).update(split_conflict=conflict)
    return not conflict


def one_at_a_time() -> None:
    """Wait for other transactions that give splits, which two near-duplicates labelled in the same
    moment would otherwise get different ones from."""
    sql.one_at_a_time(LOCK)


def draw(product: Product, origin: Origin) -> Split:
    """Where a product without relatives goes: by a hash of its identity, so that the same import
    into another database splits alike. Photos picked for their uncertainty always train."""
    identity = f"{product.merchant.name}:{product.sku}"
    point = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:6]) / 2**48
    for limit, split in SHARES.get(origin, ((1.0, Split.TRAIN),)):
        if point < limit:
            return split
    return Split.TRAIN


def neighbour_splits(image: ProductImage) -> set[Split]:
    """Splits in which the same bytes or a near-duplicate stands under another product."""
    ids = [image.product_id]
    found = Product.objects.filter(images__in=near_duplicates(image)).exclude(pk__in=ids)
    return {Split(s) for s in found.exclude(split="").values_list("split", flat=True)}


def near_duplicates(image: ProductImage) -> list[int]:
    """Ids of images with the same bytes or nearly the same picture, the image itself left out."""
    others = ProductImage.objects.exclude(pk=image.pk).order_by()
    same = others.filter(sha256=image.sha256).values_list("pk", flat=True)
    found = set(same)
    if (bands := _shared_band(image)) is not None:
        candidates = others.filter(bands).values_list(*COMPARED, named=True)[:CANDIDATES]
        found |= {other.pk for other in candidates if alike(image, other)}
    return sorted(found)


def open_near_duplicates(images: Sequence[ProductImage], *, most: int) -> dict[int, list[int]]:
    """{image id: ids of unlabelled images of nearly the same picture}, in one query that compares
    `most` candidates and no more. It is written out: a reviewer waits for it, and for eight images
    Django takes longer to write these hundred comparisons than the database to make them."""
    bands, values = [], []
    for image in images:
        low, high = image.brightness - NEAR_BRIGHTNESS, image.brightness + NEAR_BRIGHTNESS
        for name in _telling_bands(image):
            bands.append(f"({name} = %s AND brightness BETWEEN %s AND %s)")
            values += [getattr(image, name), low, high]
    if not bands:
        return {}
    statement = (
        "SELECT id, hash_across, hash_down, colours FROM catalog_productimage"  # noqa: S608
        " WHERE label_state = 'unlabelled' AND withdrawn_at IS NULL"
        f" AND ({' OR '.join(bands)}) LIMIT {most:d}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        candidates = [Looks(*row) for row in cursor.fetchall()]
    return {
        image.pk: sorted(o.pk for o in candidates if o.pk != image.pk and alike(image, o))
        for image in images
    }


def alike(a: Picture, b: Picture) -> bool:
    """Whether the two show nearly the same picture."""
    return (
        bits_apart(a.hash_across, b.hash_across) <= NEAR_BITS
        and bits_apart(a.hash_down, b.hash_down) <= NEAR_BITS
        and colours_apart(bytes(a.colours), bytes(b.colours)) <= NEAR_COLOURS
    )


def _telling_bands(image: ProductImage) -> list[str]:
    """Bands of one flat value say nothing (plain backgrounds share them) and are not searched."""
    return [name for name in BANDS if getattr(image, name) not in FLAT_BANDS]


def _shared_band(image: ProductImage) -> Q | None:
    """What finds candidates by an index; None where no band tells anything."""
    near = (image.brightness - NEAR_BRIGHTNESS, image.brightness + NEAR_BRIGHTNESS)
    bands = [Q(**{n: getattr(image, n)}, brightness__range=near) for n in _telling_bands(image)]
    return reduce(or_, bands) if bands else None


def bits_apart(a: int, b: int) -> int:
    """Hamming distance of two signed 64-bit hashes."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def colours_apart(a: bytes, b: bytes) -> float:
    """Mean absolute difference of two colour grids, 0 to 255; infinite where one is missing."""
    if len(a) != len(b) or not a:
        return math.inf
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)

"""Permanent splits. They follow the product: its photos, the same bytes elsewhere and
near-duplicates share one; a photo that bridges two is used in neither."""

from __future__ import annotations

import hashlib

from django.db.models import Q

from .models import Origin, Product, ProductImage, Split

NEAR_BITS = 3
"""Two photos are near-duplicates when both 64-bit difference hashes differ in at most so many bits.
By the pigeonhole principle one of four 16-bit bands is then equal, which an index finds."""
FLAT_BANDS = {0, 0xFFFF}
CANDIDATES = 2000
SHARES = {
    Origin.IMPORT: ((0.70, Split.TRAIN), (0.85, Split.VALIDATION), (1.0, Split.TEST)),
    Origin.RANDOM: ((0.50, Split.TRAIN), (0.75, Split.VALIDATION), (1.0, Split.TEST)),
}


def settle(image: ProductImage, origin: Origin, *, wanted: Split = Split.NONE) -> bool:
    """Give the image's product its split, once, and mark the image if it bridges two.

    Returns False when `wanted` could not be honoured. The caller holds the transaction."""
    product = Product.objects.select_for_update().get(pk=image.product_id)
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
    """Ids of images with the same bytes or hashes within NEAR_BITS, the image itself left out.

    Bands of one flat value say nothing (plain backgrounds share them) and are not searched."""
    bands = Q(sha256=image.sha256)
    for name in ("band_0", "band_1", "band_2", "band_3"):
        value = getattr(image, name)
        if value not in FLAT_BANDS:
            bands |= Q(**{name: value})
    rows = ProductImage.objects.filter(bands).exclude(pk=image.pk)
    candidates = rows.values_list("pk", "sha256", "hash_across", "hash_down")[:CANDIDATES]
    return [
        pk
        for pk, sha256, across, down in candidates
        if sha256 == image.sha256
        or (
            bits_apart(across, image.hash_across) <= NEAR_BITS
            and bits_apart(down, image.hash_down) <= NEAR_BITS
        )
    ]


def bits_apart(a: int, b: int) -> int:
    """Hamming distance of two signed 64-bit hashes."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()

"""Small pictures that a network tells apart by their tint, no two alike."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from catalog import intake, lifecycle
from catalog.models import Category, Merchant, ProductImage, Split
from tests import factories

TINTS = {"cups": (235, 40, 30), "lamps": (30, 60, 235), "plants": (30, 200, 50)}
COUNTS = {Split.TRAIN: 6, Split.VALIDATION: 2, Split.TEST: 10}


def picture(slug: str, number: int) -> bytes:
    """A JPEG of 64 × 64: the same for the same arguments."""
    random = np.random.default_rng([zlib.crc32(slug.encode()), number])
    coarse = random.integers(0, 255, (6, 6, 3)).astype(np.uint8)
    noise = np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BILINEAR))
    tint = np.array(TINTS.get(slug, (120, 120, 120)))
    out = io.BytesIO()
    mixed = (0.45 * noise + 0.55 * tint).astype(np.uint8)
    Image.fromarray(mixed).save(out, "JPEG", quality=92)
    return out.getvalue()


def add(merchant: Merchant, slug: str, number: int) -> ProductImage:
    """A photo that waits for the worker."""
    name = f"{slug}-{number:03}.jpg"
    return intake.add(picture(slug, number), merchant=merchant, name=name, sku=name)


def label(
    merchant: Merchant, slug: str, category: Category, split: Split, numbers: Iterable[int]
) -> list[ProductImage]:
    """Photos of `slug` with the label `category` in `split`."""
    images = [add(merchant, slug, number) for number in numbers]
    for image in images:
        lifecycle.import_label(image, category, split=split)
    return images


def write_all(folder: Path) -> dict[Split, list[Path]]:
    """Files of every tint and split, as `label_all` labels them."""
    paths: dict[Split, list[Path]] = {}
    for split, numbers in numbers_of().items():
        for slug in TINTS:
            for number in numbers:
                path = folder / f"{slug}-{number}.jpg"
                path.write_bytes(picture(slug, number))
                paths.setdefault(split, []).append(path)
    return paths


def label_all(merchant: Merchant, categories: dict[str, Category]) -> None:
    for split, numbers in numbers_of().items():
        for slug in TINTS:
            label(merchant, slug, categories[slug], split, numbers)


def label_rows(merchant: Merchant, categories: dict[str, Category]) -> None:
    """The same labels on rows without files, for what never looks at a photo."""
    for split, numbers in numbers_of().items():
        for slug in TINTS:
            for _ in numbers:
                image = factories.image(merchant=merchant, stored=False)
                lifecycle.import_label(image, categories[slug], split=split)


def numbers_of() -> dict[Split, range]:
    """Each split has pictures of its own."""
    firsts = [sum(list(COUNTS.values())[:place]) for place in range(len(COUNTS))]
    return {
        split: range(first, first + count)
        for first, (split, count) in zip(firsts, COUNTS.items(), strict=True)
    }

"""Embeddings as rows: what a backbone made of an image, kept so that it is never computed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from django.db import transaction

from catalog import products
from catalog.models import Backbone, Embedding, ProductImage
from classifier.feature_files import EMBEDDING_SIZE

STORED = np.dtype("<f2")
CHUNK = 500

T = TypeVar("T")


def to_bytes(vector: npt.NDArray[Any]) -> bytes:
    """2,048 float16 values, little-endian."""
    return vector.astype(STORED).tobytes()


def known(image_ids: Sequence[int], backbone_id: int) -> dict[int, npt.NDArray[np.float16]]:
    """Embeddings that this backbone gave of these images before."""
    rows = Embedding.objects.filter(image_id__in=image_ids, backbone_id=backbone_id)
    found = {pk: np.frombuffer(v, STORED) for pk, v in rows.values_list("image_id", "vector")}
    return {pk: vector for pk, vector in found.items() if len(vector) == EMBEDDING_SIZE}


def in_chunks(
    items: Sequence[T], backbone_id: int, *, image_id: Callable[[T], int]
) -> Iterator[tuple[list[T], npt.NDArray[np.float16]]]:
    """A chunk of the items at a time with the embeddings this backbone gave of their images before,
    so that memory does not grow with the catalog; items without one are passed over."""
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        vectors = known([image_id(item) for item in chunk], backbone_id)
        found = [item for item in chunk if image_id(item) in vectors]
        if found:
            yield found, np.stack([vectors[image_id(item)] for item in found])


def stored(
    sha256: str, image_ids: Sequence[int], places: Sequence[int]
) -> Iterator[tuple[list[int], npt.NDArray[np.float16]]]:
    """What the backbone of that SHA-256, and no other, gave of the images at `places` before."""
    backbone = Backbone.objects.filter(sha256=sha256).first()
    if backbone is not None:
        yield from in_chunks(places, backbone.pk, image_id=lambda place: image_ids[place])


@transaction.atomic
def store(backbone: Backbone, image_ids: Sequence[int], vectors: npt.NDArray[np.float16]) -> None:
    """Write what is not there yet, of images that were not withdrawn meanwhile; `vectors` is
    (len(image_ids), 2048)."""
    products.lock_of(image_ids)  # a withdrawal takes its photo's embeddings along: these too
    present = set(
        ProductImage.objects.present().filter(pk__in=image_ids).values_list("pk", flat=True)
    )
    rows = [
        Embedding(image_id=pk, backbone=backbone, vector=to_bytes(vector))
        for pk, vector in zip(image_ids, vectors, strict=True)
        if pk in present
    ]
    rows.sort(key=lambda row: row.image_id)  # as everybody inserts them
    Embedding.objects.bulk_create(rows, ignore_conflicts=True)


def missing(backbone: Backbone, image_ids: Sequence[int]) -> set[int]:
    """Those of the images that have no embedding of this backbone."""
    there = Embedding.objects.filter(image_id__in=image_ids, backbone=backbone)
    return set(image_ids) - set(there.values_list("image_id", flat=True))

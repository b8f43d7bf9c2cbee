"""Embeddings as rows: what a backbone made of an image, kept so that it is never computed twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import transaction

from catalog.models import Backbone, Embedding, ProductImage
from classifier.feature_files import EMBEDDING_SIZE

STORED = np.dtype("<f2")
CHUNK = 500


def to_bytes(vector: npt.NDArray[Any]) -> bytes:
    """2,048 float16 values, little-endian."""
    return vector.astype(STORED).tobytes()


def known(image_ids: Sequence[int], backbone_id: int) -> dict[int, npt.NDArray[np.float16]]:
    """Embeddings that this backbone gave of these images before."""
    rows = Embedding.objects.filter(image_id__in=image_ids, backbone_id=backbone_id)
    found = {pk: np.frombuffer(v, STORED) for pk, v in rows.values_list("image_id", "vector")}
    return {pk: vector for pk, vector in found.items() if len(vector) == EMBEDDING_SIZE}


def stored(
    sha256: str, image_ids: Sequence[int], places: Sequence[int]
) -> Iterator[tuple[list[int], npt.NDArray[np.float16]]]:
    """What the backbone of that SHA-256, and no other, gave of the images at `places` before: a
    chunk at a time, so that memory does not grow with the catalog."""
    backbone = Backbone.objects.filter(sha256=sha256).first()
    if backbone is None:
        return
    for start in range(0, len(places), CHUNK):
        chunk = places[start : start + CHUNK]
        vectors = known([image_ids[place] for place in chunk], backbone.pk)
        found = [place for place in chunk if image_ids[place] in vectors]
        if found:
            yield found, np.stack([vectors[image_ids[place]] for place in found])


@transaction.atomic
def store(backbone: Backbone, image_ids: Sequence[int], vectors: npt.NDArray[np.float16]) -> None:
    """Write what is not there yet, of images that were not withdrawn meanwhile; `vectors` is
    (len(image_ids), 2048)."""
    lacking = missing(backbone, image_ids)
    present = ProductImage.objects.present().filter(pk__in=lacking)
    wanted = set(present.values_list("pk", flat=True)) if lacking else set()
    rows = [
        Embedding(image_id=pk, backbone=backbone, vector=to_bytes(vector))
        for pk, vector in zip(image_ids, vectors, strict=True)
        if pk in wanted
    ]
    Embedding.objects.bulk_create(rows, ignore_conflicts=True)


def missing(backbone: Backbone, image_ids: Sequence[int]) -> set[int]:
    """Those of the images that have no embedding of this backbone."""
    there = Embedding.objects.filter(image_id__in=image_ids, backbone=backbone)
    return set(image_ids) - set(there.values_list("image_id", flat=True))

"""Embeddings as rows: what a backbone made of an image, kept so that it is never computed twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import transaction

from catalog.models import Backbone, Embedding, ProductImage
from classifier.feature_files import EMBEDDING_SIZE

STORED = np.dtype("<f2")


def to_bytes(vector: npt.NDArray[Any]) -> bytes:
    """2,048 float16 values, little-endian."""
    return vector.astype(STORED).tobytes()


def known(image_ids: Sequence[int], backbone_id: int) -> dict[int, npt.NDArray[np.float16]]:
    """Embeddings that this backbone gave of these images before."""
    rows = Embedding.objects.filter(image_id__in=image_ids, backbone_id=backbone_id)
    found = {pk: np.frombuffer(v, STORED) for pk, v in rows.values_list("image_id", "vector")}
    return {pk: vector for pk, vector in found.items() if len(vector) == EMBEDDING_SIZE}


@transaction.atomic
def store(backbone: Backbone, image_ids: Sequence[int], vectors: npt.NDArray[np.float16]) -> None:
    """Write what is not there yet, of images that were not withdrawn meanwhile; `vectors` is
    (len(image_ids), 2048)."""
    present = set(
        ProductImage.objects.present().filter(pk__in=image_ids).values_list("pk", flat=True)
    )
    rows = [
        Embedding(image_id=pk, backbone=backbone, vector=to_bytes(vector))
        for pk, vector in zip(image_ids, vectors, strict=True)
        if pk in present
    ]
    Embedding.objects.bulk_create(rows, ignore_conflicts=True)

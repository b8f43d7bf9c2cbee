"""Made-up embeddings: photos of one kind lie near each other."""

from __future__ import annotations

import time

import numpy as np

from catalog import similar_index
from catalog.models import Backbone, Embedding, ProductImage

SIZE = 64
"""A real backbone's have 2,048 values; nothing here depends on it."""


def of_kind(kind: int, number: int, *, spread: float = 0.3) -> bytes:
    """SIZE float16 values around the middle of the kind, the same for the same numbers."""
    middle = np.random.default_rng(kind).normal(size=SIZE)
    away = np.random.default_rng([kind, number]).normal(size=SIZE)
    return (middle + spread * away).astype("<f2").tobytes()


def store(
    image: ProductImage, backbone: Backbone, kind: int, number: int = 0, **options: float
) -> None:
    vector = of_kind(kind, number or image.pk, **options)
    Embedding.objects.create(image=image, backbone=backbone, vector=vector)


def index(backbone: Backbone) -> None:
    """An index of all the embeddings there are, without components: as they are."""
    rows = list(Embedding.objects.filter(backbone=backbone).values_list("image_id", "vector"))
    vectors = np.stack([np.frombuffer(bytes(v), "<f2") for _, v in rows]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folder = similar_index.new_generation(similar_index.folder_of(backbone.sha256))
    similar_index.write_components(folder, np.zeros(SIZE, np.float32), np.eye(SIZE).astype("f4"))
    segment = similar_index.write_segment(folder, np.array([pk for pk, _ in rows]), vectors)
    manifest = similar_index.Manifest(
        dimensions=SIZE, known=len(rows), complete_since=time.time(), segments=(segment,)
    )
    manifest.write(folder)

"""Made-up embeddings: photos of one kind lie near each other."""

from __future__ import annotations

import numpy as np

from catalog.models import Backbone, Embedding, ProductImage

SIZE = 64
"""A real backbone's have 2,048 values; nothing here depends on it, and these are sooner compared."""


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

"""Synthetic rows for benchmarks.growth, distributed as in a working catalog."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from catalog.models import (
    Backbone,
    Category,
    Decision,
    DecisionKind,
    Embedding,
    LabelState,
    MachineState,
    Merchant,
    ModelVersion,
    Origin,
    Prediction,
    Product,
    ProductImage,
    Role,
    Serving,
    Split,
    User,
    VersionState,
)

CATEGORIES = 50
MERCHANTS = 40
CHUNK = 500
LABELLED, UNUSABLE, FAILED, WITHDRAWN = 0.12, 0.01, 0.005, 0.005
HOT_BANDS = ((0.02, 63736), (0.035, 61680))
OTHER_BANDS = 2500
"""Of 1,534 photos of clothes two in a thousand pairs share a given band: 63736 and 61680 are common
(plain backgrounds), and the rest is as crowded as 2,500 equally likely values would be."""


TABLES: dict[str, list[type[Model]]] = {
    "image and product": [ProductImage, Product],
    "prediction": [Prediction],
    "embedding": [Embedding],
}


class Filling:
    """The database as it fills. Always the same for the same size."""

    def __init__(self) -> None:
        self.random = Random(7)
        self.count = 0
        self._bytes: dict[str, list[float]] = {}
        merchants = [Merchant(name=f"Merchant {n}") for n in range(MERCHANTS)]
        self.merchants = Merchant.objects.bulk_create(merchants)
        self.categories = [
            Category.objects.create(slug=f"c-{n}", name=f"Category {n}", path=f"Category {n}")
            for n in range(CATEGORIES)
        ]
        self.reviewer = User.objects.create_user("rita", role=Role.REVIEWER)
        self.manager = User.objects.create_user("mira", role=Role.MANAGER)
        self.seller = User.objects.create_user(
            "vera", role=Role.MERCHANT, merchant=self.merchants[0]
        )
        self.version = self._version()
        Serving.objects.update_or_create(id=1, defaults={"live": self.version})

    def _version(self) -> ModelVersion:
        backbone = Backbone.objects.create(
            sha256="0" * 64, directory="backbones/0", source="starter", image_size=112
        )
        return ModelVersion.objects.create(
            backbone=backbone,
            state=VersionState.LIVE,
            directory="versions/0",
            classes=[category.slug for category in self.categories],
            recipe={},
            metrics={},
            fingerprint="",
            weights="starter weights",
        )

    def up_to(self, size: int) -> None:
        """Rows until there are `size` images. PostgreSQL's planner is told, as autovacuum does;
        SQLite's is not, since nobody does that in service."""
        while self.count < size:
            self._some(min(10_000, size - self.count))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")

    def bytes_each(self) -> dict[str, float]:
        """{what: bytes on disk per image, indexes among them}."""
        if connection.vendor == "postgresql":
            return {name: self._relations(tables) for name, tables in TABLES.items()}
        return {name: sum(sizes) / len(sizes) for name, sizes in self._bytes.items()}

    def _relations(self, tables: Sequence[type[Model]]) -> float:
        total = 0
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"VACUUM FULL {table._meta.db_table}")
                cursor.execute("SELECT pg_total_relation_size(%s)", [table._meta.db_table])
                total += cursor.fetchone()[0]
        return total / ProductImage.objects.count()

    def _some(self, count: int) -> None:
        images = self._measured("image and product", count, lambda: self._images(count))
        predictions = self._measured("prediction", count, lambda: self._predictions(images))
        for row in predictions:
            row.image.prediction = row
        changed = [row.image for row in predictions]
        ProductImage.objects.bulk_update(changed, ["prediction"], batch_size=CHUNK)
        self._measured("embedding", count, lambda: self._embeddings(images))
        self._decisions(images)
        self.count += count

    def _measured(self, name: str, count: int, work: Callable[[], Any]) -> Any:
        before = database_bytes()
        done = work()
        if count >= 1000:
            self._bytes.setdefault(name, []).append((database_bytes() - before) / count)
        return done

    def _images(self, count: int) -> list[ProductImage]:
        shares: list[int] = []
        while sum(shares) < count:
            shares.append(self.random.choice([1, 1, 1, 2, 2, 3]))
        products = zip(self._products(len(shares)), shares, strict=True)
        images = [self._image(product) for product, share in products for _ in range(share)]
        images = images[:count]
        ProductImage.objects.bulk_create(images, batch_size=CHUNK)
        return images

    def _products(self, count: int) -> Sequence[Product]:
        """One merchant in forty has a fifth of everything."""
        others = self.merchants[1:]
        made = []
        for n in range(count):
            large = self.random.random() < 0.2
            merchant = self.merchants[0] if large else self.random.choice(others)
            made.append(
                Product(
                    merchant=merchant,
                    sku=f"SKU-{self.count}-{n}",
                    split=self.random.choice([Split.TRAIN] * 7 + [Split.VALIDATION, Split.TEST]),
                    category=self.random.choice(self.categories),
                )
            )
        return Product.objects.bulk_create(made, batch_size=CHUNK)

    def _image(self, product: Product) -> ProductImage:
        point = self.random.random()
        columns: dict[str, Any] = self._human(point)
        failed = WITHDRAWN <= self.random.random() < WITHDRAWN + FAILED
        columns |= {"machine": MachineState.FAILED} if failed else self._answer()
        return ProductImage(
            product=product,
            merchant_id=product.merchant_id,
            original_name=f"{product.sku}.jpg",
            drawn=self.random.random() < settings.REVIEW_RANDOM_SHARE,
            **stored_columns(self.random),
            **columns,
        )

    def _human(self, point: float) -> dict[str, Any]:
        if point < LABELLED:
            return {
                "label_state": LabelState.CONFIRMED,
                "label": self.random.choice(self.categories),
                "label_origin": Origin.RANDOM,
                "revision": 1,
            }
        if point < LABELLED + UNUSABLE:
            return {"label_state": LabelState.UNUSABLE, "unusable_reason": "blurred"}
        return {}

    def _answer(self) -> dict[str, Any]:
        return {
            "machine": MachineState.CLASSIFIED,
            "predicted": self.random.choice(self.categories),
            "confidence": self.random.betavariate(5, 1.5),
            "version": self.version,
        }

    def _predictions(self, images: Sequence[ProductImage]) -> Sequence[Prediction]:
        now = timezone.now()
        rows = [
            Prediction(
                image=image,
                version=self.version,
                category_id=image.predicted_id,
                confidence=image.confidence or 0.0,
                top=top_five(self.categories, self.random),
                at=now - timedelta(seconds=self.random.randrange(86_400 * 90)),
            )
            for image in images
            if image.predicted_id is not None
        ]
        return Prediction.objects.bulk_create(rows, batch_size=CHUNK)

    def _embeddings(self, images: Sequence[ProductImage]) -> None:
        for start in range(0, len(images), CHUNK):
            Embedding.objects.bulk_create(
                Embedding(
                    image=image, backbone_id=self.version.backbone_id, vector=os.urandom(4096)
                )
                for image in images[start : start + CHUNK]
            )

    def _decisions(self, images: Sequence[ProductImage]) -> None:
        Decision.objects.bulk_create(
            [
                Decision(
                    image=image,
                    kind=DecisionKind.CONFIRM,
                    category_id=image.label_id,
                    by=self.reviewer,
                    origin=Origin.RANDOM,
                    revision=1,
                    before_state=LabelState.UNLABELLED,
                )
                for image in images
                if image.label_id is not None
            ],
            batch_size=CHUNK,
        )


def stored_columns(random: Random) -> dict[str, Any]:
    """What an upload of one photo writes; no file stands behind it."""
    stem = secrets.token_hex(16)
    folder = stem[:2]
    light = min(max(round(random.gauss(150, 45)), 0), 255)
    return {
        "file": f"originals/{folder}/{stem}.jpg",
        "display": f"display/{folder}/{stem}.jpg",
        "thumbnail": f"thumbnails/{folder}/{stem}.webp",
        "thumbnail_width": 320,
        "thumbnail_height": 240,
        "sha256": secrets.token_hex(32),
        "format": "jpg",
        "width": 3000,
        "height": 4000,
        "size": 2_500_000,
        "hash_across": random.getrandbits(63),
        "hash_down": random.getrandbits(63),
        "colours": bytes([light] * 48),
        "brightness": light,
        **{f"band_{n}": band(random) for n in range(4)},
    }


def band(random: Random) -> int:
    point = random.random()
    hot = next((value for limit, value in HOT_BANDS if point < limit), None)
    return hot if hot is not None else 26 * random.randrange(OTHER_BANDS) + 3


def top_five(categories: Sequence[Category], random: Random) -> list[tuple[int, float]]:
    return [
        (category.pk, 0.5 / 2**place) for place, category in enumerate(random.sample(categories, 5))
    ]


def database_bytes() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_count")
        pages = int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_size")
        return pages * int(cursor.fetchone()[0])

"""A review queue as large as asked for, written in bulk: a million rows in a minute or two."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from catalog.models import (
    Backbone,
    Category,
    Merchant,
    ModelVersion,
    Product,
    ProductImage,
    Role,
    Serving,
    User,
    VersionState,
)

from .growth_rows import CATEGORIES, FAILED, LABELLED, MERCHANTS, UNUSABLE, WITHDRAWN, band

DISPUTED, COMPLAINED, NEAR, DRAWN = 0.0005, 0.0002, 0.01, 0.1
OLD_ANSWERS, OLDEST_ANSWERS = 0.03, 0.00002
REVIEWERS = 20
DAYS = 365
AT_ONCE = 20_000


class Queue:
    """Who and what there is; always the same for the same size. Merchants, categories and versions
    are as uneven as in service: the first merchant has 30% of all photos, the last a handful."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.random = Random(7)
        self.merchants = Merchant.objects.bulk_create(
            [Merchant(name=f"Merchant {n}") for n in range(MERCHANTS)]
        )
        self.categories = Category.objects.bulk_create(
            [
                Category(slug=f"c-{n}", name=f"Category {n}", path=f"Category {n}")
                for n in range(CATEGORIES)
            ]
        )
        self.reviewers = User.objects.bulk_create(
            [User(username=f"reviewer-{n}", role=Role.REVIEWER) for n in range(REVIEWERS)]
        )
        self.versions = [_version(state) for state in ("retired", "retired", "live")]
        Serving.objects.update_or_create(id=1, defaults={"live": self.versions[-1]})
        self._fill()

    def _fill(self) -> None:
        """Indexes are dropped for the time of filling, and built over all rows at once."""
        with without_indexes(ProductImage), without_indexes(Product):
            made = 0
            while made < self.size:
                made += self._some(made, min(AT_ONCE, self.size - made))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")

    @transaction.atomic
    def _some(self, made: int, count: int) -> int:
        """Products of one to three photos."""
        products: list[tuple[int, int]] = []
        images: list[dict[str, Any]] = []
        while len(images) < count:
            merchant = self._uneven(self.merchants).pk
            product, twin = made + len(images) + 1, None
            products.append((product, merchant))
            for _ in range(self.random.choice([1, 1, 1, 2, 2, 3])):
                if len(images) < count:
                    twin = self._image(made + len(images) + 1, product, merchant, twin)
                    images.append(twin)
        now = timezone.now()
        _insert(Product, [self._product(pk, merchant, now) for pk, merchant in products])
        _insert(ProductImage, images)
        return len(images)

    def _uneven(self, things: list[Any]) -> Any:
        return things[int(len(things) * self.random.random() ** 3)]

    def _product(self, pk: int, merchant: int, now: datetime) -> dict[str, Any]:
        return {"id": pk, "merchant_id": merchant, "sku": f"SKU-{pk}", "created_at": now} | {
            "title": "",
            "split": "",
            "category_id": None,
            "category_checked": False,
        }

    def _image(
        self, pk: int, product: int, merchant: int, twin: dict[str, Any] | None
    ) -> dict[str, Any]:
        random = self.random
        at = timezone.now() - timedelta(days=DAYS * (1 - pk / self.size))
        looks = twin if twin is not None and random.random() < NEAR else _looks(random)
        version = self.versions[-1]
        if random.random() < OLD_ANSWERS:
            version = self.versions[0 if random.random() < OLDEST_ANSWERS / OLD_ANSWERS else 1]
        row = {
            **BLANK,
            **{name: looks[name] for name in LOOKS},
            "id": pk,
            "product_id": product,
            "merchant_id": merchant,
            "original_name": f"photo-{pk}.jpg",
            "sha256": secrets.token_hex(32),
            "drawn": random.random() < DRAWN,
            "predicted_id": self._uneven(self.categories).pk,
            "confidence": random.betavariate(5, 1.5),
            "version_id": version.pk,
            "created_at": at,
            "changed_at": at,
        }
        return row | self._standing(random.random(), at)

    def _standing(self, point: float, at: datetime) -> dict[str, Any]:
        shares = iter((WITHDRAWN, FAILED, UNUSABLE, COMPLAINED, DISPUTED, LABELLED))
        if point < (limit := next(shares)):
            return {"withdrawn_at": at, "file": ""}
        if point < (limit := limit + next(shares)):
            return {"machine": "failed", "failure": "No image.", "confidence": None} | NO_ANSWER
        if point < (limit := limit + next(shares)):
            return {"label_state": "unusable", "unusable_reason": "blurred"}
        label = {"label_state": "confirmed", "label_id": self.random.choice(self.categories).pk}
        if point < (limit := limit + next(shares)):
            return {"complaint_at": at} if "complaint_at" in COLUMNS else {}
        if point < (limit := limit + next(shares)):
            return label | {"disputed": True}
        return label if point < limit + next(shares) else {}


COLUMNS = [field.attname for field in ProductImage._meta.concrete_fields]
LOOKS = ("hash_across", "hash_down", "colours", "brightness", *(f"band_{n}" for n in range(4)))
NO_ANSWER = {"predicted_id": None, "version_id": None}
BLANK: dict[str, Any] = {
    field.attname: None if field.null else field.get_default()
    for field in ProductImage._meta.concrete_fields
} | {
    "file": "originals/0.jpg",
    "display": "display/0.jpg",
    "thumbnail": "thumbnails/0.webp",
    "format": "jpg",
    "width": 3000,
    "height": 4000,
    "size": 2_500_000,
    "machine": "classified",
}


def _looks(random: Random) -> dict[str, Any]:
    light = min(max(round(random.gauss(150, 45)), 0), 255)
    return {
        "hash_across": random.getrandbits(63),
        "hash_down": random.getrandbits(63),
        "colours": bytes([light] * 48),
        "brightness": light,
        **{f"band_{n}": band(random) for n in range(4)},
    }


def _version(state: str) -> ModelVersion:
    backbone, _ = Backbone.objects.get_or_create(
        sha256="0" * 64, defaults={"directory": "b", "source": "starter", "image_size": 112}
    )
    return ModelVersion.objects.create(
        backbone=backbone,
        state=VersionState(state),
        directory="versions/0",
        classes=[],
        recipe={},
        metrics={},
        fingerprint="",
        weights="starter weights",
    )


def _insert(model: Any, rows: list[dict[str, Any]]) -> None:
    table, names = model._meta.db_table, list(rows[0])
    values = [[row[name] for name in names] for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
            cursor.executemany(sql, values)


@contextmanager
def without_indexes(model: Any) -> Iterator[None]:
    """The model's own indexes and those of its foreign keys are away while rows are written."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS"
                " (SELECT 1 FROM pg_constraint WHERE conname = indexname)",
                [table],
            )
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master"
                " WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = %s",
                [table],
            )
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _, sql in found:
            cursor.execute(sql)

"""Rows for tests, made the way the product makes them where that is cheap."""

from __future__ import annotations

import io
import secrets
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from catalog import intake, lifecycle, products
from catalog.models import (
    Backbone,
    Category,
    MachineState,
    Merchant,
    ModelVersion,
    Prediction,
    Product,
    ProductImage,
    Role,
    RunMode,
    RunTrigger,
    Serving,
    TrainingRun,
    User,
    VersionState,
)

from .site import PASSWORD as PASSWORD

_numbers = count(1)


def merchant(name: str = "", **columns: Any) -> Merchant:
    return Merchant.objects.create(name=name or f"Merchant {next(_numbers)}", **columns)


def user(role: Role = Role.MERCHANT, merchant: Merchant | None = None, name: str = "") -> User:
    """Signs in with PASSWORD. A merchant user without `merchant` gets one of their own."""
    if role == Role.MERCHANT and merchant is None:
        merchant = _new_merchant()
    return User.objects.create_user(
        name or f"{role}-{next(_numbers)}",
        password=PASSWORD,
        role=role,
        merchant=merchant,
        is_staff=role == Role.MANAGER,
    )


def category(name: str = "", parent: Category | None = None, **columns: Any) -> Category:
    name = name or f"Category {next(_numbers)}"
    slug = name.lower().replace(" ", "-")
    above = [parent.path] if parent else []
    return Category.objects.create(
        name=name,
        parent=parent,
        slug=f"{parent.slug}-{slug}" if parent else slug,
        path=" › ".join([*above, name]),
        **columns,
    )


def product(merchant: Merchant | None = None, sku: str = "", **columns: Any) -> Product:
    return Product.objects.create(
        merchant=merchant or _new_merchant(), sku=sku or f"SKU-{next(_numbers)}", **columns
    )


def photo_bytes(
    width: int = 96, height: int = 72, *, encoding: str = "JPEG", **options: Any
) -> bytes:
    """An encoded picture that no other call returns."""
    random = np.random.default_rng(next(_numbers))
    coarse = random.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, encoding, **options)
    return out.getvalue()


def image(
    *,
    merchant: Merchant | None = None,
    sku: str = "",
    name: str = "",
    data: bytes | None = None,
    stored: bool = True,
    **columns: Any,
) -> ProductImage:
    """One photo, taken in with a real small JPEG; `columns` are then set on the row as given.
    `stored=False` writes the row alone, without decoding or files."""
    number = next(_numbers)
    owner = merchant or _new_merchant()
    sku, name = sku or f"SKU-{number}", name or f"photo-{number}.jpg"
    if not stored:
        return _bare_image(owner, sku, name, columns)
    added = intake.add(data or photo_bytes(), merchant=owner, name=name, sku=sku)
    if columns:
        ProductImage.objects.filter(pk=added.pk).update(**columns)
        added.refresh_from_db()
    return added


def answered_image(
    category: Category, confidence: float = 0.8, *, others: tuple[Category, ...] = (), **more: Any
) -> ProductImage:
    """A photo with the model's answer: `category` first, then `others` with what is left."""
    answered = image(**more)
    share = (1 - confidence) / (len(others) + 1)
    top = [[category.pk, confidence], *([other.pk, share] for other in others)]
    live = Serving.current().live or version(state=VersionState.LIVE, classes=[category.slug])
    prediction = Prediction.objects.create(
        image=answered, version=live, category=category, confidence=confidence, top=top
    )
    ProductImage.objects.filter(pk=answered.pk).update(
        machine=MachineState.CLASSIFIED,
        predicted=category,
        confidence=confidence,
        prediction=prediction,
        version=live,
    )
    products.refresh([answered.product_id])
    answered.refresh_from_db()
    return answered


def labelled_image(
    category: Category, by: User | None = None, *, suggested: Category | None = None, **more: Any
) -> ProductImage:
    """A photo that a reviewer put into `category`; `suggested` is what the model had said."""
    labelled = answered_image(suggested or category, **more)
    by = by or user(Role.REVIEWER)
    lifecycle.decide_category(labelled, category, by=by, revision=labelled.revision)
    labelled.refresh_from_db()
    return labelled


def backbone(**columns: Any) -> Backbone:
    sha256 = secrets.token_hex(32)
    values = {"source": "starter", "image_size": 128, "directory": f"backbones/{sha256[:12]}"}
    return Backbone.objects.create(sha256=sha256, **(values | columns))


def version(
    state: VersionState = VersionState.CANDIDATE, classes: list[str] | None = None, **columns: Any
) -> ModelVersion:
    """A version as a row, without files; a live one is also what `Serving` points to."""
    values: dict[str, Any] = {
        "backbone": columns.pop("backbone", None) or backbone(),
        "directory": f"versions/{next(_numbers)}",
        "classes": classes or [],
        "recipe": {},
        "metrics": {},
        "fingerprint": secrets.token_hex(32),
        "weights": "starter weights",
    }
    made = ModelVersion.objects.create(state=state, **(values | columns))
    if state == VersionState.LIVE:
        Serving.objects.update_or_create(id=1, defaults={"live": made})
    return made


def run(**columns: Any) -> TrainingRun:
    values = {"trigger": RunTrigger.BUTTON, "mode": RunMode.HEAD}
    return TrainingRun.objects.create(**(values | columns))


def _new_merchant() -> Merchant:
    return merchant()


def _bare_image(owner: Merchant, sku: str, name: str, columns: dict[str, Any]) -> ProductImage:
    under, _ = Product.objects.get_or_create(merchant=owner, sku=sku)
    values: dict[str, Any] = {
        "file": "originals/absent.jpg",
        "display": "display/absent.jpg",
        "thumbnail": "thumbnails/absent.webp",
        "thumbnail_width": 320,
        "thumbnail_height": 240,
        "original_name": name,
        "sha256": secrets.token_hex(32),
        "format": "jpg",
        "width": 640,
        "height": 480,
        "size": 1000,
        "hash_across": 0,
        "hash_down": 0,
        "band_0": 0,
        "band_1": 0,
        "band_2": 0,
        "band_3": 0,
    }
    return ProductImage.objects.create(merchant=owner, product=under, **(values | columns))

"""Bytes -> validated, stored, deduplicated image row."""

from __future__ import annotations

import errno
import hashlib
import logging
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Required, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import formats, timezone

from . import enqueue, pictures, skus, splits
from .errors import Rejected, StorageFull
from .models import Merchant, Priority, Product, ProductImage, Upload

logger = logging.getLogger(__name__)

ORIGINALS = "originals/"
COMPARED = 500
HINT_LENGTH = 200
FULL = {errno.ENOSPC, errno.EDQUOT}
DISK_FULL = "The server's disk is full; nothing was stored. Try again later."


@dataclass(frozen=True)
class Outcome:
    """What happened to one uploaded file, in words for the merchant."""

    status: str
    """accepted, duplicate or rejected; full when the disk is, unsent when there is no room beside
    others now, list for a CSV that was read"""
    message: str
    image_id: int | None = None
    sku: str = ""
    looks_like: int | None = None
    """Id of an earlier photo of this merchant that is nearly the same picture."""


@dataclass(frozen=True)
class Stored:
    """Names of the files written for one picture, and what is known of it."""

    columns: dict[str, Any]

    def names(self) -> list[str]:
        return [self.columns[key] for key in ("file", "display", "thumbnail")]

    def discard(self) -> None:
        """Remove the files: no row names them."""
        for file in self.names():
            default_storage.delete(file)


class Arrival(TypedDict, total=False):
    """What is known of a photo besides its bytes; where no SKU is given, its name tells one."""

    merchant: Required[Merchant]
    name: Required[str]
    sku: str
    title: str
    hint: str
    upload_id: UUID | None
    priority: Priority


def receive(data: bytes, **arrival: Unpack[Arrival]) -> Outcome:
    """Take in one uploaded file. Never raises for a bad file: the outcome says why. The same
    `upload_id` again gets its first answer. StorageFull when the disk is nearly full."""
    merchant, upload_id = arrival["merchant"], arrival.get("upload_id")
    if upload_id and (earlier := first_answer(merchant, upload_id)):
        return earlier
    try:
        image = add(data, **arrival)
    except Rejected as error:
        return _remember(merchant, upload_id, Outcome("rejected", str(error)))
    except DuplicateBytes as error:
        return _remember(merchant, upload_id, error.outcome())
    except IntegrityError:
        # The same bytes or upload id were committed by another request a moment ago.
        if upload_id and (earlier := first_answer(merchant, upload_id)):
            return earlier
        raise
    return _accepted(image)


class DuplicateBytes(Exception):
    """This merchant already has a photo of exactly these bytes."""

    def __init__(self, image: ProductImage) -> None:
        super().__init__(image.pk)
        self.image = image

    def outcome(self) -> Outcome:
        sku = self.image.product.sku
        return Outcome("duplicate", f"Already uploaded, under SKU {sku}.", self.image.pk, sku)


def add(data: bytes, **arrival: Unpack[Arrival]) -> ProductImage:
    """Validate, store and record one photo; raises Rejected or DuplicateBytes.

    The files are on disk, fsynced, before the row commits; when the row cannot be written they
    are removed again. The worker is nudged on commit."""
    _require_acceptable(data)
    sha256 = hashlib.sha256(data).hexdigest()
    _require_new(arrival["merchant"], sha256)
    return record(_store(data, sha256), **arrival)


def prepare(data: bytes) -> Stored:
    """The first half of `add`: validate and write the files; Rejected says why not. Touches no
    database, so threads may do it. What comes of it must be recorded or discarded."""
    _require_acceptable(data)
    return _store(data, hashlib.sha256(data).hexdigest())


def record(stored: Stored, **arrival: Unpack[Arrival]) -> ProductImage:
    """The second half of `add`: the row. Without it the files are removed again; DuplicateBytes
    when another request was faster."""
    image = None
    try:
        with transaction.atomic():
            image = _record(stored, arrival)
    except BaseException as error:
        if image is None or isinstance(error, IntegrityError):
            stored.discard()  # else the commit's answer was lost: the row may stand
        if isinstance(error, IntegrityError):
            _require_new(arrival["merchant"], stored.columns["sha256"])
        raise
    return image


def _require_acceptable(data: bytes) -> None:
    require_room()
    if len(data) > settings.UPLOAD_MAX_BYTES:
        megabytes = settings.UPLOAD_MAX_BYTES // 1_000_000
        raise Rejected(f"The file is larger than {megabytes} MB; send a smaller copy.")


def require_room(more: int = 0) -> None:
    """StorageFull where `more` bytes would leave too little free."""
    if shutil.disk_usage(settings.DATA_DIR).free < settings.UPLOAD_MIN_FREE_BYTES + more:
        raise StorageFull(DISK_FULL)


def display_of(file: str) -> str:
    """The name of a stored original's display copy."""
    return f"display/{file.removeprefix(ORIGINALS).rpartition('.')[0]}.jpg"


def _require_new(merchant: Merchant, sha256: str) -> None:
    same = ProductImage.objects.present().filter(merchant=merchant, sha256=sha256)
    for image in same.select_related("product").order_by():  # one at most: a constraint sees to it
        raise DuplicateBytes(image)


def _store(data: bytes, sha256: str) -> Stored:
    """Decode, then write the original and its two served copies under generated names."""
    with pictures.in_turn(data):
        columns, files = _decoded(data)
    return Stored({**_write(files), **columns, "sha256": sha256, "size": len(data)})


def _decoded(data: bytes) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """What the pixels say, and {column: (name, content)} of the files to write."""
    picture = pictures.read(data, max_pixels=settings.UPLOAD_MAX_PIXELS)
    thumbnail, thumbnail_width, thumbnail_height = pictures.thumbnail_copy(picture.rgb)
    across, down = pictures.difference_hashes(picture.rgb)
    colours = pictures.mean_colours(picture.rgb)
    stem = secrets.token_hex(16)
    folder = stem[:2]
    original = f"{ORIGINALS}{folder}/{stem}.{picture.format}"
    files = {
        "file": (original, data),
        "display": (display_of(original), pictures.display_copy(picture.rgb)),
        "thumbnail": (f"thumbnails/{folder}/{stem}.webp", thumbnail),
    }
    bands = {f"band_{n}": value for n, value in enumerate(pictures.bands(across))}
    columns = {
        **bands,
        "thumbnail_width": thumbnail_width,
        "thumbnail_height": thumbnail_height,
        "format": picture.format,
        "width": picture.rgb.width,
        "height": picture.rgb.height,
        "hash_across": across,
        "hash_down": down,
        "colours": colours,
        "brightness": pictures.brightness(colours),
    }
    return columns, files


def _write(files: dict[str, tuple[str, bytes]]) -> dict[str, str]:
    """{column: name} of the written files; all of them or none."""
    written: dict[str, str] = {}
    try:
        for column, (name, content) in files.items():
            written[column] = default_storage.save(name, ContentFile(content))
    except BaseException as error:
        for name in written.values():
            default_storage.delete(name)
        if isinstance(error, OSError) and error.errno in FULL:
            raise StorageFull(DISK_FULL) from error
        raise
    return written


def _product(arrival: Arrival, sha256: str) -> Product:
    sku = arrival.get("sku", "").strip() or skus.of_photo(arrival["name"], sha256)
    merchant, title = arrival["merchant"], arrival.get("title", "")
    product, _ = Product.objects.get_or_create(merchant=merchant, sku=skus.clean(sku))
    if title and product.title != title:
        Product.objects.filter(pk=product.pk).update(title=title)
    return product


def _record(stored: Stored, arrival: Arrival) -> ProductImage:
    image = ProductImage.objects.create(
        merchant=arrival["merchant"],
        product=_product(arrival, stored.columns["sha256"]),
        original_name=printable(arrival["name"]),
        hint="".join(c for c in arrival.get("hint", "") if c.isprintable())[-HINT_LENGTH:],
        priority=arrival.get("priority", Priority.UPLOAD),
        **stored.columns,
    )
    _note_look_alike(image)
    if upload_id := arrival.get("upload_id"):  # a faster twin makes this fail; its answer stands
        outcome = asdict(_accepted(image))
        Upload.objects.create(merchant=arrival["merchant"], upload_id=upload_id, outcome=outcome)
    enqueue.classify_soon([image.pk])
    return image


def printable(name: str) -> str:
    """The last part of a file's name, as rows keep it."""
    base = PurePath(name.replace("\\", "/")).name
    return "".join(c for c in base if c.isprintable())[:255] or "photo"


def _note_look_alike(image: ProductImage) -> None:
    """Sending one picture twice is mostly a mistake, which only its merchant can judge. The indexes
    that find look-alikes are of all merchants."""
    present = ProductImage.objects.present()
    alike = present.in_bulk(splits.near_duplicates(image)[:COMPARED]).values()
    own = [other for other in alike if other.merchant_id == image.merchant_id]
    if own:
        image.looks_like = min(own, key=lambda other: other.pk)
        image.save(update_fields=["looks_like"])


def _accepted(image: ProductImage) -> Outcome:
    message = "Accepted; waiting for its category."
    if earlier := image.looks_like:
        sent = formats.date_format(timezone.localtime(earlier.created_at), "j M Y")
        message += f" It looks like {earlier.original_name}, which you sent on {sent}."
    return Outcome("accepted", message, image.pk, image.product.sku, image.looks_like_id)


def first_answer(merchant: Merchant, upload_id: UUID) -> Outcome | None:
    upload = Upload.objects.filter(merchant=merchant, upload_id=upload_id).first()
    return Outcome(**upload.outcome) if upload else None


def _remember(merchant: Merchant, upload_id: UUID | None, outcome: Outcome) -> Outcome:
    """The first answer stays: of two requests with one upload id the later gets the earlier's."""
    if upload_id is None:
        return outcome
    upload, _ = Upload.objects.get_or_create(
        merchant=merchant, upload_id=upload_id, defaults={"outcome": asdict(outcome)}
    )
    return Outcome(**upload.outcome)

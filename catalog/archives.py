"""A ZIP of photos: stored once, then worked through in slices, so that no request holds a worker of
the site for long and whatever is killed half-way goes on where it was."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import IO, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db.models import F, QuerySet
from django.utils import timezone

from . import intake, product_list, skus
from .errors import CatalogError, Rejected, StorageFull
from .intake import Outcome
from .models import Archive, Merchant
from .zips import Entry, Zip

SECONDS = 2.0
AT_ONCE = 40
KEPT = timedelta(days=2)
"""An archive nobody goes on with is deleted after that."""
UNFINISHED = 4
"""A merchant may have so many side by side, as many as the page sends at a time."""


@dataclass(frozen=True)
class Answered:
    """What happened to one file of the archive."""

    number: int
    name: str
    outcome: Outcome


class TooManyArchives(CatalogError):
    """So many of this merchant are half-way that another has to wait."""

    def __init__(self) -> None:
        super().__init__(
            f"{UNFINISHED} of your archives are half-way already; finish or delete one of them on "
            "the upload page, then send this one again."
        )


def store(file: File[bytes], *, merchant: Merchant, name: str) -> Archive:
    """Keep the archive for working through, beside unfinished ones. Rejected where it cannot be
    one, TooManyArchives beside UNFINISHED, StorageFull where the disk is nearly full."""
    intake.require_room(file.size)
    if unfinished(merchant).count() >= UNFINISHED:
        raise TooManyArchives
    entries = len(Zip(cast("IO[bytes]", file)).entries)
    stored = _write(file)
    archive = Archive.objects.create(
        merchant=merchant, name=intake.printable(name), file=stored, entries=entries
    )
    for done in Archive.objects.filter(merchant=merchant, position__gte=F("entries")):
        discard(done)
    return archive


def sweep() -> int:
    """Delete the archives that nobody went on with; returns how many."""
    old = list(Archive.objects.filter(created_at__lt=timezone.now() - KEPT))
    for archive in old:
        discard(archive)
    return len(old)


def unfinished(merchant: Merchant) -> QuerySet[Archive]:
    rows = Archive.objects.filter(merchant=merchant, position__lt=F("entries"))
    return rows.order_by("created_at")


def discard(archive: Archive) -> None:
    """The row first: a file without a row harms nobody."""
    Archive.objects.filter(pk=archive.pk).delete()
    default_storage.delete(archive.file)


def go_on(archive: Archive, *, start: int | None = None) -> list[Answered]:
    """Answer the next files, for a few seconds at most. `start` repeats from an earlier file whose
    answer got lost: each gets its first answer again."""
    begin = archive.position if start is None else min(start, archive.position)
    until = time.monotonic() + SECONDS
    answers: list[Answered] = []
    with default_storage.open(archive.file) as file:
        opened = Zip(cast("IO[bytes]", file))
        # Lists last: they name photos that stand before or behind them.
        ordered = sorted(opened.entries, key=lambda entry: (entry.is_list, entry.number))
        products = _product_folders(opened)
        for place, entry in enumerate(ordered[begin : begin + AT_ONCE], start=begin):
            before = archive.unpacked
            outcome = _take(archive, opened, entry, place, products)
            answers.append(Answered(place, entry.name, outcome))
            Archive.objects.filter(pk=archive.pk, position=place).update(
                position=place + 1, unpacked=F("unpacked") + archive.unpacked - before
            )
            if time.monotonic() > until:
                break
    stands = Archive.objects.filter(pk=archive.pk).values_list("position", flat=True).first()
    # Deleted meanwhile, it stands where these answers end.
    archive.position = begin + len(answers) if stands is None else stands
    return answers


def _write(file: File[bytes]) -> str:
    file.seek(0)
    try:
        return default_storage.save(f"archives/{secrets.token_hex(16)}.zip", file)
    except OSError as error:
        if error.errno in intake.FULL:
            raise StorageFull(intake.DISK_FULL) from error
        raise


def _take(archive: Archive, opened: Zip, entry: Entry, place: int, products: set[str]) -> Outcome:
    known = place < archive.position
    upload_id = uuid.uuid5(archive.pk, str(place))
    if known and (earlier := intake.first_answer(archive.merchant, upload_id)):
        return earlier
    read = 0

    def count(size: int) -> None:
        nonlocal read
        read += size
        if archive.unpacked + (0 if known else read) > settings.UPLOAD_ZIP_MAX_UNPACKED:
            megabytes = settings.UPLOAD_ZIP_MAX_UNPACKED // 1_000_000
            raise Rejected(f"The archive unpacks to more than {megabytes} MB; split it.")

    try:
        data = opened.read(entry, count)
    except Rejected as error:
        return Outcome("rejected", str(error))
    finally:
        if not known:
            archive.unpacked += read
    if entry.is_list:
        return _apply(data, archive.merchant)
    return intake.receive(
        data,
        merchant=archive.merchant,
        name=entry.name,
        sku=_sku(entry, products),
        hint=entry.folder,
        upload_id=upload_id,
    )


def _product_folders(opened: Zip) -> set[str]:
    """Folders that hold a product each: a name that is no SKU, as `front.jpg`, is in several. The
    names a camera gives prove nothing: they begin again in each of its folders."""
    folders: dict[str, set[str]] = {}
    for entry in opened.entries:
        sku = skus.from_name(entry.name)
        if skus.says_nothing(sku) and not skus.is_of_camera(PurePath(entry.name).stem):
            folders.setdefault(entry.name.lower(), set()).add(entry.folder)
    return set().union(*(several for several in folders.values() if len(several) > 1))


def _sku(entry: Entry, products: set[str]) -> str:
    """Empty where the photo's own name has to say it."""
    folder = skus.clean("".join(entry.folders[-1:]))
    if entry.folder not in products or skus.says_nothing(folder):
        return ""
    return folder if skus.says_nothing(skus.from_name(entry.name)) else ""


def _apply(data: bytes, merchant: Merchant) -> Outcome:
    try:
        applied = product_list.apply(product_list.read(data), merchant=merchant)
    except Rejected as error:
        return Outcome("rejected", str(error))
    return Outcome("list", " ".join([applied.words, *applied.problems[:3]]))

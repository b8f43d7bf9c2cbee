"""Folders of photos into the catalog: a folder per category, its labels counting as a person's.

Threads decode and write the files; this thread alone writes rows, in the order of the paths, so
that the same folder imported elsewhere splits alike. Importing again adds nothing."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import transaction

from . import categories, category_names, intake, lifecycle, pictures, skus, splits
from .errors import CatalogError, NotAllowed, Rejected, StaleImage
from .folders import BadFolder, Photo, Scan, shown
from .intake import DuplicateBytes, Stored
from .models import Category, Merchant, Priority, ProductImage, Split

logger = logging.getLogger(__name__)

MERCHANT = "Imported"
THREADS = min(8, os.cpu_count() or 1)


@dataclass
class Imported:
    """What came of an import."""

    added: int = 0
    duplicates: int = 0
    rejected: list[dict[str, str]] = field(default_factory=list)
    split_conflicts: int = 0
    categories: Counter[str] = field(default_factory=Counter)

    def reject(self, path: Path, reason: str) -> None:
        self.rejected.append({"path": shown(path), "reason": reason})


@dataclass(frozen=True)
class Prepared:
    """A photo after the threads: stored, known already, or refused."""

    photo: Photo
    sha256: str = ""
    stored: Stored | None = None
    reason: str = ""


def import_folder(
    scan: Scan,
    *,
    merchant: Merchant,
    split: Split = Split.NONE,
    is_sample: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Imported:
    """Take in what a scan found; a photo that cannot be read is reported and left out.

    `split` is where the products go unless near-duplicates stand elsewhere already. Photos of an
    unlabelled scan wait for the worker and for review."""
    require_apart(scan)
    outcome = Imported()
    for path, reason in scan.refused:
        outcome.reject(path, reason)
    leaves = _make_categories(scan, outcome, is_sample=is_sample)
    photos = [p for p in scan.photos if scan.unlabelled or p.folders in leaves]
    importing = _Importing(merchant, split, leaves, _skus(photos), outcome)
    for done, prepared in enumerate(_prepared(photos, _known(merchant)), start=1):
        importing.take(prepared)
        progress(done, len(photos))
    logger.info("imported", extra={"added": outcome.added, "duplicates": outcome.duplicates})
    return outcome


def rehearse(scan: Scan, *, merchant_name: str) -> Imported:
    """What an import would do, without storing anything."""
    require_apart(scan)
    outcome = Imported()
    for path, reason in scan.refused:
        outcome.reject(path, reason)
    merchant = Merchant.objects.filter(name=merchant_name).first()
    known = _known(merchant) if merchant else set()
    for photo in scan.photos:
        try:
            data = photo.path.read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 not in known:
                pictures.read(data, max_pixels=settings.UPLOAD_MAX_PIXELS)
        except OSError as error:
            outcome.reject(photo.path, _unreadable(error))
        except Rejected as error:
            outcome.reject(photo.path, str(error))
        else:
            outcome.added += sha256 not in known
            outcome.duplicates += sha256 in known
            if not scan.unlabelled and sha256 not in known:
                outcome.categories[category_names.folder_slug(photo.folders)] += 1
            known.add(sha256)
    return outcome


def require_apart(scan: Scan) -> None:
    """BadFolder where folders of different names would become one category, as `Kids 0-2` and
    `Kids (0-2)` would. Folders whose categories people merged since are different here."""
    if scan.unlabelled:
        return
    depths = ((p.folders, depth) for p in scan.photos for depth in range(1, len(p.folders) + 1))
    first: dict[str, tuple[str, ...]] = {}
    for names in sorted({folders[:depth] for folders, depth in depths}):
        other = first.setdefault(category_names.folder_slug(names), names)
        if [*map(category_names.alike, other)] != [*map(category_names.alike, names)]:
            raise BadFolder(
                f"The folders {'/'.join(other)} and {'/'.join(names)} would become one category; "
                "rename one of them, or put the photos of both into one folder."
            )


@dataclass
class _Importing:
    merchant: Merchant
    split: Split
    leaves: dict[tuple[str, ...], Category]
    shared_skus: set[str]
    outcome: Imported

    def take(self, prepared: Prepared) -> None:
        """One photo's row and label, in one transaction."""
        photo, stored = prepared.photo, prepared.stored
        if prepared.reason:
            self.outcome.reject(photo.path, prepared.reason)
        elif stored is None:
            self._already_there(prepared)
        else:
            try:
                self._add(photo, stored, prepared.sha256)
            except DuplicateBytes:
                self._already_there(prepared)
            except NotAllowed as error:
                self.outcome.reject(photo.path, str(error))

    def _add(self, photo: Photo, stored: Stored, sha256: str) -> None:
        category = self.leaves.get(photo.folders)
        sku = skus.from_name(photo.path.name)
        sku = f"{sku}-{sha256[:8]}" if sku in self.shared_skus else ""
        with transaction.atomic(), _discarded_on_error(stored):
            if category is not None:
                splits.one_at_a_time()  # before there is a row that others may wait for
            image = intake.record(
                stored,
                merchant=self.merchant,
                name=photo.path.name,
                sku=sku,
                priority=Priority.BACKGROUND,
            )
            if category is not None:
                self._label(image, category)
        self.outcome.added += 1

    def _label(self, image: ProductImage, category: Category) -> None:
        honoured = lifecycle.import_label(image, category, split=self.split)
        self.outcome.split_conflicts += not honoured
        self.outcome.categories[category.slug] += 1

    def _already_there(self, prepared: Prepared) -> None:
        """The same bytes are known. A label is added where nobody has decided anything yet."""
        self.outcome.duplicates += 1
        category = self.leaves.get(prepared.photo.folders)
        same = ProductImage.objects.present().filter(
            merchant=self.merchant, sha256=prepared.sha256, decisions__isnull=True
        )
        if category is None or (image := same.first()) is None:
            return
        try:
            self._label(image, category)
        except StaleImage:
            return  # somebody decided on it in this moment
        except NotAllowed as error:
            self.outcome.reject(prepared.photo.path, str(error))


@contextmanager
def _discarded_on_error(stored: Stored) -> Iterator[None]:
    try:
        yield
    except BaseException:
        stored.discard()
        raise


def _make_categories(
    scan: Scan, outcome: Imported, *, is_sample: bool
) -> dict[tuple[str, ...], Category]:
    """The category of each folder; a folder that breaks a rule of the tree is left out."""
    leaves: dict[tuple[str, ...], Category] = {}
    if scan.unlabelled:
        return leaves
    for folders in sorted({photo.folders for photo in scan.photos}):
        try:
            leaves[folders] = categories.ensure_path(list(folders), is_sample=is_sample)
        except CatalogError as error:
            for photo in scan.photos:
                if photo.folders == folders:
                    outcome.reject(photo.path, str(error))
    return leaves


def _skus(photos: list[Photo]) -> set[str]:
    """SKUs that photos of several categories would share: they cannot be one product."""
    folders: dict[str, set[tuple[str, ...]]] = {}
    for photo in photos:
        folders.setdefault(skus.from_name(photo.path.name), set()).add(photo.folders)
    return {sku for sku, where in folders.items() if len(where) > 1}


def _known(merchant: Merchant) -> set[str]:
    rows = ProductImage.objects.present().filter(merchant=merchant)
    return set(rows.values_list("sha256", flat=True))


def _prepared(photos: list[Photo], known: set[str]) -> Iterator[Prepared]:
    """Each photo in order, read, checked and stored a few ahead by threads. What was stored and
    not taken, as after an error, is removed again."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="import") as pool:
        waiting: deque[Future[Prepared]] = deque()
        try:
            for photo in photos:
                waiting.append(pool.submit(_prepare, photo, known))
                if len(waiting) > 4 * THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            _discard(waiting)


def _prepare(photo: Photo, known: set[str]) -> Prepared:
    try:
        data = photo.path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in known:
            return Prepared(photo, sha256)
        return Prepared(photo, sha256, stored=intake.prepare(data))
    except OSError as error:
        return Prepared(photo, reason=_unreadable(error))
    except Rejected as error:
        return Prepared(photo, reason=str(error))


def _discard(waiting: deque[Future[Prepared]]) -> None:
    for future in waiting:
        if not future.cancel() and future.exception() is None:
            stored = future.result().stored
            if stored is not None:
                stored.discard()


def _unreadable(error: OSError) -> str:
    return f"The file cannot be read ({error.strerror or error})."

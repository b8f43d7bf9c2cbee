"""Take the samples out again: pictures, what was said of them, and every model that saw them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet

from catalog import lifecycle, products, runs
from catalog.errors import RunActive
from catalog.models import (
    Category,
    Complaint,
    Decision,
    Merchant,
    ModelVersion,
    Prediction,
    Preview,
    Product,
    ProductImage,
    Reclassification,
    RunRow,
    Serving,
    TrainingRun,
    User,
)

from .fill import skus

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Removed:
    """How much went."""

    images: int = 0
    categories: int = 0
    versions: int = 0


def remove_samples(*, by: User | None) -> Removed:
    """Remove the drawn pictures, their products, decisions and answers, the versions and runs that
    learned from them, and the sample merchants and categories that hold nothing else. What people
    uploaded under a sample merchant stays. RunActive while a training run is under way."""
    with transaction.atomic():
        if runs.active() is not None:
            raise RunActive("A training run is under way; wait for it or cancel it first.")
        images = ProductImage.objects.filter(merchant__is_sample=True, product__sku__in=skus())
        ids = list(images.values_list("pk", flat=True))
        run_ids = set(RunRow.objects.filter(image_id__in=ids).values_list("run_id", flat=True))
        answered = ProductImage.objects.filter(version__run_id__in=run_ids)
        _hold(ids, run_ids, answered)
        files = [
            name
            for names in images.values_list("file", "display", "thumbnail")
            for name in names
            if name
        ]
        versions = _forget_models(run_ids, answered.exclude(pk__in=ids))
        _delete_images(ids)
        _settle_merchants()
        removed = Removed(len(ids), _delete_categories(), versions)
        transaction.on_commit(partial(_delete_files, files), robust=True)
    logger.info(
        "samples removed",
        extra={"by": by.pk if by else None, "images": removed.images, "versions": removed.versions},
    )
    return removed


def _hold(ids: list[int], run_ids: set[int], answered: QuerySet[ProductImage]) -> None:
    """What goes, in the order in which others take it: whoever is at work on it, as a worker that
    has an answer, is through before, or finds it gone."""
    versions = ModelVersion.objects.filter(run_id__in=run_ids)
    _lock(Serving.objects.all())
    _lock(Preview.objects.filter(Q(version__in=versions) | Q(against__in=versions)))
    _lock(Reclassification.objects.filter(category__is_sample=True))
    while not _locked(ids, answered, versions):
        pass


def _locked(
    ids: list[int], answered: QuerySet[ProductImage], versions: QuerySet[ModelVersion]
) -> bool:
    """Whether all are held now. A version we waited for may have answered one more photo; then none
    is held, since that one's product would be locked out of turn."""
    with transaction.atomic():
        photos = {*ids, *answered.values_list("pk", flat=True)}
        products.lock_of(photos)
        _lock(versions)
        more = answered.exclude(pk__in=photos).exists()
        if more:
            transaction.set_rollback(True)
    return not more


def _lock(rows: QuerySet[Any]) -> None:
    list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _forget_models(run_ids: set[int], answered: QuerySet[ProductImage]) -> int:
    """These runs and their versions go; the images of others that they answered wait for the next
    model. Directories without a version are the worker's to delete."""
    versions = ModelVersion.objects.filter(run_id__in=run_ids)
    version_ids = list(versions.values_list("pk", flat=True))
    for pointer in ("live", "previous"):
        pointing = Serving.objects.filter(**{f"{pointer}_id__in": version_ids})
        pointing.update(**{pointer: None})
    lifecycle.forget_answers(answered)
    predictions = Prediction.objects.filter(version_id__in=version_ids)
    Decision.objects.filter(prediction__in=predictions).update(prediction=None)
    ProductImage.objects.filter(prediction__in=predictions).update(prediction=None, version=None)
    predictions.delete()
    versions.delete()
    TrainingRun.objects.filter(pk__in=run_ids).delete()
    return len(version_ids)


def _delete_images(ids: list[int]) -> None:
    """In the order in which rows hold on to each other."""
    images = ProductImage.objects.filter(pk__in=ids)
    decisions = Decision.objects.filter(image__in=images)
    decisions.update(undoes=None, prediction=None)
    decisions.delete()
    images.update(prediction=None)
    Prediction.objects.filter(image__in=images).delete()
    images.delete()
    Product.objects.filter(merchant__is_sample=True, images__isnull=True).delete()


def _settle_merchants() -> None:
    """A sample merchant whom somebody signs in for, or who has photos of their own, is from now on
    a merchant like any other."""
    samples = Merchant.objects.filter(is_sample=True)
    samples.filter(users__isnull=True, images__isnull=True).delete()
    samples.update(is_sample=False)


def _delete_categories() -> int:
    """Sample categories that nothing refers to, children before their parents; others stay."""
    removed = 0
    while unused := [c.pk for c in _childless_samples() if not _in_use(c)]:
        Reclassification.objects.filter(category_id__in=unused).delete()
        Category.objects.filter(pk__in=unused).delete()
        removed += len(unused)
    Category.objects.filter(is_sample=True).update(is_sample=False)
    return removed


def _childless_samples() -> QuerySet[Category]:
    return Category.objects.filter(is_sample=True, children__isnull=True)


def _in_use(category: Category) -> bool:
    return (
        ProductImage.objects.filter(label=category).exists()
        or ProductImage.objects.filter(predicted=category).exists()
        or Product.objects.filter(category=category).exists()
        or Prediction.objects.filter(category=category).exists()
        or Decision.objects.filter(category=category).exists()
        or Decision.objects.filter(before_label=category).exists()
        or RunRow.objects.filter(label=category).exists()
        or category.merged.exists()
        or Complaint.objects.filter(category=category).exists()
    )


def _delete_files(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)

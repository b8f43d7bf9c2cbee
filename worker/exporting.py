"""A new backbone is made ready for the engine that serves it, once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from django.conf import settings

from catalog.models import Backbone, Split
from catalog.training_set import Row
from classifier import store
from classifier.engines import KERAS
from classifier.errors import Cancelled, StoreError
from classifier.feature_files import EMBEDDING_SIZE

from . import photos
from .reporting import Progress

if TYPE_CHECKING:
    from classifier.export import Sample
    from classifier.run import Trained

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_VALIDATION = 2000


def export_once(
    backbone: Backbone, trained: Trained, rows: dict[Split, list[Row]], progress: Progress
) -> None:
    """Export the backbone of a run, unless that was done before or nobody is to use it. Without an
    export Keras serves, so whatever goes wrong here is noted and the run goes on."""
    if settings.CLASSIFIER_ENGINE == KERAS or _is_exported(backbone):
        return
    from classifier.export import CALIBRATION_PHOTOS, export
    from classifier.head import Head

    train = [rows[Split.TRAIN][place] for place in trained.judgements[Split.TRAIN].kept]
    try:
        report = export(
            settings.MODELS_DIR,
            trained.backbone,
            head=Head.of(trained.head),
            calibration=[photos.path_of(row.file) for row in _spread(train, CALIBRATION_PHOTOS)],
            sample=_sample(trained, rows),
            progress=progress,
        )
    except Cancelled:
        raise
    except Exception as error:
        logger.exception("backbone not exported", extra={"backbone": backbone.pk})
        backbone.export = {"error": f"{type(error).__name__}: {error}"[:300]}
    else:
        logger.info(
            "backbone exported",
            extra={"backbone": backbone.pk, "precision": report.precision, "why": report.reason},
        )
        backbone.export = vars(report)
    backbone.save(update_fields=["export"])


def _is_exported(backbone: Backbone) -> bool:
    """Stored and intact; one that is damaged is made again."""
    try:
        found = store.read_export(settings.MODELS_DIR, backbone.sha256)
    except StoreError as error:
        logger.warning("export made again", extra={"backbone": backbone.pk, "error": str(error)})
        return False
    if found is not None and backbone.export != found.report:
        backbone.export = found.report
        backbone.save(update_fields=["export"])
    return found is not None


def _sample(trained: Trained, rows: dict[Split, list[Row]]) -> Sample:
    """Validation photos, and training photos besides where those are few. Never test photos."""
    from classifier.export import COMPARED_PHOTOS, Sample

    chosen = [(Split.VALIDATION, n) for n in _places(trained, Split.VALIDATION, MAX_VALIDATION)]
    wanted = COMPARED_PHOTOS - len(chosen)
    chosen += [(Split.TRAIN, n) for n in _places(trained, Split.TRAIN, wanted)]
    columns = {slug: column for column, slug in enumerate(trained.classes)}
    found = [rows[split][trained.judgements[split].kept[n]] for split, n in chosen]
    vectors = [trained.judgements[split].embeddings[n : n + 1] for split, n in chosen]
    return Sample(
        [photos.path_of(row.file) for row in found],
        np.concatenate([np.empty((0, EMBEDDING_SIZE), np.float16), *vectors]),
        np.array([columns.get(row.slug, -1) for row in found], np.int64),
        np.array([split == Split.VALIDATION for split, _ in chosen], np.bool_),
    )


def _places(trained: Trained, split: Split, limit: int) -> list[int]:
    return _spread(range(len(trained.judgements[split].kept)), limit)


def _spread(items: Sequence[T], limit: int) -> list[T]:
    """At most `limit` of the items, evenly from first to last."""
    if len(items) <= limit:
        return list(items)
    return [items[place * len(items) // limit] for place in range(max(limit, 0))]

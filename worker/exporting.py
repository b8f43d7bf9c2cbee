"""A new backbone is made ready for the engine that serves it, once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
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
    from classifier.features import Embeddings

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_VALIDATION = 2000


class Network(Protocol):
    """A network and the categories it knows."""

    @property
    def backbone(self) -> Any: ...

    @property
    def head(self) -> Any: ...

    @property
    def classes(self) -> tuple[str, ...]: ...


class Embedded(Protocol):
    """Photos of a split that Keras has embedded: their places among its rows."""

    @property
    def kept(self) -> npt.NDArray[np.int64]: ...

    @property
    def embeddings(self) -> Embeddings: ...


def save_backbone(network: Any, *, fine_tuned: bool) -> Backbone:
    """On disk and as a row; one that is there already is left as it is."""
    info = store.save_backbone(settings.MODELS_DIR, network)
    backbone, _ = Backbone.objects.get_or_create(
        sha256=info.sha256,
        defaults={
            "directory": info.directory,
            "source": info.source,
            "image_size": info.image_size,
            "fine_tuned": fine_tuned,
        },
    )
    return backbone


def is_exported_here() -> bool:
    """Whether this host's setting has any use for an export."""
    return bool(settings.CLASSIFIER_ENGINE != KERAS)


def export_once(
    backbone: Backbone,
    network: Network,
    embedded: Mapping[str, Embedded],
    rows: dict[Split, list[Row]],
    progress: Progress,
) -> None:
    """Export the backbone of a run, unless that was done before or nobody is to use it; some of its
    training photos are enough. Without an export Keras serves, so whatever goes wrong here is noted
    and the run goes on."""
    if not is_exported_here() or _is_exported(backbone):
        return
    from classifier.export import CALIBRATION_PHOTOS, export
    from classifier.head import Head

    train = [rows[Split.TRAIN][place] for place in embedded[Split.TRAIN].kept]
    try:
        report = export(
            settings.MODELS_DIR,
            network.backbone,
            head=Head.of(network.head),
            calibration=[photos.path_of(row.file) for row in _spread(train, CALIBRATION_PHOTOS)],
            sample=_sample(network.classes, embedded, rows),
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


def sample_of_training(photos: int, validation: int) -> list[int]:
    """The places of as many training photos as an export looks at."""
    from classifier.export import CALIBRATION_PHOTOS, COMPARED_PHOTOS

    return _spread(range(photos), max(CALIBRATION_PHOTOS, COMPARED_PHOTOS - validation))


def _sample(
    classes: Sequence[str], embedded: Mapping[str, Embedded], rows: dict[Split, list[Row]]
) -> Sample:
    """Validation photos, and training photos besides where those are few. Never test photos."""
    from classifier.export import COMPARED_PHOTOS, Sample

    def places(split: Split, limit: int) -> list[int]:
        return _spread(range(len(embedded[split].kept)), limit)

    chosen = [(Split.VALIDATION, n) for n in places(Split.VALIDATION, MAX_VALIDATION)]
    wanted = COMPARED_PHOTOS - len(chosen)
    chosen += [(Split.TRAIN, n) for n in places(Split.TRAIN, wanted)]
    columns = {slug: column for column, slug in enumerate(classes)}
    found = [rows[split][embedded[split].kept[n]] for split, n in chosen]
    vectors = [embedded[split].embeddings[n : n + 1] for split, n in chosen]
    return Sample(
        [photos.path_of(row.file) for row in found],
        np.concatenate([np.empty((0, EMBEDDING_SIZE), np.float16), *vectors]),
        np.array([columns.get(row.slug, -1) for row in found], np.int64),
        np.array([split == Split.VALIDATION for split, _ in chosen], np.bool_),
    )


def _spread(items: Sequence[T], limit: int) -> list[T]:
    """At most `limit` of the items, evenly from first to last."""
    if len(items) <= limit:
        return list(items)
    return [items[place * len(items) // limit] for place in range(max(limit, 0))]

"""What a version's training photos look like, kept with the version, for the hint that nothing like
a photo was checked before."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from catalog.lifecycle import Likeness
from catalog.models import ModelVersion, Split
from catalog.training_set import Row
from classifier.novelty import FILE, Familiar, Looks, learn_familiar, read

if TYPE_CHECKING:
    from classifier.run import Trained

logger = logging.getLogger(__name__)


def files_of(trained: Trained, rows: dict[Split, list[Row]]) -> dict[str, bytes]:
    """{name: content} to store with the version."""
    judged = trained.judgements[Split.TRAIN]
    column = {slug: place for place, slug in enumerate(trained.classes)}
    columns = np.array([column[label] for label in judged.labels], np.int64)
    familiar = learn_familiar(
        judged.embeddings,
        columns,
        _ids(rows[Split.TRAIN], judged.kept.tolist()),
        known=trained.judgements[Split.VALIDATION].embeddings,
    )
    return {FILE: familiar.to_bytes()}


def open_familiar(version: ModelVersion) -> Familiar | None:
    """None for a version of earlier times, which kept none. The version's files were verified when
    it was opened."""
    file = settings.MODELS_DIR / version.directory / FILE
    try:
        return read(file) if file.exists() else None
    except (OSError, ValueError) as error:
        logger.warning("no hints", extra={"version": version.pk, "error": str(error)})
        return None


def likeness(looks: Looks | None, place: int) -> Likeness | None:
    """What is written down of one photo of a batch."""
    if looks is None:
        return None
    return Likeness(float(looks.nearness[place]), looks.nearest.get(place))


def _ids(rows: Sequence[Row], kept: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([rows[place].image_id for place in kept], np.int64)

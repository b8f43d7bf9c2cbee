"""What a version's training photos look like, kept with the version, for the hint that nothing like
a photo was checked before."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from catalog.lifecycle import Likeness
from catalog.models import ModelVersion, Split
from catalog.training_set import Row
from classifier.novelty import FILE, KEPT, Familiar, Looks, learn_familiar, read

if TYPE_CHECKING:
    from classifier.run import Trained

logger = logging.getLogger(__name__)


def files_of(trained: Trained, rows: dict[Split, list[Row]]) -> dict[str, bytes]:
    """{name: content} to store with the version."""
    judged = trained.judgements[Split.TRAIN]
    learned = [rows[Split.TRAIN][place] for place in judged.kept.tolist()]
    column = {slug: place for place, slug in enumerate(trained.classes)}
    familiar = learn_familiar(
        judged.embeddings,
        np.array([column[row.slug] for row in learned], np.int64),
        np.array([row.image_id for row in learned], np.int64),
        known=trained.judgements[Split.VALIDATION].embeddings[:KEPT],
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

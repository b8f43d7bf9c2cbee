"""Look through the labels that are learned from, for those the rest of them contradict."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from catalog import doubts
from catalog.doubts import Found
from catalog.errors import CatalogError
from catalog.models import LabelCheck, Serving
from catalog.training_set import MIN_TRAIN_LABELS
from classifier.components import Components, fit_components
from classifier.errors import ClassifierError, NotEnoughData
from classifier.suspicious import out_of_sample, suspects

from . import embeddings

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
FITTED_ON = 20_000
"""So many photos are plenty to find the directions in which photos differ."""

Labels = Sequence[tuple[int, int]]
"""(image id, category id)"""


def look(check_id: int) -> None:
    """Take up the look asked for; whatever happens its row says so. May be called twice."""
    check = doubts.claim(check_id)
    if check is None:
        return
    started = time.monotonic()
    try:
        labels, found = _doubtful(check)
        doubts.finish(check, found, labels=labels)
    except (ClassifierError, CatalogError) as error:
        doubts.fail(check, str(error))
    except Exception as error:
        logger.exception("label check failed", extra={"check": check.pk})
        doubts.fail(check, f"Unexpected: {type(error).__name__}. The trainer's log has more.")
    else:
        seconds = round(time.monotonic() - started, 2)
        extra = {"check": check.pk, "labels": labels, "found": len(found), "seconds": seconds}
        logger.info("labels looked through", extra=extra)


def _doubtful(check: LabelCheck) -> tuple[int, list[Found]]:
    """How many labels were looked at, and the doubtful ones, the most doubtful first."""
    live = Serving.current().live
    if live is None:
        raise NotEnoughData("There is no live version whose view of the photos could be used yet.")
    labels = _learnable(list(doubts.labels_to_check()))
    components = fit_components(_sample(labels, live.backbone_id))
    beat = _beating(check)
    known, features = _project(labels, components, live.backbone_id, beat)
    categories = sorted({category for _, category in known})
    column = {category: place for place, category in enumerate(categories)}
    columns = np.array([column[category] for _, category in known], np.int64)
    answers = out_of_sample(features, columns, classes=len(categories), beat=beat)
    found = [
        Found(*known[one.place], categories[one.suggested], one.confidence, one.own)
        for one in suspects(answers, columns)
    ]
    return len(known), found


def _beating(check: LabelCheck) -> Callable[[], None]:
    """Says now and then that the trainer is still at it."""
    last = [time.monotonic()]

    def beat() -> None:
        if time.monotonic() - last[0] > BEAT_SECONDS:
            last[0] = time.monotonic()
            doubts.beat(check)

    return beat


def _learnable(labels: Labels) -> Labels:
    """Those of categories with enough photos; NotEnoughData under two such categories."""
    categories, counts = np.unique([category for _, category in labels], return_counts=True)
    kept = set(categories[counts >= MIN_TRAIN_LABELS].tolist())
    if len(kept) < 2:
        raise NotEnoughData(
            f"Looking through labels takes two categories with {MIN_TRAIN_LABELS} checked photos "
            "each. Label more photos."
        )
    return [pair for pair in labels if pair[1] in kept]


def _sample(labels: Labels, backbone_id: int) -> Iterator[npt.NDArray[np.float16]]:
    step = max(1, len(labels) // FITTED_ON)
    some = False
    for _, vectors in embeddings.in_chunks(labels[::step], backbone_id, image_id=_image_of):
        some = True
        yield vectors
    if not some:
        raise NotEnoughData("The live version has not seen the labelled photos yet. Learn first.")


def _project(
    labels: Labels, components: Components, backbone_id: int, beat: Callable[[], None]
) -> tuple[list[tuple[int, int]], npt.NDArray[np.float32]]:
    """The labels whose photos the backbone has seen, and those photos in few numbers: 1 KB each."""
    known: list[tuple[int, int]] = []
    steps = []
    for chunk, vectors in embeddings.in_chunks(labels, backbone_id, image_id=_image_of):
        known += chunk
        steps.append(components.project(vectors))
        beat()
    return known, np.concatenate(steps)


def _image_of(label: tuple[int, int]) -> int:
    return label[0]

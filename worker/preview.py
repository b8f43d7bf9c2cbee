"""What would change if a waiting version went live: its answers and the live version's, side by
side, worked out from stored embeddings. No photo is opened."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.conf import settings

from catalog import previews, training_set
from catalog.errors import CatalogError
from catalog.models import (
    ChangedAnswer,
    LabelState,
    MachineState,
    ModelVersion,
    Preview,
    ProductImage,
    Split,
)
from catalog.previews import OPEN, TEST, Part
from classifier.errors import ClassifierError
from classifier.evaluation import softmax

from . import embeddings
from .answers import Tree

logger = logging.getLogger(__name__)

CHUNK = 500
Answers = dict[int, tuple[int, float]]
"""{image id: (category id, confidence)}"""


class _Unwanted(Exception):
    """The version was decided meanwhile."""


def look(preview_id: int) -> None:
    """Take up the look asked for; whatever happens its row says so. May be called twice."""
    preview = previews.claim(preview_id)
    if preview is None:
        return
    started = time.monotonic()
    try:
        parts = _compare(preview)
        previews.finish(preview, parts)
    except _Unwanted:
        logger.info("preview not wanted any more", extra={"version": preview.version_id})
    except (ClassifierError, CatalogError, OSError) as error:
        previews.fail(preview, str(error))
    except Exception as error:
        logger.exception("preview failed", extra={"version": preview.version_id})
        what = f"Unexpected: {type(error).__name__}. The trainer's log has more."
        previews.fail(preview, what)
    else:
        seconds = round(time.monotonic() - started, 2)
        compared = {key: part.compared for key, part in parts.items()}
        extra = {"version": preview.version_id, "compared": compared, "seconds": seconds}
        logger.info("version previewed", extra=extra)


@dataclass(frozen=True)
class Answering:
    """A version that answers from stored embeddings."""

    version: ModelVersion
    tree: Tree
    logits: Callable[[npt.NDArray[np.float16]], npt.NDArray[np.float32]]

    @classmethod
    def of(cls, version: ModelVersion) -> Answering:
        from classifier import store  # TensorFlow: seconds to import
        from classifier.training import head_logits

        head = store.open_head(settings.MODELS_DIR, version.directory)
        return cls(version, Tree.now(version.classes), lambda vectors: head_logits(head, vectors))

    def answer(self, image_ids: Sequence[int]) -> Answers:
        """Of the images that its backbone has seen."""
        known = embeddings.known(image_ids, self.version.backbone_id)
        if not known or not self.tree:
            return {}
        logits = self.logits(np.stack(list(known.values())))
        rows = self.tree.masked(softmax(logits / self.version.temperature))
        return {pk: self.tree.top(row, count=1)[0] for pk, row in zip(known, rows, strict=True)}


def _compare(preview: Preview) -> dict[str, Part]:
    candidate = Answering.of(preview.version)
    live = Answering.of(preview.against) if preview.against else None
    parts = {TEST: Part(), OPEN: Part()}
    for ids in _test_photos():
        before = live.answer(ids) if live else {}
        _note(preview, parts[TEST], ids, before, candidate.answer(ids), is_test=True)
    for chunk in _open_photos():
        shown = {pk: (predicted, 0.0) for pk, predicted in chunk.items()}
        _note(preview, parts[OPEN], list(chunk), shown, candidate.answer(list(chunk)))
    return parts


def _note(
    preview: Preview,
    part: Part,
    ids: Sequence[int],
    before: Answers,
    after: Answers,
    *,
    is_test: bool = False,
) -> None:
    if not previews.beat(preview):
        raise _Unwanted
    compared = [pk for pk in ids if pk in before and pk in after]
    part.compared += len(compared)
    part.unseen += len(ids) - len(compared)
    changed = [
        ChangedAnswer(
            preview=preview,
            image_id=pk,
            is_test=is_test,
            before_id=before[pk][0],
            after_id=after[pk][0],
            confidence=after[pk][1],
        )
        for pk in compared
        if before[pk][0] != after[pk][0]
    ]
    if changed:
        previews.add(preview, part, changed)


def _test_photos() -> Iterator[list[int]]:
    """A chunk at a time, each by a query of its own: while one is open, SQLite refuses this process
    every write once another process has written."""
    rows = training_set.counting().filter(product__split=Split.TEST).order_by("id")
    after = 0
    while chunk := list(rows.filter(pk__gt=after).values_list("pk", flat=True)[:CHUNK]):
        yield chunk
        after = chunk[-1]


def _open_photos() -> Iterator[dict[int, int]]:
    """{image id: category it is suggested as}, of those nobody checked yet, a chunk at a time."""
    rows = ProductImage.objects.present().filter(
        label_state=LabelState.UNLABELLED,
        machine=MachineState.CLASSIFIED,
        predicted__isnull=False,
    )
    after = 0
    while True:
        found = rows.filter(pk__gt=after).order_by("id").values_list("pk", "predicted_id")
        chunk = {pk: predicted for pk, predicted in found[:CHUNK] if predicted is not None}
        if not chunk:
            return
        after = max(chunk)
        yield chunk

"""A worker's part in a full run: photos to be shown to the run's new backbone."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction

from catalog import shares
from catalog.models import Backbone, EmbeddingShare, ProductImage
from classifier.errors import ClassifierError

from . import embeddings
from .transient import retried
from .work import Vector, Work

if TYPE_CHECKING:
    from classifier.engines.answering import Embedder

logger = logging.getLogger(__name__)

RETRY_SECONDS = 15.0
KEPT_SECONDS = 60.0
"""So long the network of a run stays in memory without work for it."""


class Share(Work):
    """Photos that are embedded by a backbone which serves nobody yet. One that cannot be read is
    passed over: the run comes to it itself, and names it."""

    def __init__(self, claims: Sequence[EmbeddingShare], embedder: Embedder) -> None:
        super().__init__()
        self._claims = claims
        self._backbone = claims[0].backbone
        self._embedder = embedder

    def __len__(self) -> int:
        return sum(claim.size for claim in self._claims)

    @property
    def is_urgent(self) -> bool:
        return False

    @property
    def is_suspect(self) -> bool:
        return any(claim.attempts > 1 for claim in self._claims)

    def read(self) -> None:
        wanted = [pk for claim in self._claims for pk in claim.image_ids]
        lacking = embeddings.missing(self._backbone, wanted)
        rows = ProductImage.objects.present().filter(pk__in=lacking).order_by("id")
        self._read(dict(rows.values_list("pk", "file")), self._backbone.image_size)

    def write(self) -> None:
        vectors, _ = self._computed.result()
        retried(partial(self._store, vectors))

    @transaction.atomic
    def _store(self, vectors: dict[int, Vector]) -> None:
        ours = shares.finish(self._claims)
        ids = [pk for pk in vectors if pk in ours]
        if ids:
            embeddings.store(self._backbone, ids, np.stack([vectors[pk] for pk in ids]))

    def release(self) -> None:
        shares.release(self._claims)

    def _embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        return self._embedder.embed(pixels)


class Newcomer:
    """The backbone of the run under way, opened beside the live one."""

    def __init__(self) -> None:
        self._sha256 = ""
        self._embedder: Embedder | None = None
        self._used_at = 0.0
        self._failed_at = float("-inf")

    def take(self, *, owner: str, photos: int) -> Share | None:
        """The next share, its backbone opened; None when there is none, or it cannot be opened."""
        if time.monotonic() - self._failed_at < RETRY_SECONDS:
            return None
        claims = retried(partial(shares.claim, owner=owner, photos=photos))
        if not claims:
            return None
        try:
            embedder = self._opened(claims[0].backbone)
        except BaseException as error:
            shares.release(claims)
            if not isinstance(error, Exception):
                raise
            self._failed_at = time.monotonic()
            foreseen = isinstance(error, ClassifierError | OSError)
            extra = {"run": claims[0].run_id, "error": str(error)}
            logger.error("no part in the run", extra=extra, exc_info=not foreseen)
            return None
        self._used_at = time.monotonic()
        return Share(claims, embedder)

    def let_go(self) -> None:
        """Once it has had no work for a while."""
        if self._embedder is not None and time.monotonic() - self._used_at > KEPT_SECONDS:
            self._embedder, self._sha256 = None, ""

    def _opened(self, backbone: Backbone) -> Embedder:
        if self._embedder is None or self._sha256 != backbone.sha256:
            from classifier.serving import open_embedder  # OpenVINO or TensorFlow

            self._embedder = None
            embedder = open_embedder(
                settings.MODELS_DIR, backbone.sha256, setting=settings.CLASSIFIER_ENGINE
            )
            embedder.warm()
            self._embedder, self._sha256 = embedder, backbone.sha256
            logger.info("backbone of a run opened", extra={"backbone": backbone.pk})
        return self._embedder

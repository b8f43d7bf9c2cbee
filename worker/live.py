"""The model a worker serves with: loaded aside, warmed, swapped by one reference."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from catalog.models import ModelVersion, Serving, WorkerStatus
from classifier.errors import ClassifierError
from classifier.novelty import Familiar

from .novelty import open_familiar

if TYPE_CHECKING:
    from classifier.engines import Engine

logger = logging.getLogger(__name__)

RETRY_SECONDS = 15.0
HEARTBEAT_SECONDS = 5.0
FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Loaded:
    """A version in memory, ready to answer."""

    version: ModelVersion
    classifier: Engine
    familiar: Familiar | None = None
    """What it learned from looks like; None where the version kept nothing of it."""


class LiveModel:
    """Follows the live pointer. Use it from one thread."""

    def __init__(self, worker: str) -> None:
        self.worker = worker[:80]
        self.loaded: Loaded | None = None
        self.error = ""
        self._tried: tuple[int, float] = (0, 0.0)
        self._noted_at = 0.0

    def refresh(self) -> bool:
        """Load the live version if it is not the one in memory. True when another version serves
        from now on. A version that cannot be loaded leaves the one before in service; the reason
        goes into this worker's status row and the load is tried again after a while."""
        live = _live_version()
        if live is None:
            self._unload()
            return False
        if self.loaded is not None and self.loaded.version.pk == live.pk:
            self.note_heartbeat(error="")
            return False
        failed, at = self._tried
        if failed == live.pk and time.monotonic() - at < RETRY_SECONDS:
            self.note_heartbeat()
            return False
        return self._load(live)

    @property
    def is_current(self) -> bool:
        """What serves is what should serve."""
        return self.loaded is not None and not self.error

    def note_heartbeat(self, *, error: str | None = None) -> None:
        """Tell the pages that this worker is there; at most every few seconds."""
        changed = error is not None and error != self.error
        if changed or time.monotonic() - self._noted_at >= HEARTBEAT_SECONDS:
            self._note(self.error if error is None else error)

    def _load(self, live: ModelVersion) -> bool:
        started = time.monotonic()
        self._tried = (live.pk, started)
        try:
            engine = self._open(live)
        except Exception as error:  # OpenVINO's and TensorFlow's own among them
            foreseen = isinstance(error, ClassifierError | OSError)
            why = str(error) if foreseen else f"{type(error).__name__}: {error}"
            logger.error(
                "the live version cannot be loaded",
                extra={"version": live.pk, "error": why, "serving": self._serving_id()},
                exc_info=not foreseen,
            )
            self._note(f"Version {live.pk} cannot be loaded: {why}")
            return False
        self.loaded = Loaded(live, engine, open_familiar(live))
        logger.info(
            "version loaded",
            extra={
                "version": live.pk,
                "engine": engine.name,
                "seconds": round(time.monotonic() - started, 2),
            },
        )
        self._note("", loaded=True)
        return True

    def _open(self, live: ModelVersion) -> Engine:
        """Everything that can fail or take long happens here, before anything changes. A backbone
        that is in memory already is used again."""
        from classifier.serving import open_engine  # OpenVINO or TensorFlow: seconds to import

        engine = open_engine(
            settings.MODELS_DIR,
            live.directory,
            setting=settings.CLASSIFIER_ENGINE,
            current=self.loaded.classifier if self.loaded else None,
        )
        engine.warm()
        return engine

    def _unload(self) -> None:
        """No version is live: nothing is served, and that is no error."""
        self.loaded = None
        self.note_heartbeat(error="")

    def _serving_id(self) -> int | None:
        return self.loaded.version.pk if self.loaded else None

    def _note(self, error: str, *, loaded: bool = False) -> None:
        now = timezone.now()
        self.error, self._noted_at = error, time.monotonic()
        version = ModelVersion.objects.filter(pk=self._serving_id() or 0).first()
        engine = self.loaded.classifier.name if self.loaded else ""
        columns = {"version": version, "engine": engine, "error": error[:300], "seen_at": now}
        if loaded:
            columns["loaded_at"] = now
        WorkerStatus.objects.update_or_create(name=self.worker, defaults=columns)
        WorkerStatus.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()


def _live_version() -> ModelVersion | None:
    serving = Serving.objects.select_related("live").filter(pk=1).first()
    return serving.live if serving else None

"""When the next training run is due: enough changed labels, not too often, categories to learn."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from . import runs, training_set
from .errors import RunActive
from .models import (
    Decision,
    DecisionKind,
    RunMode,
    RunState,
    RunTrigger,
    Serving,
    Split,
    TrainingRun,
)

logger = logging.getLogger(__name__)

MIN_CATEGORIES = 2
IMPORT_SETTLES = timedelta(minutes=2)
"""An import counts as ended so long after its last photo: the next folder often follows."""


@dataclass(frozen=True)
class Outlook:
    """How far the corrections are on their way to the next run."""

    changed: int
    """Photos people decided on since the last run read its labels."""
    needed: int
    """How many of them start a run."""
    earliest: datetime | None
    """Not before this time; None: any time."""
    usable: int
    """Categories with enough training labels to be learned."""
    under_way: bool
    importing: bool

    @property
    def why_not_yet(self) -> str:
        """The first thing that is missing, in words; empty when a run is due."""
        if self.under_way:
            return "A training run is under way."
        if self.importing:
            return "Photos are being imported; a run that began now would miss the rest."
        if self.usable < MIN_CATEGORIES:
            return (
                f"{self.usable} of {MIN_CATEGORIES} categories with at least "
                f"{training_set.MIN_TRAIN_LABELS} training labels needed."
            )
        if self.changed < self.needed:
            return f"{self.changed} of {self.needed} changed labels needed."
        if self.earliest is not None:
            clock = timezone.localtime(self.earliest).strftime("%H:%M")
            return f"Enough labels changed; not before {clock}."
        return ""


def outlook() -> Outlook:
    """The state of the trigger as of now; a handful of counts."""
    now = timezone.now()
    labels = training_set.counting().count()
    earliest = _earliest()
    return Outlook(
        changed=training_set.changed_since(_last_read()),
        needed=max(settings.RETRAIN_MIN_CHANGED, math.ceil(settings.RETRAIN_MIN_SHARE * labels)),
        earliest=earliest if earliest and earliest > now else None,
        usable=usable_categories(),
        under_way=runs.active() is not None,
        importing=_importing(now),
    )


def why_not_yet() -> str:
    """Why no run starts by itself now, for the models page; empty when one is due."""
    return outlook().why_not_yet


def usable_categories() -> int:
    """How many categories could be learned now."""
    trained = training_set.counting().filter(product__split=Split.TRAIN)
    counts = trained.values("label").annotate(photos=Count("id"))
    return counts.filter(photos__gte=training_set.MIN_TRAIN_LABELS).count()


def start_if_due() -> TrainingRun | None:
    """The look each minute: a head run after enough corrections; where no model is live yet, the
    run decides. May be called twice. Mostly too little has changed, which is told without counting
    every label there is."""
    if training_set.changed_since(_last_read()) < settings.RETRAIN_MIN_CHANGED:
        return None
    why_not = why_not_yet()
    if why_not:
        logger.debug("no run yet", extra={"why": why_not})
        return None
    mode = RunMode.HEAD if Serving.current().live_id else RunMode.AUTO
    return _request(RunTrigger.CORRECTIONS, mode)


def start_nightly() -> TrainingRun | None:
    """The nightly full run, unless one is under way or there is nothing to learn."""
    if usable_categories() < MIN_CATEGORIES:
        logger.info("no nightly run: too few categories with labels")
        return None
    return _request(RunTrigger.NIGHTLY, RunMode.FULL)


def _request(trigger: RunTrigger, mode: RunMode) -> TrainingRun | None:
    try:
        return runs.request(trigger, mode=mode)
    except RunActive:
        logger.info("no run started: one is under way", extra={"trigger": str(trigger)})
        return None


def _last_read() -> TrainingRun | None:
    """The newest run that took the labels in; one skipped as unchanged did so too."""
    took_in = TrainingRun.objects.filter(state__in=[RunState.SUCCEEDED, RunState.SKIPPED])
    return took_in.order_by("-id").first()


def _importing(now: datetime) -> bool:
    latest = Decision.objects.filter(kind=DecisionKind.IMPORT).order_by("-id").first()
    return latest is not None and latest.at > now - IMPORT_SETTLES


def _earliest() -> datetime | None:
    ended = TrainingRun.objects.filter(finished_at__isnull=False).order_by("-finished_at").first()
    if ended is None or ended.finished_at is None:
        return None
    return ended.finished_at + timedelta(minutes=settings.RETRAIN_MIN_MINUTES)

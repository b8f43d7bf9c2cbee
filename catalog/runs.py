"""Training runs as rows: asked for, claimed under a lease, beating, ended. One is active at a
time, by a constraint of the database. The trainer and `manage.py retrain` both go through here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from . import enqueue
from .errors import NotAllowed, RunActive
from .models import RunMode, RunState, RunTrigger, TrainingRun, User

MAX_ATTEMPTS = 3
ENDED = {RunState.SUCCEEDED, RunState.SKIPPED, RunState.FAILED, RunState.CANCELLED}
UNOWNED: dict[str, Any] = {"owner": "", "lease_until": None}


def request(
    trigger: RunTrigger,
    *,
    by: User | None = None,
    mode: RunMode = RunMode.AUTO,
    promote: str = "auto",
    overrides: Sequence[str] = (),
    note: str = "",
    nudge: bool = True,
) -> TrainingRun:
    """Queue a run; RunActive when one is queued or running already."""
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                trigger=trigger,
                requested_by=by,
                mode=mode,
                promote=promote,
                overrides=list(overrides),
                note=note,
            )
            if nudge:
                enqueue.train_soon(run.pk)
    except IntegrityError as error:
        raise RunActive("A training run is already under way; wait for it or cancel it.") from error
    return run


def active() -> TrainingRun | None:
    return TrainingRun.objects.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).first()


def last_finished() -> TrainingRun | None:
    """The newest run that learned from the labels; skipped and failed ones do not count."""
    return TrainingRun.objects.filter(state=RunState.SUCCEEDED).order_by("-id").first()


def claim(run_id: int, *, owner: str) -> TrainingRun | None:
    """Take a queued run; None when somebody else did or it is over."""
    now = timezone.now()
    taken = TrainingRun.objects.filter(pk=run_id, state=RunState.QUEUED).update(
        state=RunState.RUNNING,
        owner=owner,
        heartbeat_at=now,
        lease_until=now + timedelta(seconds=settings.RUN_LEASE_SECONDS),
        attempts=F("attempts") + 1,
        started_at=now,
    )
    return TrainingRun.objects.get(pk=run_id) if taken else None


def beat(run: TrainingRun, *, phase: str, done: int, total: int, message: str = "") -> bool:
    """Write progress and renew the lease. False: the lease is lost or the run is to be cancelled;
    stop working."""
    now = timezone.now()
    held = _held(run).update(
        phase=phase,
        done=done,
        total=total,
        message=message[:300],
        heartbeat_at=now,
        lease_until=now + timedelta(seconds=settings.RUN_LEASE_SECONDS),
    )
    return bool(held) and not TrainingRun.objects.filter(pk=run.pk, cancel_requested=True).exists()


def still_ours(run: TrainingRun) -> bool:
    return _held(run).exists()


def record(run: TrainingRun, **columns: Any) -> bool:
    """Write facts of the run (recipe, fingerprint, history, …) while it is ours."""
    return bool(_held(run).update(**columns))


def end(run: TrainingRun, state: RunState, reason: str) -> bool:
    """The run is over. False when another process took it over meanwhile."""
    if state not in ENDED:
        raise ValueError(f"{state} does not end a run")
    ended = _held(run).update(
        state=state, reason=reason, finished_at=timezone.now(), phase="", **UNOWNED
    )
    run.refresh_from_db()
    return bool(ended)


def hand_back(run: TrainingRun) -> bool:
    """The trainer is told to stop: the run goes back to the queue, the attempt is not spent."""
    return bool(
        _held(run).update(state=RunState.QUEUED, attempts=F("attempts") - 1, phase="", **UNOWNED)
    )


@transaction.atomic
def cancel(run: TrainingRun) -> None:
    """Stop a run: at once when it waits, at its next batch when it runs."""
    active = TrainingRun.objects.filter(pk=run.pk, state__in=[RunState.QUEUED, RunState.RUNNING])
    if not active.update(cancel_requested=True):
        raise NotAllowed("This run is already over.")
    # Ours from here on: no trainer takes it up, or hands it back, in between.
    active.filter(state=RunState.QUEUED).update(
        state=RunState.CANCELLED, reason="Cancelled.", finished_at=timezone.now()
    )


def reap() -> list[int]:
    """Runs whose trainer died go back to the queue, unless they are cancelled or were tried
    MAX_ATTEMPTS times; the ids that wait for a trainer afterwards, so that the caller can nudge
    it."""
    lost = TrainingRun.objects.filter(state=RunState.RUNNING, lease_until__lt=timezone.now())
    lost.filter(cancel_requested=True).update(
        state=RunState.CANCELLED, reason="Cancelled.", finished_at=timezone.now(), **UNOWNED
    )
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=RunState.FAILED,
        reason=f"The trainer stopped {MAX_ATTEMPTS} times in the middle of this run.",
        finished_at=timezone.now(),
        **UNOWNED,
    )
    lost.update(state=RunState.QUEUED, phase="", **UNOWNED)
    waiting = TrainingRun.objects.filter(state=RunState.QUEUED)
    return list(waiting.values_list("pk", flat=True))


def _held(run: TrainingRun) -> QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(
        pk=run.pk, state=RunState.RUNNING, owner=run.owner, attempts=run.attempts
    )

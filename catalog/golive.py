"""The pointer to the live version: promote, roll back, pause. Seconds, because only a row changes;
workers notice between two batches and load the version aside."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from . import previews, reclassify
from .errors import NotAllowed
from .models import ModelVersion, ReclassifyScope, Serving, User, VersionState

DEPLOYABLE = [VersionState.CANDIDATE, VersionState.REJECTED, VersionState.RETIRED]


@transaction.atomic
def promote(
    version: ModelVersion, *, reason: str, by: User | None = None, by_hand: bool = False
) -> Serving:
    """Make `version` live. By a person (`by`, or `by_hand` at the command line, where nobody is
    signed in) it counts as approved by hand and pauses automatic promotion until a manager
    resumes it."""
    serving = _locked()
    version.refresh_from_db()
    if serving.live_id == version.pk:
        raise NotAllowed(f"Version {version.pk} is live already.")
    if not version.files_present:
        raise NotAllowed(f"Version {version.pk}'s files are gone from disk; it cannot go live.")
    by_hand = by_hand or by is not None
    if by_hand:
        _pause(serving, by, f"Version {version.pk} was put live by hand.")
    _switch(serving, version, reason, approved_by_hand=by_hand)
    return serving


@transaction.atomic
def promote_automatically(version: ModelVersion, *, reason: str) -> bool:
    """Make `version` live unless automatic promotion is paused; False when it is."""
    serving = _locked()
    if serving.paused_at is not None:
        return False
    if serving.live_id == version.pk:
        return True
    _switch(serving, version, reason, approved_by_hand=False)
    return True


@transaction.atomic
def rollback(*, by: User | None, to: ModelVersion | None = None) -> Serving:
    """Back to the previous version, or to `to`. Pauses automatic promotion. Another rollback goes
    further back, never forward again to the version this one left."""
    serving = _locked()
    target = to or serving.previous
    if target is None:
        raise NotAllowed("There is no earlier version to go back to.")
    target.refresh_from_db()
    if target.pk == serving.live_id:
        raise NotAllowed(f"Version {target.pk} is live already.")
    if target.state != VersionState.RETIRED:
        raise NotAllowed(f"Version {target.pk} was never live; promote it instead.")
    if not target.files_present:
        raise NotAllowed(f"Version {target.pk}'s files are gone from disk; choose another.")
    _pause(serving, by, f"Rolled back from version {serving.live_id} to {target.pk}.")
    who = f" by {by}" if by else ""
    _switch(serving, target, f"Rolled back to this version{who}.", approved_by_hand=True)
    serving.previous = _before(target)
    serving.save()
    return serving


@transaction.atomic
def resume_automatic() -> None:
    """Let the gate promote again."""
    serving = _locked()
    serving.paused_at, serving.paused_by, serving.paused_why = None, None, ""
    serving.save()


@transaction.atomic
def reject(version: ModelVersion, *, reason: str) -> None:
    """The gate says no; the version stays on the list with its reason."""
    candidates = ModelVersion.objects.filter(pk=version.pk, state=VersionState.CANDIDATE)
    candidates.update(state=VersionState.REJECTED, reason=reason)
    previews.forget(version)


def last_approved() -> ModelVersion | None:
    """The version that a person put live last, whether or not it is live by now."""
    approved = ModelVersion.objects.filter(approved_by_hand=True, promoted_at__isnull=False)
    return approved.order_by("-promoted_at").first()


def waiting() -> ModelVersion | None:
    """The newest version, where it waits for a manager to decide."""
    newest = ModelVersion.objects.defer("metrics").order_by("-id").first()
    waits = newest is not None and newest.state == VersionState.CANDIDATE and newest.files_present
    return newest if waits else None


def _before(version: ModelVersion) -> ModelVersion | None:
    """What was live before `version` and can be again."""
    once_live = ModelVersion.objects.filter(state=VersionState.RETIRED, files_present=True)
    return once_live.filter(pk__lt=version.pk).order_by("-pk").first()


def _locked() -> Serving:
    Serving.objects.get_or_create(id=1)
    return Serving.objects.select_for_update().get(id=1)


def _pause(serving: Serving, by: User | None, why: str) -> None:
    serving.paused_at, serving.paused_by, serving.paused_why = timezone.now(), by, why


def _switch(
    serving: Serving, version: ModelVersion, reason: str, *, approved_by_hand: bool
) -> None:
    now, before = timezone.now(), serving.live
    if serving.live_id is not None:
        ModelVersion.objects.filter(pk=serving.live_id).update(state=VersionState.RETIRED)
    deployable = ModelVersion.objects.filter(state__in=DEPLOYABLE, files_present=True)
    if not deployable.filter(pk=version.pk).update(
        state=VersionState.LIVE, promoted_at=now, reason=reason
    ):
        raise NotAllowed(f"Version {version.pk} cannot go live in its state.")
    previews.forget(version)
    if approved_by_hand:
        ModelVersion.objects.filter(pk=version.pk).update(approved_by_hand=True)
    serving.previous_id, serving.live_id, serving.changed_at = serving.live_id, version.pk, now
    serving.save()
    reason = f"Version {version.pk} went live."
    reclassify.start(ReclassifyScope.UNREVIEWED, reason=reason)
    if before is None or before.backbone_id != version.backbone_id:
        reclassify.start(ReclassifyScope.UNSEEN, reason=reason)

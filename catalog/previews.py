"""What a waiting version would change: asking the trainer for it, and what it found, for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import enqueue, report
from .errors import CatalogError, NotAllowed
from .models import (
    Category,
    CategoryChange,
    ChangedAnswer,
    ChangeKind,
    CheckState,
    ModelVersion,
    Preview,
    ProductImage,
    Serving,
    User,
    VersionState,
)

KEPT = 500
"""So many photos of one kind are kept to look at; the count is of all."""
GROUPS = 200
"""So many kinds of changes are kept, the commonest."""
LOST_AFTER = timedelta(minutes=5)
TEST, OPEN = "test", "open"
UNDER_WAY = "This version is being looked at already; wait for it."


class PreviewUnderWay(CatalogError):
    """The version is being looked at already."""


@dataclass
class Part:
    """One set of photos while it is looked through."""

    compared: int = 0
    unseen: int = 0
    """Photos that one of the two backbones has not seen, and so nobody compared."""
    groups: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Photos of which the answer would go from one category to another."""

    before: Category
    after: Category
    photos: int


@dataclass(frozen=True)
class Shown:
    """One set of photos as a page shows it."""

    key: str
    compared: int
    unseen: int
    changed: int
    groups: list[Group]


def request(version: ModelVersion, *, by: User | None = None) -> Preview:
    """Ask the trainer what `version` would change; PreviewUnderWay while it is at it."""
    live = Serving.current().live
    if live is None:
        raise NotAllowed("No version is live yet, so there is nothing to compare with.")
    if live.pk == version.pk:
        raise NotAllowed(f"Version {version.pk} is live already.")
    if not version.files_present:
        raise NotAllowed(f"Version {version.pk}'s files are gone from disk; choose another.")
    give_up_on_lost()
    try:
        return _replace(version, live, by)
    except IntegrityError:  # somebody else asked in this moment
        raise PreviewUnderWay(UNDER_WAY) from None


@transaction.atomic
def _replace(version: ModelVersion, live: ModelVersion, by: User | None) -> Preview:
    before = Preview.objects.select_for_update().filter(version=version).first()
    if before is not None and before.is_under_way:
        raise PreviewUnderWay(UNDER_WAY)
    if before is not None:
        before.delete()
    preview = Preview.objects.create(version=version, against=live, requested_by=by)
    enqueue.preview_soon(preview.pk)
    return preview


def forget(version: ModelVersion) -> None:
    """The version is decided. The trainer, which adds photos under the row's lock, has added them
    before, or finds no row."""
    for preview in Preview.objects.select_for_update().filter(version=version):
        preview.delete()


def request_for_waiting(version: ModelVersion | None) -> None:
    """After a run: its version waits for a manager, who wants to see what it would change."""
    live_id = Serving.current().live_id
    if version is not None and version.state == VersionState.CANDIDATE and live_id is not None:
        request(version)


def waiting() -> int | None:
    """One that nobody has taken up: its nudge may have been lost."""
    return Preview.objects.filter(state=CheckState.QUEUED).values_list("pk", flat=True).first()


def claim(preview_id: int) -> Preview | None:
    """Take it up; None when somebody else did, or the version was decided meanwhile."""
    queued = Preview.objects.filter(pk=preview_id, state=CheckState.QUEUED)
    if not queued.update(state=CheckState.RUNNING, seen_at=timezone.now()):
        return None
    related = ("version__backbone", "against__backbone")
    return Preview.objects.select_related(*related).filter(pk=preview_id).first()


def beat(preview: Preview) -> bool:
    """The trainer is still at it; False once nobody waits for it any more."""
    return bool(_running(preview).update(seen_at=timezone.now()))


def add(preview: Preview, part: Part, answers: Sequence[ChangedAnswer]) -> None:
    """Count these changes and keep the first of each kind."""
    kept = []
    for answer in answers:
        kind = (answer.before_id, answer.after_id)
        part.groups[kind] = part.groups.get(kind, 0) + 1
        if part.groups[kind] <= KEPT:
            kept.append(answer)
    with transaction.atomic():
        there = ProductImage.objects.present().filter(pk__in=[a.image_id for a in kept])
        present = set(there.values_list("pk", flat=True))
        if _running(preview).select_for_update().first() is not None:
            ChangedAnswer.objects.bulk_create(
                [a for a in kept if a.image_id in present], ignore_conflicts=True
            )


def finish(preview: Preview, parts: Mapping[str, Part]) -> None:
    found = {
        key: {
            "compared": part.compared,
            "unseen": part.unseen,
            "changed": sum(part.groups.values()),
            "groups": [[*kind, n] for kind, n in _commonest(part.groups)],
        }
        for key, part in parts.items()
    }
    _running(preview).update(state=CheckState.DONE, found=found, finished_at=timezone.now())


def _commonest(groups: Mapping[tuple[int, int], int]) -> list[tuple[tuple[int, int], int]]:
    return sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:GROUPS]


def fail(preview: Preview, reason: str) -> None:
    ended = {"state": CheckState.FAILED, "reason": reason[:300], "finished_at": timezone.now()}
    _running(preview).update(**ended)


def give_up_on_lost() -> None:
    """A trainer that died leaves its look behind; another may be asked for."""
    Preview.objects.filter(
        state=CheckState.RUNNING, seen_at__lt=timezone.now() - LOST_AFTER
    ).update(
        state=CheckState.FAILED,
        reason="The trainer stopped on the way. Ask again.",
        finished_at=timezone.now(),
    )


def _running(preview: Preview) -> QuerySet[Preview]:
    return Preview.objects.filter(pk=preview.pk, state=CheckState.RUNNING)


# As pages show it


def of(version: ModelVersion) -> Preview | None:
    give_up_on_lost()
    rows = Preview.objects.select_related("against").defer("against__metrics")
    return rows.filter(version=version).first()


def tree_changed_since(preview: Preview) -> bool:
    """Whether other categories are answered by now, or an answer counts as another: then what
    was found may not hold. Renaming and describing change no answer."""
    since = preview.created_at
    changes = CategoryChange.objects.filter(Q(at__gt=since) | Q(undone_at__gt=since))
    return changes.exclude(kind__in=[ChangeKind.RENAME, ChangeKind.DESCRIBE]).exists()


def shown(preview: Preview) -> list[Shown]:
    """The test photos, then those nobody checked, each with its changes, the commonest first."""
    found = report.mapping(preview.found)
    parts = {key: report.mapping(found.get(key)) for key in (TEST, OPEN)}
    ids = {pk for part in parts.values() for *kind, _ in part.get("groups", []) for pk in kind}
    categories = Category.objects.in_bulk(ids)
    return [_shown(key, part, categories) for key, part in parts.items()]


def _shown(key: str, part: Mapping[str, Any], categories: Mapping[int, Category]) -> Shown:
    groups = [
        Group(categories[before], categories[after], photos)
        for before, after, photos in part.get("groups", [])
        if before in categories and after in categories
    ]
    return Shown(
        key, part.get("compared", 0), part.get("unseen", 0), part.get("changed", 0), groups
    )


def photos(preview: Preview, *, key: str, before: int, after: int) -> QuerySet[ChangedAnswer]:
    rows = preview.answers.filter(is_test=key == TEST, before=before, after=after)
    rows = rows.filter(image__withdrawn_at__isnull=True)
    return rows.select_related("image__product", "image__label", "before", "after").order_by("id")


# The confusion of two versions on the same test photos


@dataclass(frozen=True)
class Shift:
    """How often photos of one category are taken for another, by each of the two."""

    true: str
    predicted: str
    before: int
    after: int

    @property
    def more(self) -> int:
        return self.after - self.before

    @property
    def fewer(self) -> int:
        return self.before - self.after


def shifts(version: ModelVersion, *, most: int = 20) -> list[Shift]:
    """Mix-ups that the version makes more or less often than the one it was judged against, the
    largest differences first; empty where it was judged against none."""
    metrics = report.mapping(version.metrics)
    after = report.mix_up_counts(metrics)
    before = report.mix_up_counts(report.mapping(metrics.get("baseline")))
    if not before and "confusion" not in report.mapping(metrics.get("baseline")):
        return []
    kinds = {kind for kind in {*before, *after} if before.get(kind, 0) != after.get(kind, 0)}
    names = report.names_of({slug for kind in kinds for slug in kind})
    found = [
        Shift(names[true], names[said], before.get((true, said), 0), after.get((true, said), 0))
        for true, said in kinds
    ]
    return sorted(found, key=lambda s: (-abs(s.more), s.true, s.predicted))[:most]

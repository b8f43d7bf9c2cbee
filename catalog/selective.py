"""How many photos would have needed no review, had answers above a certified threshold been let
through. Nothing is: this only says so. The thresholds come with each version's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from . import merging
from .models import Category, Decision, LabelState, ModelVersion, Origin
from .models.decision import NOT_JUDGING, judged_before
from .report import Within, mapping, mappings, share, within
from .sql import Constant

PERIOD = timedelta(days=7)
ENOUGH = 60
"""With fewer checked photos a share says little."""
MOST_READ = 50_000


@dataclass(frozen=True)
class OnTest:
    """What a threshold did on the test photos: `right` of the `images` above it, of `of` in all."""

    of: int
    images: int
    right: int
    within: Within

    @property
    def precision(self) -> float | None:
        return self.right / self.images if self.images else None

    @property
    def coverage(self) -> float:
        return self.images / self.of if self.of else 0.0


@dataclass(frozen=True)
class Certified:
    """`name` is a category's; empty for all answers together. `right` of `images` validation
    photos above the threshold, of `of` in all, show that it holds."""

    name: str
    threshold: float
    images: int
    right: int
    of: int
    test: OnTest | None

    @property
    def coverage(self) -> float:
        return self.images / self.of if self.of else 0.0


@dataclass(frozen=True)
class Target:
    """What one version can promise at one precision."""

    precision: float
    needed: int
    """Answers, all of them right, that could show it at the least."""
    pooled: Certified | None
    per_class: list[Certified]


@dataclass(frozen=True)
class Promise:
    """What a version's report says, for the precision in the settings."""

    images: int
    """Validation photos."""
    provable: float
    """The precision they show of all answers, however unsure."""
    wanted: Target
    best: Target | None
    """The highest target with a pooled threshold, where the wanted one has none."""


@dataclass(frozen=True)
class Week:
    """The photos drawn at random and checked in the last seven days."""

    checked: int
    spared: int
    """Answered above the threshold of the version that answered."""
    right: int
    """Of those, answered as a person then did."""

    needed = ENOUGH

    @property
    def is_enough(self) -> bool:
        return self.checked >= ENOUGH

    @property
    def share(self) -> float:
        return self.spared / self.checked if self.checked else 0.0


def promise(version: ModelVersion) -> Promise | None:
    """What the version can promise; None where it was made before this was measured, or for
    another precision than the settings name now. One query."""
    kept = mapping(mapping(version.metrics).get("selective"))
    targets = {target.precision: target for target in _targets(kept)}
    wanted = targets.get(settings.SELECTIVE_PRECISION)
    images = kept.get("images")
    if wanted is None or not isinstance(images, int):
        return None
    lower = [t for t in targets.values() if t.pooled and t.precision < wanted.precision]
    best = max(lower, key=lambda target: target.precision, default=None)
    return Promise(images, share(kept.get("provable")) or 0.0, wanted, best)


def certified(promise: Promise | None) -> list[Certified]:
    """All answers together first, then the categories that have a threshold of their own."""
    if promise is None:
        return []
    pooled = [promise.wanted.pooled] if promise.wanted.pooled else []
    return [*pooled, *promise.wanted.per_class]


def last_week(target: float) -> Week:
    """What the thresholds at `target` would have spared. Each photo counts with the answer a person
    saw when it was first checked, which later ones may have learned from, and with what they said
    then."""
    rows = checked_at_random().values_list(
        "category_id",
        "prediction__category_id",
        "prediction__confidence",
        "prediction__version_id",
    )
    first = list(rows[:MOST_READ])
    thresholds = _thresholds({version for *_, version in first if version}, target)
    spared = [
        (said, answer)
        for said, answer, confidence, version in first
        if version and confidence > thresholds.get(version, 1.0)
    ]
    ends = merging.targets()
    right = sum(_counted(said, ends) == _counted(answer, ends) for said, answer in spared)
    return Week(len(first), len(spared), right)


def _counted(category_id: int | None, ends: Mapping[int, int]) -> int | None:
    """What a category counts as that was merged since."""
    return None if category_id is None else ends.get(category_id, category_id)


def checked_at_random() -> QuerySet[Decision]:
    """First decisions of the last seven days that stand, on photos drawn at random, in order."""
    since = timezone.now() - PERIOD
    drawn = Decision.objects.filter(origin=Constant(Origin.RANDOM), at__gte=since)
    first = drawn.exclude(kind__in=NOT_JUDGING).filter(before_state=LabelState.UNLABELLED)
    return first.filter(~judged_before(), undone_by__isnull=True).order_by("at", "pk")


def _thresholds(version_ids: set[int], target: float) -> dict[int, float]:
    """{version id: pooled threshold} of those that have one."""
    rows = ModelVersion.objects.filter(pk__in=version_ids)
    found = {}
    for pk, kept in rows.values_list("pk", "metrics__selective"):
        for one in mappings(mapping(kept).get("targets")):
            value = share(mapping(one.get("pooled")).get("value"))
            if one.get("target") == target and value is not None:
                found[pk] = value
    return found


def _targets(kept: Mapping[str, Any]) -> list[Target]:
    rows = mappings(kept.get("targets"))
    slugs = {slug for row in rows for slug in mapping(row.get("per_class"))}
    paths = dict(Category.objects.filter(slug__in=slugs).values_list("slug", "path"))
    found = []
    for row in rows:
        precision, needed = share(row.get("target")), row.get("needed")
        if precision is None:
            continue
        categories = [
            _certified(paths.get(slug, slug), value)
            for slug, value in mapping(row.get("per_class")).items()
        ]
        found.append(
            Target(
                precision,
                needed if isinstance(needed, int) else 0,
                _certified("", row.get("pooled")),
                sorted((c for c in categories if c), key=lambda c: c.name.casefold()),
            )
        )
    return found


def _certified(name: str, value: object) -> Certified | None:
    kept = mapping(value)
    threshold, counts = share(kept.get("value")), _counts(kept, "images", "right", "of")
    if threshold is None or counts is None:
        return None
    images, right, of = counts
    return Certified(name, threshold, images, right, of, _on_test(mapping(kept.get("test"))))


def _on_test(kept: Mapping[str, Any]) -> OnTest | None:
    counts = _counts(kept, "of", "images", "right")
    if counts is None:
        return None
    of, images, right = counts
    return OnTest(of, images, right, within(kept.get("interval")))


def _counts(kept: Mapping[str, Any], *names: str) -> list[int] | None:
    """Whole numbers under these names, or None if one is missing."""
    found = [value for value in map(kept.get, names) if isinstance(value, int)]
    return found if len(found) == len(names) else None

"""How often people change what the model suggests, by category and week: counted on photos drawn at
random on arrival, an unbiased sample of all that arrive. What the queue showed because the model
was unsure says nothing here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from . import merging
from .intervals import Z95, wilson
from .models import Category, Decision, DecisionKind, LabelState, Origin
from .models.decision import NOT_JUDGING, judged_before
from .sql import Constant

WEEKS = 8
FEW = 10
"""With fewer photos a share says nothing."""
CHANGED = [DecisionKind.CORRECT, DecisionKind.NONE_OF_THESE]
SPARK_WIDTH, SPARK_HEIGHT = 96, 24


@dataclass(frozen=True)
class Cell:
    """What people did with one category's suggestions in some time."""

    week: date | None
    """Its Monday; None: all weeks together."""
    photos: int
    changed: int

    @property
    def is_thin(self) -> bool:
        return self.photos < FEW

    @property
    def share(self) -> float:
        return self.changed / self.photos if self.photos else 0.0

    @property
    def within(self) -> tuple[float, float]:
        return wilson(self.changed, self.photos)


@dataclass(frozen=True)
class Row:
    category: Category | None
    """What was suggested; None: any."""
    cells: list[Cell]
    """One a week, the oldest first."""

    @property
    def name(self) -> str:
        return str(self.category) if self.category else "All categories"

    @property
    def total(self) -> Cell:
        return _sum(self.cells)

    @property
    def trend(self) -> str:
        """The later half of the weeks against the earlier one."""
        middle = len(self.cells) // 2
        before, after = _sum(self.cells[:middle]), _sum(self.cells[middle:])
        if before.is_thin or after.is_thin:
            return "too few to tell"
        if not _differ(before, after):
            return "no clear change"
        return "rising" if after.share > before.share else "falling"

    @property
    def spark(self) -> list[str]:
        """The `points` of SVG polylines; a week with too few photos breaks the line."""
        top = max((cell.share for cell in self.cells if not cell.is_thin), default=0.0) or 1.0
        step = SPARK_WIDTH / max(len(self.cells) - 1, 1)
        pieces: list[list[str]] = [[]]
        for place, cell in enumerate(self.cells):
            if cell.is_thin:
                pieces.append([])
            else:
                y = SPARK_HEIGHT - 2 - cell.share / top * (SPARK_HEIGHT - 4)
                pieces[-1].append(f"{place * step:.1f},{y:.1f}")
        return [" ".join(piece) for piece in pieces if len(piece) > 1]


@dataclass(frozen=True)
class Quality:
    weeks: list[date]
    """Mondays, the oldest first."""
    whole: Row
    rows: list[Row]
    """The categories that were suggested, the most changed first."""


def read(*, today: date | None = None) -> Quality:
    """One query a week, through the index of random decisions; nothing older is touched."""
    weeks = mondays(today or timezone.localdate())
    ends = merging.targets()
    found = {week: _counts(week, ends) for week in weeks}
    ids = {pk for counts in found.values() for pk in counts}
    rows = [
        Row(category, [Cell(week, *found[week].get(category.pk, (0, 0))) for week in weeks])
        for category in Category.objects.filter(pk__in=ids)
    ]
    rows.sort(key=lambda row: (row.total.is_thin, -row.total.share, row.name.casefold()))
    whole = Row(None, [_sum([row.cells[n] for row in rows], week) for n, week in enumerate(weeks)])
    return Quality(weeks, whole, rows)


def mondays(today: date) -> list[date]:
    """Of this week and those before it, the oldest first."""
    this = monday_of(today)
    return [this - timedelta(weeks=n) for n in reversed(range(WEEKS))]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def decisions(
    *, week: date | None, category: Category | None, today: date | None = None
) -> QuerySet[Decision]:
    """What stands behind a cell: first decisions on photos drawn at random, the newest first. All
    weeks of the page where `week` is None, any category where `category` is."""
    first = week or mondays(today or timezone.localdate())[0]
    rows = _judged(first, 1 if week else WEEKS)
    if category is not None:
        rows = rows.filter(prediction__category__in=merging.counting_as(category))
    return rows.order_by("-at", "-id")


def changed(rows: QuerySet[Decision]) -> QuerySet[Decision]:
    return rows.filter(kind__in=CHANGED)


def _judged(monday: date, weeks: int) -> QuerySet[Decision]:
    start, end = _midnight(monday), _midnight(monday + timedelta(weeks=weeks))
    drawn = Decision.objects.filter(origin=Constant(Origin.RANDOM), at__gte=start, at__lt=end)
    return drawn.exclude(kind__in=[*NOT_JUDGING, DecisionKind.UNUSABLE]).filter(
        ~judged_before(),
        undone_by__isnull=True,
        before_state=LabelState.UNLABELLED,
        prediction__isnull=False,
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _counts(week: date, ends: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """{category suggested: (photos, those people changed)}"""
    rows = _judged(week, 1).order_by().values("prediction__category_id")
    counted = rows.annotate(photos=Count("pk"), other=Count("pk", filter=Q(kind__in=CHANGED)))
    found: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for pk, photos, other in counted.values_list("prediction__category_id", "photos", "other"):
        if pk is not None:
            before = found[ends.get(pk, pk)]
            found[ends.get(pk, pk)] = (before[0] + photos, before[1] + other)
    return dict(found)


def _sum(cells: Iterable[Cell], week: date | None = None) -> Cell:
    cells = list(cells)
    return Cell(week, sum(c.photos for c in cells), sum(c.changed for c in cells))


def _differ(a: Cell, b: Cell) -> bool:
    """Two shares that chance alone would rarely bring so far apart (pooled two-proportion test)."""
    pooled = (a.changed + b.changed) / (a.photos + b.photos)
    spread = sqrt(pooled * (1 - pooled) * (1 / a.photos + 1 / b.photos))
    return spread > 0 and abs(a.share - b.share) > Z95 * spread


def suggested(rows: Sequence[Decision]) -> list[tuple[Decision, str, str]]:
    """Each decision with what was suggested and what the person said, in words."""
    return [
        (row, str(row.prediction.category) if row.prediction else "", _said(row)) for row in rows
    ]


def _said(decision: Decision) -> str:
    if decision.kind == DecisionKind.NONE_OF_THESE:
        return "no category fits"
    return str(decision.category)

"""How far reviewers agree with the suggestions and with each other, and how fast they decide.

Who accepts suggestions more often when seeing them than they would choose the same without seeing
them, waves some through. Blind photos tell the second figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from .decisions import NOT_UNDONE, visible
from .intervals import wilson
from .models import BlindLook, DecisionKind, LabelState, Origin, User
from .models.decision import judged_before

PERIOD = timedelta(days=30)
MOST_READ = 50_000
ENOUGH = 30
"""With fewer photos a share says little."""
BREAK = timedelta(minutes=5)
"""Longer between two decisions is a break and no work."""
AT_THE_DESK = {Origin.RANDOM, Origin.UNCERTAIN}


@dataclass
class Share:
    """`agreed` of `of` photos."""

    agreed: int = 0
    of: int = 0

    def add(self, agreed: bool) -> None:
        self.of += 1
        self.agreed += agreed

    @property
    def value(self) -> float | None:
        return self.agreed / self.of if self.of else None

    @property
    def within(self) -> tuple[float, float] | None:
        """The 95% interval; None of nothing."""
        return wilson(self.agreed, self.of) if self.of else None

    @property
    def is_enough(self) -> bool:
        return self.of >= ENOUGH


@dataclass
class Pace:
    """Decisions that followed another without a break, and the time from one to the next."""

    decisions: int = 0
    time: timedelta = timedelta()
    total: int = 0
    """Decisions in all, the first after each break among them."""
    last: datetime | None = None

    def add(self, at: datetime) -> None:
        """The decisions of one person, in the order of time either way."""
        self.total += 1
        gap = abs(at - self.last) if self.last else None
        if gap is not None and gap <= BREAK:
            self.decisions += 1
            self.time += gap
        self.last = at

    @property
    def per_hour(self) -> int | None:
        """None until there are decisions and time enough to tell."""
        if self.decisions < ENOUGH or not self.time:
            return None
        return round(self.decisions / (self.time / timedelta(hours=1)))

    @property
    def minutes(self) -> int:
        return round(self.time / timedelta(minutes=1))


@dataclass
class Reviewer:
    """One person, or all together."""

    name: str
    shown: Share = field(default_factory=Share)
    """Suggestions accepted, of photos that showed them."""
    blind: Share = field(default_factory=Share)
    """Choices that were the hidden suggestion."""
    others: Share = field(default_factory=Share)
    """Photos seen blind by two, where both chose the same."""
    pace: Pace = field(default_factory=Pace)

    @property
    def verdict(self) -> str:
        """few, waves-through or fine."""
        shown, blind = self.shown.within, self.blind.within
        if not (self.shown.is_enough and self.blind.is_enough and shown and blind):
            return "few"
        return "waves-through" if shown[0] > blind[1] else "fine"

    @property
    def gap(self) -> float | None:
        """How much more often suggestions are accepted than chosen unseen."""
        if self.shown.value is None or self.blind.value is None:
            return None
        return self.shown.value - self.blind.value


@dataclass(frozen=True)
class Agreement:
    everybody: Reviewer
    reviewers: list[Reviewer]
    since: datetime
    cut: bool
    """Only the newest MOST_READ decisions were read."""


def measure(reader: User) -> Agreement:
    """Of the last 30 days. A reviewer reads of themselves alone; a manager of everybody."""
    since = timezone.now() - PERIOD
    everybody = Reviewer("Everybody")
    found: dict[int, Reviewer] = defaultdict(lambda: Reviewer(""))
    read = 0
    for row in _decided(reader, since):
        read += 1
        person = found[row["by"]]
        person.pace.add(row["at"])
        if _showed_a_suggestion(row):
            for one in (person, everybody):
                one.shown.add(row["kind"] == DecisionKind.CONFIRM)
    for by, kind in _blind(reader, since):
        for one in (found[by], everybody):
            one.blind.add(kind == DecisionKind.CONFIRM)
    for people, same in _pairs(reader, since):
        everybody.others.add(same)
        for by in people:
            if reader.is_manager or by == reader.pk:
                found[by].others.add(same)
    names = dict(User.objects.filter(pk__in=found).values_list("pk", "username"))
    for pk, person in found.items():
        person.name = names.get(pk, "")
        everybody.pace.total += person.pace.total
        everybody.pace.decisions += person.pace.decisions
        everybody.pace.time += person.pace.time
    reviewers = sorted(found.values(), key=lambda person: person.name.casefold())
    return Agreement(everybody, reviewers, since, cut=read >= MOST_READ)


def _decided(reader: User, since: datetime) -> Iterable[dict[str, Any]]:
    """Decisions on photos without a label, and blind second opinions. What a change of the tree
    moved or somebody decided anew, seeing what stood there, is left out."""
    judged = Q(before_state=LabelState.UNLABELLED) | Q(blind=True)
    rows = visible(reader).filter(judged, at__gte=since, by__isnull=False)
    rows = rows.exclude(kind__in=NOT_UNDONE).annotate(again=judged_before())
    columns = ("by", "at", "kind", "blind", "batch", "origin", "prediction", "undone_by", "again")
    yield from rows.order_by("-id").values(*columns)[:MOST_READ].iterator(chunk_size=2000)


def _showed_a_suggestion(row: dict[str, Any]) -> bool:
    """One photo, decided for the first time, at the desk with its suggestion in sight, and not
    taken back."""
    return (
        not row["blind"]
        and not row["again"]
        and row["batch"] is None
        and row["undone_by"] is None
        and row["prediction"] is not None
        and row["origin"] in AT_THE_DESK
    )


def _blind(reader: User, since: datetime) -> Iterable[tuple[int, str]]:
    looks = BlindLook.objects.filter(
        first__isnull=True, decision__at__gte=since, decision__undone_by__isnull=True
    )
    if not reader.is_manager:
        looks = looks.filter(reviewer=reader)
    return looks.order_by("-id").values_list("reviewer", "decision__kind")[:MOST_READ]


def _pairs(reader: User, since: datetime) -> Iterable[tuple[tuple[int, int], bool]]:
    """((first reviewer, second), whether they chose the same)"""
    looks = BlindLook.objects.filter(
        first__isnull=False,
        decision__at__gte=since,
        decision__undone_by__isnull=True,
        first__decision__undone_by__isnull=True,
        first__decision__isnull=False,
    ).order_by("-id")
    chosen = ("category", "kind")
    rows = looks.values_list(
        "first__reviewer",
        "reviewer",
        *(f"first__decision__{name}" for name in chosen),
        *(f"decision__{name}" for name in chosen),
    )
    for first, second, category, kind, other_category, other_kind in rows[:MOST_READ]:
        if not reader.is_manager and reader.pk not in {first, second}:
            continue
        same = category == other_category if category or other_category else kind == other_kind
        yield (first, second), same

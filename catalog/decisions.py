"""The history of the review desk: who decided what, found again and taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby

from django.db.models import Q, QuerySet
from django.utils import timezone

from . import export, lifecycle
from .errors import CatalogError, LeaseLost, StaleImage
from .models import Decision, DecisionKind, User
from .wording import decided

Rows = QuerySet[Decision]
PAGE_SIZE = 50
UNDO_AT_ONCE = 500
AT_ONCE = 1000
"""No two decisions so many apart are out of the order of time."""
NOT_UNDONE = [DecisionKind.UNDO, DecisionKind.IMPORT, DecisionKind.REOPEN]
SHOWN_WITH = (
    "before_label",
    "by",
    "category",
    "image__product",
    "image__merchant",
    "prediction__category",
    "undone_by__by",
    "undoes__before_label",
    "undoes__category",
    "undoes__prediction__category",
)


@dataclass(frozen=True)
class Wanted:
    """What of the history; each that is set leaves out what does not fit."""

    reviewer: int | None = None
    category: int | None = None
    image: str = ""
    """A photo's number, or its file name in full."""
    since: date | None = None
    until: date | None = None
    """Days, both taken in."""
    kind: str = ""

    def where(self) -> Q:
        named = {
            "by": self.reviewer,
            "category": self.category,
            "kind": self.kind or None,
        }
        found = Q(**{name: value for name, value in named.items() if value is not None})
        if self.since:
            found &= _from(_midnight(self.since))
        if self.until:
            found &= _before(_midnight(self.until + timedelta(days=1)))
        return found & self._of_image() if self.image else found

    def _of_image(self) -> Q:
        named = Q(image__original_name=self.image)
        digits = self.image.removeprefix("#")
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 18
        return named | Q(image=int(digits)) if is_number else named


@dataclass(frozen=True)
class Line:
    """One decision, or those made with one key."""

    decisions: list[Decision]

    @property
    def first(self) -> Decision:
        return self.decisions[0]

    @property
    def count(self) -> int:
        return len(self.decisions)

    @property
    def others(self) -> int:
        return self.count - 1

    @property
    def words(self) -> str:
        return decided(self.first)

    @property
    def to_undo(self) -> list[int]:
        return [decision.pk for decision in self.decisions if may_be_undone(decision)]

    @property
    def ids_to_undo(self) -> str:
        return ",".join(map(str, self.to_undo))

    @property
    def undone(self) -> int:
        return sum(hasattr(decision, "undone_by") for decision in self.decisions)


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    older: int | None
    """Id to ask `before`; None on the last page."""
    newer: int | None
    """Id to ask `after`; None on the first page."""


@dataclass(frozen=True)
class Undone:
    count: int
    refused: Counter[str]
    """{why: how many stand}"""

    @property
    def sentence(self) -> str:
        done = f"{self.count} {_plural('decision', self.count)} undone."
        if not self.refused:
            return done
        whys = "; ".join(f"{number} {why}" for why, number in self.refused.most_common())
        return f"{done} Not undone: {whys}."


def visible(user: User) -> QuerySet[Decision]:
    """Reviewers see what they decided themselves; managers everybody's."""
    return Decision.objects.all() if user.is_manager else Decision.objects.filter(by=user)


def matching(user: User, wanted: Wanted) -> QuerySet[Decision]:
    return visible(user).filter(wanted.where()).order_by("-id")


def page(rows: QuerySet[Decision], position: Mapping[str, int | None]) -> Page:
    """One page; `position` may hold `before` or `after`, a decision's id."""
    rows = rows.select_related(*SHOWN_WITH)
    if after := position.get("after"):
        found = list(rows.filter(pk__gt=after).order_by("id")[: PAGE_SIZE + 1])
        if len(found) > PAGE_SIZE:
            shown = found[PAGE_SIZE - 1 :: -1]
            return Page(_lines(shown), older=shown[-1].pk, newer=shown[0].pk)
    before = None if after else position.get("before")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return Page(
        _lines(shown),
        older=shown[-1].pk if len(found) > PAGE_SIZE else None,
        newer=shown[0].pk if before and shown else None,
    )


def may_be_undone(decision: Decision) -> bool:
    return decision.kind not in NOT_UNDONE and not hasattr(decision, "undone_by")


def to_undo(rows: QuerySet[Decision]) -> list[Decision]:
    """The newest UNDO_AT_ONCE of them that nobody took back yet, the newest first."""
    standing = rows.exclude(kind__in=NOT_UNDONE).filter(undone_by__isnull=True)
    return list(standing.only("pk", "at")[:UNDO_AT_ONCE])


def undo(ids: Sequence[int], *, by: User) -> Undone:
    """Take these back, the newest first, each by itself: one that is not its photo's latest any
    more stands, and the answer says so."""
    chosen = visible(by).filter(pk__in=list(ids)[:UNDO_AT_ONCE]).exclude(kind__in=NOT_UNDONE)
    count, refused = 0, Counter[str]()
    for decision in chosen.order_by("-id"):
        try:
            lifecycle.undo(decision, by=by)
            count += 1
        except CatalogError as error:
            refused[_why_not(error)] += 1
    return Undone(count, refused)


def csv_lines(rows: QuerySet[Decision]) -> Iterator[str]:
    """Blocks of lines: the header, then one per decision, the newest first."""
    header = (
        *("time", "reviewer", "decision", "category", "code", "suggested", "blind", "undone"),
        *("photo", "file", "sku", "merchant"),
    )
    found = rows.select_related(*SHOWN_WITH).iterator(chunk_size=export.CHUNK)
    return export.blocks(header, (_cells(decision) for decision in found))


def _cells(decision: Decision) -> tuple[str, ...]:
    image, category = decision.image, decision.category
    suggested = decision.prediction.category.path if decision.prediction else ""
    return (
        timezone.localtime(decision.at).isoformat(timespec="seconds"),
        decision.by.get_username() if decision.by else "",
        decided(decision),
        category.path if category else "",
        category.code if category else "",
        suggested,
        "yes" if decision.blind else "no",
        "yes" if hasattr(decision, "undone_by") else "no",
        str(image.pk),
        image.original_name,
        image.product.sku,
        image.merchant.name,
    )


def _lines(decisions: Sequence[Decision]) -> list[Line]:
    groups = groupby(decisions, key=lambda d: (d.batch or d.pk, d.kind == DecisionKind.UNDO))
    return [Line(list(group)) for _, group in groups]


def _from(at: datetime) -> Q:
    """Ids rise with time, but for decisions saved in the same moment: a range of ids, which every
    index of the history is in order of, and then the time itself."""
    first = Decision.objects.filter(at__gte=at).order_by("at").values_list("pk", flat=True).first()
    return Q(pk__in=()) if first is None else Q(pk__gte=first - AT_ONCE, at__gte=at)


def _before(at: datetime) -> Q:
    last = Decision.objects.filter(at__lt=at).order_by("-at").values_list("pk", flat=True).first()
    return Q(pk__in=()) if last is None else Q(pk__lte=last + AT_ONCE, at__lt=at)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _why_not(error: CatalogError) -> str:
    if isinstance(error, StaleImage):
        return "decided again since"
    if isinstance(error, LeaseLost):
        return "on another reviewer’s screen now"
    return "withdrawn or undone already"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"

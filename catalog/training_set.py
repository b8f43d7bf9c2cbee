"""Which labels count: a person's, of present photos, in the split they may stand in."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from . import merging
from .models import Category, Decision, Origin, ProductImage, RunRow, Split, TrainingRun

MIN_TRAIN_LABELS = 5
CHUNK = 500
EVALUATION_ORIGINS = [Origin.IMPORT, Origin.RANDOM]


@dataclass(frozen=True, slots=True)
class Row:
    image_id: int
    file: str
    """Name in the default storage."""
    sha256: str
    category_id: int
    slug: str
    split: Split


@dataclass(frozen=True)
class TrainingSet:
    rows: list[Row]
    fingerprint: str
    """SHA-256 over (bytes' SHA, slug, split) of every row, order-free."""
    last_decision: int
    """Newest decision id that this set takes in."""
    merged: dict[str, str]
    """{slug: slug of what it counted as} when the labels were read."""

    def of(self, split: Split) -> list[Row]:
        return [row for row in self.rows if row.split == split]

    def counts(self, split: Split = Split.TRAIN) -> Counter[str]:
        """{slug: photos} of one split."""
        return Counter(row.slug for row in self.rows if row.split == split)

    def usable(self) -> list[str]:
        """Slugs with enough training labels to be learned, sorted."""
        counts = self.counts()
        return sorted(slug for slug, n in counts.items() if n >= MIN_TRAIN_LABELS)


def counting() -> QuerySet[ProductImage]:
    """Images whose label counts. Photos of one product share its split; the uncertain-first picks
    among them never enter validation or test, so in such a product they count nowhere."""
    return (
        ProductImage.objects.present()
        .labelled()
        .filter(Q(label__in=Category.objects.leaves()) | Q(label__in=_merged_into_leaves()))
        .filter(disputed=False, split_conflict=False)
        .exclude(product__split=Split.NONE)
        .filter(Q(product__split=Split.TRAIN) | Q(label_origin__in=EVALUATION_ORIGINS))
    )


def _merged_into_leaves() -> dict[int, tuple[int, str]]:
    """{id of a merged category: (id, slug) of the leaf that its labels count as}"""
    ends = merging.targets()
    rows = Category.objects.leaves().filter(pk__in=ends.values())
    leaves = dict(rows.values_list("pk", "slug"))
    return {pk: (end, leaves[end]) for pk, end in ends.items() if end in leaves}


def build() -> TrainingSet:
    """The training set as of now. Read the newest decision first: one that arrives in between is
    then counted twice rather than never."""
    last = Decision.objects.aggregate(last=Max("id"))["last"] or 0
    merged = merging.slugs()
    rows = list(_rows())
    lines = sorted(f"{row.sha256} {row.slug} {row.split}" for row in rows)
    fingerprint = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return TrainingSet(rows, fingerprint, last, merged)


def _rows() -> Iterator[Row]:
    values = (
        counting()
        .order_by("id")
        .values_list("pk", "file", "sha256", "label_id", "label__slug", "product__split")
    )
    counts_as = _merged_into_leaves()
    for pk, file, sha256, label_id, label, split in values.iterator(chunk_size=2000):
        category_id, slug = counts_as.get(label_id, (label_id, label))
        # One string for all photos of a category: a million rows are held at once.
        yield Row(pk, file, sha256, category_id, sys.intern(slug), Split(split))


def changed_since(run: TrainingRun | None) -> int:
    """How many images people decided on since `run` read its labels; edits count."""
    decisions = Decision.objects.filter(pk__gt=run.last_decision if run else 0)
    return decisions.values("image_id").distinct().count()


def is_covered(run: TrainingRun, slugs: Sequence[str], *, by: TrainingRun | None) -> bool:
    """Whether every photo of these categories that `run` learns from was learned `by` an earlier
    one, as the same, and none of the others was as another. Both are recorded."""
    if by is None:
        return False
    learned = RunRow.objects.filter(split=Split.TRAIN)
    before = learned.filter(run=by, image=OuterRef("image"))
    same = before.filter(label=OuterRef("label"))
    concerned = Q(label__slug__in=slugs) | Exists(before)
    return not learned.filter(~Exists(same), concerned, run=run).exists()


def record(run: TrainingRun, rows: list[Row]) -> None:
    """Store what the run saw, replacing the rows of an earlier attempt: in transactions of their
    own, so that an upload need not wait for all of them."""
    RunRow.objects.filter(run=run).delete()
    for start in range(0, len(rows), CHUNK):
        RunRow.objects.bulk_create(
            RunRow(
                run=run, image_id=r.image_id, sha256=r.sha256, label_id=r.category_id, split=r.split
            )
            for r in rows[start : start + CHUNK]
        )

"""A version's evaluation report, read for pages. The classifier wrote it as JSON; versions of other
times may lack keys, and then the page shows less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .intervals import wilson
from .models import Category, ModelVersion

FEW_PHOTOS = 30
"""With fewer test photos the figures say little, and the gate asks a manager."""
MATRIX_LIMIT = 40
"""Above so many categories a matrix is unreadable; the list of mix-ups stands alone."""
MIX_UPS = 10
SHADES = 6


Within = tuple[float, float] | None
"""A 95% interval; None where the version kept none."""


@dataclass(frozen=True)
class CategoryScore:
    slug: str
    name: str
    path: str
    precision: float
    recall: float
    f1: float
    support: int
    gain: float | None
    """F1 minus that of the version it was compared with."""
    precision_within: Within = None
    recall_within: Within = None
    f1_within: Within = None


@dataclass(frozen=True)
class Cell:
    """How many photos of category `true` were put into `predicted`; slugs, with their names."""

    true: str
    predicted: str
    true_name: str
    predicted_name: str
    photos: int
    shade: int
    """0 for none, to SHADES for all photos of the category."""

    @property
    def is_right(self) -> bool:
        return self.true == self.predicted


@dataclass(frozen=True)
class MatrixRow:
    slug: str
    name: str
    cells: list[Cell]
    """Empty where there are more than MATRIX_LIMIT rows: a million cells that nobody sees."""


@dataclass(frozen=True)
class Report:
    images: int
    accuracy: float | None
    macro_f1: float | None
    ece: float | None
    scores: list[CategoryScore]
    matrix: list[MatrixRow]
    mix_ups: list[Cell]
    unknown: list[str]
    """Names of categories that had test photos and that the version does not know."""
    accuracy_within: Within = None
    macro_f1_within: Within = None
    ece_within: Within = None

    @property
    def is_thin(self) -> bool:
        return self.images < FEW_PHOTOS

    @property
    def right(self) -> int:
        return round((self.accuracy or 0) * self.images)

    @property
    def matrix_is_readable(self) -> bool:
        return 0 < len(self.matrix) <= MATRIX_LIMIT


def read(version: ModelVersion, *, gains: Mapping[str, float]) -> Report:
    """The report of one version, with today's category names, in one query. `gains` are the F1
    differences to the version it was compared with."""
    metrics = version.metrics if isinstance(version.metrics, Mapping) else {}
    labels, matrix = _confusion(metrics.get("confusion"))
    per_class = mapping(metrics.get("per_class"))
    unknown = _strings(metrics.get("unknown_categories"))
    paths = _paths({*labels, *per_class, *unknown})
    names = _short_names(paths)
    intervals = mapping(mapping(metrics.get("intervals")).get("per_class"))
    return replace(
        _overall(metrics),
        scores=_scores(per_class, paths, gains, intervals),
        matrix=_matrix_rows(labels, matrix, names),
        mix_ups=_mix_ups(mix_up_counts(metrics), names),
        unknown=sorted(paths[slug] for slug in unknown),
    )


def figures(version: ModelVersion) -> Report:
    """What the report says of all categories together; no queries."""
    return _overall(mapping(version.metrics))


def listed(version_ids: Iterable[int]) -> dict[int, Report]:
    """{version id: the few figures a list shows}, in one query that reads them inside the database:
    a report on 1,000 categories has megabytes."""
    keys = ("images", "accuracy", "macro_f1")
    rows = ModelVersion.objects.filter(pk__in=set(version_ids)).order_by()
    values = rows.values_list("pk", *(f"metrics__{key}" for key in keys))
    return {pk: _overall(dict(zip(keys, found, strict=True))) for pk, *found in values}


def _overall(metrics: Mapping[str, Any]) -> Report:
    intervals = mapping(metrics.get("intervals"))
    return Report(
        images=_whole(metrics.get("images")),
        accuracy=share(metrics.get("accuracy")),
        macro_f1=share(metrics.get("macro_f1")),
        ece=share(metrics.get("ece")),
        scores=[],
        matrix=[],
        mix_ups=[],
        unknown=[],
        accuracy_within=within(intervals.get("accuracy")),
        macro_f1_within=within(intervals.get("macro_f1")),
        ece_within=within(intervals.get("ece")),
    )


@dataclass(frozen=True)
class Baseline:
    """The version that was live when another was judged, on the same test photos, and what that
    other gained on it."""

    version: int
    accuracy: float | None
    accuracy_within: Within
    macro_f1: float | None
    accuracy_gain: float | None
    macro_f1_gain: float | None
    macro_f1_at_least: float | None
    """The gain is no less with 95% confidence: the lower end of its two-sided 90% interval."""


def baseline(version: ModelVersion) -> Baseline | None:
    """None where nothing was live then."""
    metrics = mapping(version.metrics)
    theirs = mapping(metrics.get("baseline"))
    if not isinstance(theirs.get("version"), int):
        return None
    images = _whole(theirs.get("images")) or _whole(metrics.get("images"))
    right, ours = share(theirs.get("accuracy")), share(metrics.get("accuracy"))
    balanced, our_balanced = share(theirs.get("macro_f1")), share(metrics.get("macro_f1"))
    at_least = mapping(metrics.get("gate")).get("macro_f1_lower_bound")
    return Baseline(
        version=theirs["version"],
        accuracy=right,
        accuracy_within=None if right is None else wilson(round(right * images), images),
        macro_f1=balanced,
        accuracy_gain=None if right is None or ours is None else ours - right,
        macro_f1_gain=None if balanced is None or our_balanced is None else our_balanced - balanced,
        macro_f1_at_least=float(at_least) if isinstance(at_least, int | float) else None,
    )


def cell(version: ModelVersion, true: str, predicted: str) -> Cell:
    """The names of one cell of the confusion matrix, and how many photos the report counts."""
    labels, matrix = _confusion(mapping(version.metrics).get("confusion"))
    names = _short_names(_paths({true, predicted}))
    known = true in labels and predicted in labels
    photos = matrix[labels.index(true)][labels.index(predicted)] if known else 0
    return Cell(true, predicted, names[true], names[predicted], _whole(photos), shade=0)


def mix_up_counts(metrics: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """{(slug of what photos are, slug of what they were taken for): photos}, wrong answers only."""
    labels, matrix = _confusion(metrics.get("confusion"))
    return {
        (labels[i], labels[j]): photos
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if count and i != j and (photos := _whole(count))
    }


def names_of(slugs: set[str]) -> dict[str, str]:
    """Last names, or whole paths for those that share one."""
    return _short_names(_paths(slugs))


def _scores(
    per_class: Mapping[str, Any],
    paths: Mapping[str, str],
    gains: Mapping[str, float],
    intervals: Mapping[str, Any],
) -> list[CategoryScore]:
    def around(slug: str, figure: str) -> Within:
        return within(mapping(intervals.get(slug)).get(figure))

    scores = [
        CategoryScore(
            slug=slug,
            name=paths[slug].split(" › ")[-1],
            path=paths[slug],
            precision=share(values.get("precision")) or 0.0,
            recall=share(values.get("recall")) or 0.0,
            f1=share(values.get("f1")) or 0.0,
            support=_whole(values.get("support")),
            gain=gains.get(slug),
            precision_within=around(slug, "precision"),
            recall_within=around(slug, "recall"),
            f1_within=around(slug, "f1"),
        )
        for slug, values in per_class.items()
        if isinstance(values, Mapping)
    ]
    return sorted(scores, key=lambda score: score.path.casefold())


def _matrix_rows(
    labels: list[str], matrix: list[list[object]], names: Mapping[str, str]
) -> list[MatrixRow]:
    order = sorted(range(len(labels)), key=lambda i: names[labels[i]].casefold())
    if len(order) > MATRIX_LIMIT:
        return [MatrixRow(labels[i], names[labels[i]], []) for i in order]
    rows = []
    for i in order:
        counts = [_whole(count) for count in matrix[i]]
        total = sum(counts)
        cells = [
            Cell(
                true=labels[i],
                predicted=labels[j],
                true_name=names[labels[i]],
                predicted_name=names[labels[j]],
                photos=counts[j],
                shade=_shade(counts[j], total),
            )
            for j in order
        ]
        rows.append(MatrixRow(labels[i], names[labels[i]], cells))
    return rows


def _shade(photos: int, total: int) -> int:
    return min(SHADES, 1 + int(photos / total * SHADES)) if photos else 0


def _mix_ups(counts: Mapping[tuple[str, str], int], names: Mapping[str, str]) -> list[Cell]:
    """The commonest wrong answers, most photos first."""
    wrong = [
        Cell(true, predicted, names[true], names[predicted], photos, shade=0)
        for (true, predicted), photos in counts.items()
    ]
    return sorted(wrong, key=lambda c: (-c.photos, c.true_name, c.predicted_name))[:MIX_UPS]


def _confusion(value: object) -> tuple[list[str], list[list[object]]]:
    """Labels and a matrix that fits them, its counts as they were kept; or nothing."""
    found = mapping(value)
    labels, matrix = _strings(found.get("labels")), found.get("matrix")
    if not isinstance(matrix, list) or len(matrix) != len(labels):
        return [], []
    if any(not isinstance(row, list) or len(row) != len(labels) for row in matrix):
        return [], []
    return labels, matrix


def _paths(slugs: set[str]) -> dict[str, str]:
    """{slug: path} with the slug itself where no such category exists any more."""
    known = Category.objects.filter(slug__in=slugs).values_list("slug", "path")
    return {slug: slug for slug in slugs} | dict(known)


def _short_names(paths: Mapping[str, str]) -> dict[str, str]:
    """Last names, or whole paths for those that share a last name."""
    last = {slug: path.split(" › ")[-1] for slug, path in paths.items()}
    sharing = Counter(last.values())
    return {s: name if sharing[name] == 1 else paths[s] for s, name in last.items()}


def within(value: object) -> Within:
    """A pair of shares, lower first, or None."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    low, high = share(value[0]), share(value[1])
    return None if low is None or high is None else (low, high)


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings of a list; nothing where it is none."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value >= 0 else 0


def share(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None

"""How sure a version may be, read from its report for pages: calibration, and how precise its
surest answers are. Versions of other times lack the keys, and then the page shows less."""

from __future__ import annotations

from dataclasses import dataclass

from .models import ModelVersion
from .plots import Axes, Dot, Plot, Series, axes_above, radius
from .report import Within, mapping, mappings, share, within

GOOD_ECE = 0.05
"""Confidence that is off by no more than this, on average, is called honest."""


@dataclass(frozen=True)
class Filled:
    """The test photos of one range of confidence."""

    images: int
    confidence: float
    accuracy: float
    within: Within


@dataclass(frozen=True)
class Point:
    """Of the surest `images` photos: the least confidence, and the share answered right."""

    images: int
    coverage: float
    threshold: float
    precision: float


@dataclass(frozen=True)
class Sureness:
    ece: float | None
    ece_within: Within
    ece_before: float | None
    before_within: Within
    chance_mean: float | None
    chance_high: float | None
    temperature: float | None
    plots: list[Plot]

    @property
    def is_known(self) -> bool:
        return self.ece_before is not None or bool(self.plots)

    @property
    def verdict(self) -> str:
        """The calibration error in words."""
        if self.ece is None:
            return ""
        if self.ece <= GOOD_ECE:
            return f"Its confidence is honest: off by {self.ece:.1%} on average."
        if self.chance_high is not None and self.ece <= self.chance_high:
            return (
                f"Its confidence is off by {self.ece:.1%} on average. So few test photos cannot "
                f"tell that from honest: chance alone shows {self.chance_mean:.1%}, and up to "
                f"{self.chance_high:.1%}."
            )
        return f"Its confidence is off by {self.ece:.1%} on average, more than chance explains."


def of(version: ModelVersion) -> Sureness:
    """No queries."""
    metrics = mapping(version.metrics)
    intervals = mapping(metrics.get("intervals"))
    chance = mapping(metrics.get("ece_by_chance"))
    after, before = metrics.get("reliability"), metrics.get("reliability_before")
    plots = (
        _reliability(_filled(after), _filled(before)),
        _coverage(_points(metrics.get("coverage"))),
    )
    return Sureness(
        ece=share(metrics.get("ece")),
        ece_within=within(intervals.get("ece")),
        ece_before=share(metrics.get("ece_before")),
        before_within=within(intervals.get("ece_before")),
        chance_mean=share(chance.get("mean")),
        chance_high=share(chance.get("high")),
        temperature=_number(metrics.get("temperature")),
        plots=[plot for plot in plots if plot is not None],
    )


def _reliability(after: list[Filled], before: list[Filled]) -> Plot | None:
    if not after:
        return None
    axes, most = Axes(), max(filled.images for filled in [*after, *before])
    series = [
        Series("What honest confidence would show", "honest", axes.line([(0, 0), (1, 1)])),
        Series("Before calibration", "before", dots=[_dot(f, axes, most) for f in before]),
        Series("As shown", "shown", dots=[_dot(f, axes, most) for f in after]),
    ]
    return Plot(
        key="reliability",
        title="Is its confidence honest?",
        description="A dot for each range of confidence; its size stands for the photos in it. "
        + " ".join(_words(filled) for filled in after),
        x_title="Confidence",
        y_title="Answered right",
        series=[one for one in series if one.points or one.dots],
        x_ticks=axes.x_ticks(),
        y_ticks=axes.y_ticks(),
        columns=["Confidence", "Answered right", "95% within", "Photos"],
        rows=[_row(filled) for filled in after],
    )


def _dot(filled: Filled, axes: Axes, most: int) -> Dot:
    low, high = filled.within or (None, None)
    return Dot(
        axes.x(filled.confidence),
        axes.y(filled.accuracy),
        radius(filled.images, most),
        _words(filled),
        None if high is None else axes.y(high),
        None if low is None else axes.y(low),
    )


def _words(filled: Filled) -> str:
    photos = f"{filled.images} photo{'s' if filled.images != 1 else ''}"
    return f"{filled.confidence:.0%} sure: {filled.accuracy:.0%} of {photos} right."


def _row(filled: Filled) -> list[str]:
    around = f"{filled.within[0]:.0%} to {filled.within[1]:.0%}" if filled.within else "–"
    return [f"{filled.confidence:.1%}", f"{filled.accuracy:.1%}", around, str(filled.images)]


def _coverage(points: list[Point]) -> Plot | None:
    if not points:
        return None
    axes = axes_above([point.precision for point in points])
    line = axes.line((point.coverage, point.precision) for point in points)
    half = min(points, key=lambda point: abs(point.coverage - 0.5))
    return Plot(
        key="coverage",
        title="How right are its surest answers?",
        description=(
            f"Of the surest {half.coverage:.0%} of the test photos {half.precision:.0%} were "
            f"answered right; of all, {points[-1].precision:.0%}."
        ),
        x_title="Share of the photos, surest first",
        y_title="Answered right",
        series=[Series("Surest answers on test photos", "shown", line)],
        x_ticks=axes.x_ticks(),
        y_ticks=axes.y_ticks(),
        columns=["Surest share", "Photos", "Least confidence", "Answered right"],
        rows=[
            [f"{p.coverage:.0%}", str(p.images), f"{p.threshold:.1%}", f"{p.precision:.1%}"]
            for p in points
        ],
    )


def _filled(value: object) -> list[Filled]:
    found = []
    for row in mappings(value):
        confidence, accuracy = share(row.get("confidence")), share(row.get("accuracy"))
        images = _number(row.get("images"))
        if confidence is not None and accuracy is not None and images:
            around = within(row.get("interval"))
            found.append(Filled(int(images), confidence, accuracy, around))
    return found


def _points(value: object) -> list[Point]:
    found = []
    for row in mappings(value):
        figures = [share(row.get(name)) for name in ("coverage", "threshold", "precision")]
        images = _number(row.get("images"))
        known = [figure for figure in figures if figure is not None]
        if images and len(known) == len(figures):
            found.append(Point(int(images), *known))
    return found


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None

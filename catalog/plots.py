"""Where the marks of a plot of two shares stand, so that a template can draw it as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Frame, Tick

BIGGEST, SMALLEST = 9.0, 2.5
"""Radii of dots."""


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    radius: float
    words: str
    """What a pointer over the dot reads."""
    high: float | None = None
    low: float | None = None
    """Ends of the whisker, where the figure's interval is known."""


@dataclass(frozen=True)
class Series:
    """Dots, or a line through `points`; an empty `name` keeps it out of the legend."""

    name: str
    style: str
    points: str = ""
    dots: list[Dot] = field(default_factory=list)


@dataclass(frozen=True)
class Plot(Frame):
    key: str
    title: str
    description: str
    x_title: str
    y_title: str
    series: list[Series]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    columns: list[str]
    rows: list[list[str]]

    @property
    def named(self) -> list[Series]:
        return [series for series in self.series if series.name]


@dataclass(frozen=True)
class Axes:
    """Shares to SVG units: x from 0 to 1, y from `low` to 1."""

    low: float = 0.0

    def x(self, share: float) -> float:
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, share: float) -> float:
        up = (max(share, self.low) - self.low) / (1 - self.low)
        return round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1)

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(x):g},{self.y(y):g}" for x, y in points)

    def x_ticks(self) -> list[Tick]:
        return [Tick(self.x(n / 5), f"{n * 20}%") for n in range(6)]

    def y_ticks(self) -> list[Tick]:
        marks = [self.low + (1 - self.low) * n / 5 for n in range(6)]
        return [Tick(self.y(mark), f"{mark:.0%}") for mark in marks]


def axes_above(shares: Sequence[float]) -> Axes:
    """Axes that begin at the half below the lowest share, so that differences near 1 show."""
    return Axes(0.5 if shares and min(shares) >= 0.5 else 0.0)


def radius(images: int, most: int) -> float:
    """A dot's area stands for its photos; the smallest can still be seen."""
    return round(max(SMALLEST, BIGGEST * math.sqrt(images / most)), 1) if most else SMALLEST

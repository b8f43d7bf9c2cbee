"""Where the points of a training chart stand, so that a template can draw it as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 18, 26, 40
"""Space around the plot for axis labels and phase names, in SVG units."""

PHASES = {"head": "Learning to sort", "fine-tune": "Fine-tuning"}
MANY_ROUNDS = 30
"""With more points than this a line needs no dots."""


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    round: int
    value: float


@dataclass(frozen=True)
class Line:
    """One curve. `pieces` are the points of unbroken stretches; a missing value breaks the line."""

    name: str
    style: str
    """CSS class: `learned` (dashed) or `unseen` (solid), so that colour is not all that differs."""
    pieces: list[list[Point]]
    dots: bool

    def paths(self) -> list[str]:
        """The `points` of an SVG polyline for each piece."""
        return [" ".join(f"{p.x:g},{p.y:g}" for p in piece) for piece in self.pieces]

    def points(self) -> list[Point]:
        return [point for piece in self.pieces for point in piece]


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Phase:
    """A stretch of rounds; `start` is its left edge, its name stands at `label_at`."""

    name: str
    start: float
    label_at: float
    anchor: str
    """SVG's text-anchor: a phase in the right half ends its name at the right edge."""
    is_first: bool


@dataclass(frozen=True)
class Row:
    """One round in the table below a chart."""

    round: int
    phase: str
    values: list[float | None]


class Frame:
    """Where a drawing's axes stand. `templates/models/frame.html` draws them."""

    width = WIDTH
    height = HEIGHT
    left = LEFT
    right = WIDTH - RIGHT
    top = TOP
    bottom = HEIGHT - BOTTOM

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class Chart(Frame):
    key: str
    title: str
    description: str
    unit: str
    lines: list[Line]
    phases: list[Phase]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rows: list[Row] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """Heads of the table's value columns."""
        return [LEARNED, UNSEEN]


@dataclass(frozen=True)
class Wanted:
    """One chart to draw: which metric of learned and of unseen photos, in which words."""

    key: str
    title: str
    learned: str
    unseen: str
    is_share: bool


CHARTS = (
    Wanted("accuracy", "Photos answered right", "accuracy", "val_accuracy", True),
    Wanted("loss", "How far off the answers were (loss)", "loss", "val_loss", False),
)
LEARNED, UNSEEN = "Photos it learned from", "Photos kept aside"


def training_charts(history: Mapping[str, Any]) -> list[Chart]:
    """The charts of a run's history {phase: {metric: [per round]}}, its phases one after the other.

    Tolerates what old or broken histories hold: charts without any number are left out."""
    phases = [(name, metrics) for name, metrics in history.items() if isinstance(metrics, Mapping)]
    charts = (_chart(wanted, phases) for wanted in CHARTS)
    return [chart for chart in charts if chart is not None]


def _chart(wanted: Wanted, phases: Sequence[tuple[str, Mapping[str, Any]]]) -> Chart | None:
    columns = [
        (name, [_numbers(m.get(wanted.learned)), _numbers(m.get(wanted.unseen))])
        for name, m in phases
    ]
    columns = [(name, pair) for name, pair in columns if any(pair)]
    rows = _rows(columns)
    values = [v for row in rows for v in row.values if v is not None]
    if not values:
        return None
    low, high = (0.0, 1.0) if wanted.is_share else (0.0, max(values) or 1.0)
    scale = _Scale(rounds=len(rows), low=low, high=_round_up(high))
    lines = [
        _line(name, style, rows, i, scale)
        for i, (name, style) in enumerate(((LEARNED, "learned"), (UNSEEN, "unseen")))
        if any(row.values[i] is not None for row in rows)
    ]
    return Chart(
        key=wanted.key,
        title=wanted.title,
        description=_describe(lines, columns, is_share=wanted.is_share),
        unit="%" if wanted.is_share else "",
        lines=lines,
        phases=_phases(columns, scale),
        x_ticks=[Tick(scale.x(n), str(n)) for n in _round_marks(len(rows))],
        y_ticks=_y_ticks(scale, is_share=wanted.is_share),
        rows=_as_percent(rows) if wanted.is_share else rows,
    )


def _numbers(values: object) -> list[float | None]:
    """A metric's values; what is not a finite number becomes a gap."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    return [_number(value) for value in values]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _rows(columns: Sequence[tuple[str, list[list[float | None]]]]) -> list[Row]:
    rows: list[Row] = []
    for name, pair in columns:
        for place in range(max(len(values) for values in pair)):
            values = [v[place] if place < len(v) else None for v in pair]
            rows.append(Row(len(rows) + 1, phase_name(name), values))
    return rows


def phase_name(name: str) -> str:
    return PHASES.get(name, name.replace("-", " ").replace("_", " ").capitalize())


@dataclass(frozen=True)
class _Scale:
    rounds: int
    low: float
    high: float

    def x(self, number: float) -> float:
        """Rounds count from 1; the first and the last keep half a step from the edges."""
        step = (WIDTH - LEFT - RIGHT) / self.rounds
        return round(LEFT + step * (number - 0.5), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _line(name: str, style: str, rows: Sequence[Row], column: int, scale: _Scale) -> Line:
    """A gap or the beginning of another phase breaks the line."""
    pieces: list[list[Point]] = [[]]
    phase = rows[0].phase
    for row in rows:
        value = row.values[column]
        if value is None or row.phase != phase:
            pieces.append([])
        if value is not None:
            pieces[-1].append(Point(scale.x(row.round), scale.y(value), row.round, value))
        phase = row.phase
    return Line(name, style, [p for p in pieces if p], dots=len(rows) <= MANY_ROUNDS)


def _phases(columns: Sequence[tuple[str, list[list[float | None]]]], scale: _Scale) -> list[Phase]:
    phases: list[Phase] = []
    before = 0
    for name, pair in columns:
        after = before + max(len(values) for values in pair)
        start, end = scale.x(before + 0.5), scale.x(after + 0.5)
        is_right = bool(phases) and start > (LEFT + WIDTH - RIGHT) / 2
        at, anchor = (end, "end") if is_right else (start + (6 if phases else 0), "start")
        phases.append(Phase(phase_name(name), start, at, anchor, is_first=not phases))
        before = after
    return phases


def _round_marks(rounds: int) -> list[int]:
    """At most eight marks: every round, or every 2nd, 5th, 10th, …"""
    steps = (m * 10**power for power in range(9) for m in (1, 2, 5))
    step = next(s for s in steps if rounds <= s * 8)
    return list(range(step, rounds + 1, step))


def _round_up(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if value <= m * power * (1 + 1e-9))


def _y_ticks(scale: _Scale, *, is_share: bool) -> list[Tick]:
    """Four steps, or five where the top is 2.5 or 5 times a power of ten."""
    leading = scale.high / 10.0 ** math.floor(math.log10(scale.high))
    steps = 5 if round(leading, 6) in {2.5, 5.0} else 4
    values = [scale.low + (scale.high - scale.low) * n / steps for n in range(steps + 1)]
    return [Tick(scale.y(v), f"{v:.0%}" if is_share else f"{v:g}") for v in values]


def _as_percent(rows: Sequence[Row]) -> list[Row]:
    return [Row(r.round, r.phase, [None if v is None else v * 100 for v in r.values]) for r in rows]


def _describe(
    lines: Sequence[Line],
    columns: Sequence[tuple[str, list[list[float | None]]]],
    *,
    is_share: bool,
) -> str:
    """What the picture shows, for whoever does not see it."""
    rounds = sum(max(len(v) for v in pair) for _, pair in columns)
    parts = [f"{rounds} round{'s' if rounds != 1 else ''} through the photos."]
    for line in lines:
        points = line.points()
        first, last = points[0].value, points[-1].value
        words = (f"{v:.0%}" if is_share else f"{v:.2f}" for v in (first, last))
        parts.append(f"{line.name}: from {next(words)} to {next(words)}.")
    return " ".join(parts)

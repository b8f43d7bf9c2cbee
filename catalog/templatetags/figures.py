"""How figures are written on pages."""

from __future__ import annotations

from datetime import timedelta

from django import template

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """0.8312 -> 83.1%; a dash where there is none."""
    return "–" if share is None else f"{share:.1%}"


@register.filter
def whole_percent(share: float | None) -> str:
    """0.8312 -> 83%, 0.975 -> 97.5%; a dash where there is none."""
    if share is None:
        return "–"
    return f"{round(share * 100, 1):g}%" if share > 0.9 else f"{share:.0%}"


@register.filter
def certain(share: float) -> str:
    """A confidence as people write it; never a 0% or 100% that was not meant."""
    if share < 0.01:
        return "<1%"
    return f"{min(int(share * 100 + 0.5), 99)}%"


@register.filter
def alike(likeness: float) -> str:
    """A cosine of -1 to 1 in words: 93% alike."""
    return f"{max(int(likeness * 100 + 0.5), 0)}% alike"


@register.filter
def within(interval: tuple[float, float] | None) -> str:
    """A 95% interval of a share: (0.778, 0.856) -> 77.8 to 85.6%; nothing where there is none."""
    return "" if interval is None else f"{interval[0] * 100:.1f} to {interval[1]:.1%}"


@register.filter
def points(difference: float | None) -> str:
    """A difference of shares in percentage points: 0.012 -> +1.2 points."""
    if difference is None:
        return "–"
    rounded = round(difference * 100, 1)
    return f"{rounded:+.1f} points" if rounded else "no change"


@register.filter
def decimals(value: float | None, places: int = 3) -> str:
    return "–" if value is None else f"{value:.{places}f}"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Seconds in the two largest units: 3 min 20 s."""
    if value is None:
        return "–"
    seconds = round(value.total_seconds() if isinstance(value, timedelta) else value)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

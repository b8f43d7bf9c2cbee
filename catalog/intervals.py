"""How sure a share may be that was counted."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959963984540054


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share, `hits` of `total` (Wilson 1927); everything is possible where
    there are none."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, Z95 * Z95
    middle = share + square / (2 * total)
    reach = Z95 * sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)

"""How often the gate turns a candidate away that is as good as the live model, because one of many
categories lost photos by chance, and how often it notices a category that truly lost. The design's
rule (one-sided McNemar p < 0.05 in any category) beside the one that is used, which shares the risk
among the categories and lets losses under 2% pass. Simulated: no photos, no model.

    python -m benchmarks.gate [--json] [--draws N] [--quick]

In every category some photos change between right and wrong, each way alike; in the category that
truly lost, a tenth, a fifth or 30% of the photos go wrong besides."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from classifier.gate import (
    MINIMUM_LOST,
    SIGNIFICANCE,
    TURNED_AWAY,
    mcnemar_one_sided,
    significance,
    smallest_loss,
)

DRAWS = 4000
QUICK_DRAWS = 300
CATEGORIES = (10, 30, 100)
PHOTOS = (15, 50, 500)
CHANGED = (0.02, 0.05, 0.10)
"""The share of a category's photos that change by chance."""
LOSSES = (0.1, 0.2, 0.3)

chance = cache(mcnemar_one_sided)


def blocked(lost: Any, won: Any, level: float, smallest: float) -> list[bool]:
    return [
        bool(more - less >= smallest and chance(int(more), int(less)) < level)
        for more, less in zip(lost, won, strict=True)
    ]


def turned_away(categories: int, photos: int, changed: float, draws: int) -> dict[str, Any]:
    """The share of equal candidates that any category turns away."""
    random = np.random.default_rng([categories, photos, round(1000 * changed)])
    found = {"design": 0, "shared": 0}
    for _ in range(draws):
        flips = random.binomial(photos, changed, categories)
        lost = random.binomial(flips, 0.5)
        found["design"] += any(blocked(lost, flips - lost, SIGNIFICANCE, MINIMUM_LOST))
        level = significance(flips.tolist())
        found["shared"] += any(blocked(lost, flips - lost, level, smallest_loss(photos)))
    return {
        "categories": categories,
        "photos": photos,
        "changed": changed,
        **{rule: count / draws for rule, count in found.items()},
    }


def noticed(
    categories: int, photos: int, changed: float, loss: float, draws: int
) -> dict[str, Any]:
    """The share of candidates of which one category truly lost that it turns away."""
    random = np.random.default_rng([categories, photos, round(1000 * changed), round(1000 * loss)])
    found = {"design": 0, "shared": 0}
    for _ in range(draws):
        flips = random.binomial(photos, changed, categories)
        lost = random.binomial(flips, 0.5)
        won = flips - lost
        lost[0] += random.binomial(photos - flips[0], loss)
        level = significance((lost + won).tolist())
        found["design"] += blocked(lost[:1], won[:1], SIGNIFICANCE, MINIMUM_LOST)[0]
        found["shared"] += blocked(lost[:1], won[:1], level, smallest_loss(photos))[0]
    return {
        "categories": categories,
        "photos": photos,
        "changed": changed,
        "loss": loss,
        **{rule: count / draws for rule, count in found.items()},
    }


def equal_candidates(draws: int) -> Iterator[dict[str, Any]]:
    for categories in CATEGORIES:
        for photos in PHOTOS:
            for changed in CHANGED:
                yield turned_away(categories, photos, changed, draws)


def worse_candidates(draws: int) -> Iterator[dict[str, Any]]:
    for categories in CATEGORIES:
        for photos in PHOTOS:
            for loss in LOSSES:
                yield noticed(categories, photos, 0.05, loss, draws)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--images", type=int, help="not used: nothing is classified")
    parser.add_argument("--photos", type=Path, help="not used: nothing is classified")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_DRAWS} draws of each")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    draws = QUICK_DRAWS if options.quick else options.draws
    equal, worse = [], []
    print("equal candidates turned away:  p < 0.05 in any | shared among the categories")
    for row in equal_candidates(draws):
        equal.append(row)
        print(f"{_place(row)}: {row['design']:.3f} | {row['shared']:.3f}", flush=True)
    print("a category that truly lost is noticed:")
    for row in worse_candidates(draws):
        worse.append(row)
        print(
            f"{_place(row)}, {row['loss']:.0%} lost: {row['design']:.3f} | {row['shared']:.3f}",
            flush=True,
        )
    if options.json:
        settings = {"draws": draws, "significance": SIGNIFICANCE, "turned_away": TURNED_AWAY}
        print(json.dumps({"settings": settings, "equal": equal, "worse": worse}))
    return 0


def _place(row: dict[str, Any]) -> str:
    return f"{row['categories']:>4} categories, {row['photos']} photos, {row['changed']:.0%} change"


if __name__ == "__main__":
    raise SystemExit(main())

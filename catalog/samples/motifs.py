"""Which products belong to which category of the sample tree, and how each is photographed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random

from catalog.samples import (
    bags,
    bars,
    drinks,
    shirts,
    shoes,
    sunglasses,
    supplements,
    trousers,
    watches,
)
from catalog.samples.paint import Cutout, Light


class Pose(Enum):
    """How an object is photographed; the value is how far it may be turned, in degrees."""

    LYING = 180.0
    LAID_OUT = 24.0
    HANGING = 4.0
    STANDING = 3.0


@dataclass(frozen=True)
class Motif:
    """A way to paint one kind of product; the first of its poses is the one studios choose."""

    paint: Callable[[Random, Light], Cutout]
    weight: float
    poses: tuple[Pose, ...]


UPRIGHT = (Pose.STANDING,)
HUNG = (Pose.HANGING,)
FLAT = (Pose.LAID_OUT, Pose.LYING)
EITHER = (Pose.STANDING, Pose.LAID_OUT)
GARMENT = (Pose.LAID_OUT, Pose.LYING, Pose.HANGING)
ANYHOW = (Pose.STANDING, Pose.HANGING, Pose.LAID_OUT)

MOTIFS: dict[str, tuple[Motif, ...]] = {
    "fashion-shirts": (
        Motif(shirts.spread_out, 7, GARMENT),
        Motif(shirts.on_hanger, 3, HUNG),
        Motif(shirts.folded, 1, FLAT),
    ),
    "fashion-trousers": (
        Motif(trousers.spread_out, 8, GARMENT),
        Motif(trousers.hanging, 1, HUNG),
        Motif(trousers.folded, 1, FLAT),
    ),
    "fashion-shoes": (
        Motif(shoes.trainer, 7, (Pose.STANDING, Pose.LYING)),
        Motif(shoes.boot, 1.5, UPRIGHT),
        Motif(shoes.loafer, 1.5, UPRIGHT),
        Motif(shoes.pair_from_above, 1, FLAT),
    ),
    "nutrition-drinks": (
        Motif(drinks.bottle, 8, EITHER),
        Motif(drinks.can, 1.2, EITHER),
        Motif(drinks.juice_carton, 1, UPRIGHT),
        Motif(drinks.sports_bottle, 0.7, EITHER),
    ),
    "nutrition-supplements": (
        Motif(supplements.tub, 7, UPRIGHT),
        Motif(supplements.pill_bottle, 1.3, UPRIGHT),
        Motif(supplements.pouch, 1, EITHER),
        Motif(supplements.box_and_blister, 1, UPRIGHT),
    ),
    "nutrition-snack-bars": (
        Motif(bars.wrapped, 8, FLAT),
        Motif(bars.opened, 2, FLAT),
        Motif(bars.bare_stack, 1, UPRIGHT),
        Motif(bars.display_box, 1, UPRIGHT),
    ),
    "accessories-bags": (
        Motif(bags.handbag, 6, EITHER),
        Motif(bags.tote, 3, ANYHOW),
        Motif(bags.backpack, 1, ANYHOW),
        Motif(bags.holdall, 1, UPRIGHT),
        Motif(bags.clutch, 0.6, FLAT),
    ),
    "accessories-watches": (
        Motif(watches.laid_open, 6, FLAT),
        Motif(watches.closed, 4, (Pose.STANDING, Pose.LAID_OUT, Pose.LYING)),
    ),
    "accessories-sunglasses": (
        Motif(sunglasses.from_front, 6, EITHER),
        Motif(sunglasses.folded, 3, FLAT),
        Motif(sunglasses.half_turned, 2, EITHER),
        Motif(sunglasses.from_above, 1, FLAT),
    ),
}


def drawn(rng: Random, slug: str) -> Motif:
    """One of the category's motifs, the usual ones more often."""
    motifs = MOTIFS[slug]
    return rng.choices(motifs, [motif.weight for motif in motifs])[0]

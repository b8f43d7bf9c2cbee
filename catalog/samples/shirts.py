"""Shirts: T-shirts, polos, button shirts, vests; laid flat, on a hanger, or folded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from catalog.samples.cloth import SHIRT_PATTERNS, Cloth, folds, seam_colour, woven
from catalog.samples.colours import CLOTH, Rgb, darker, lighter, mix, pick
from catalog.samples.paint import (
    Cutout,
    Floats,
    Light,
    Pen,
    Point,
    along,
    ellipse,
    flipped,
    mirrored,
    rounded,
)


@dataclass(frozen=True)
class Cut:
    """Measures of one shirt, as fractions of the sheet."""

    neck: float
    shoulder: float
    waist: float
    hem: float
    length: float
    sleeve: float
    spread: float
    collar: str
    top: float = 0.14

    @classmethod
    def drawn(cls, rng: Random) -> Cut:
        shoulder = rng.uniform(0.18, 0.225)
        collar = rng.choice(("crew", "crew", "vee", "polo", "button", "button"))
        long_sleeves = rng.random() < (0.6 if collar == "button" else 0.25)
        bare = collar in ("crew", "vee") and rng.random() < 0.12
        return cls(
            neck=rng.uniform(0.062, 0.08),
            shoulder=shoulder,
            waist=shoulder * rng.uniform(0.8, 1.02),
            hem=shoulder * rng.uniform(0.9, 1.12),
            length=rng.uniform(0.6, 0.74),
            sleeve=0.0
            if bare
            else rng.uniform(0.44, 0.56)
            if long_sleeves
            else rng.uniform(0.15, 0.24),
            spread=rng.uniform(14, 62) if not long_sleeves else rng.uniform(10, 34),
            collar=collar,
        )

    @property
    def armpit(self) -> float:
        return self.top + 0.24

    def body(self) -> list[Point]:
        """The outline of the trunk."""
        inward = 0.045 if self.sleeve == 0 else 0.0
        pen = Pen(0.5 + self.neck, self.top).line((0.5 + self.shoulder - inward, self.top + 0.045))
        pen.curve(0.5 + self.shoulder - 0.03 - inward, self.top + 0.14,
                  0.5 + self.shoulder, self.armpit)  # fmt: skip
        bottom = self.top + self.length
        pen.curve(0.5 + self.waist, (self.armpit + bottom) / 2, 0.5 + self.hem, bottom)
        dip = 0.03 if self.collar == "button" else 0.008
        pen.curve(0.5 + self.hem * 0.5, bottom + dip, 0.5, bottom + dip * 0.8)
        return mirrored(pen.points)

    def arm(self) -> list[Point]:
        """The outline of the right sleeve, hanging `spread` degrees out from the trunk.

        Its last four points are the cuff's outer and inner end, the armpit and a point inside.
        """
        x, y = 0.5 + self.shoulder, self.top + 0.045
        sine, cosine = math.sin(math.radians(self.spread)), math.cos(math.radians(self.spread))
        width = 0.085 if self.sleeve > 0.3 else 0.135
        outer = (x + sine * self.sleeve, y + cosine * self.sleeve)
        inner = (outer[0] - cosine * width, outer[1] + sine * width)
        pen = Pen(x - 0.05, y - 0.012).line((x - 0.012, y - 0.004))
        pen.curve(x + 0.02 + sine * 0.03, y + 0.012, x + 0.012 + sine * 0.09, y + cosine * 0.09)
        return pen.line(outer, inner, (x - 0.004, self.armpit), (x - 0.05, self.armpit)).points


def spread_out(rng: Random, light: Light) -> Cutout:
    """A shirt laid flat, seen from above."""
    return _whole(rng, light, Cut.drawn(rng))


def on_hanger(rng: Random, light: Light) -> Cutout:
    """A shirt on a hanger, hook included."""
    sheet = Cutout(light)
    cut = Cut.drawn(rng)
    metal = rng.choice(((150, 152, 158), (60, 60, 64), (190, 160, 110)))
    hook = Pen(0.5, cut.top + 0.03).line((0.5, 0.085)).curve(0.5, 0.06, 0.525, 0.055)
    hook.curve(0.56, 0.045, 0.545, 0.018).curve(0.52, -0.002, 0.488, 0.022)
    sheet.stroke(hook.points, metal, 0.011)
    sheet.stroke(hook.points, lighter(metal, 0.5), 0.004, opacity=0.8)
    wood = rng.choice(((176, 128, 82), (120, 78, 48), (226, 222, 214), (40, 40, 44)))
    bar = Pen(0.5, cut.top - 0.035).curve(
        0.54, cut.top - 0.035, 0.5 + cut.shoulder * 0.95, cut.top + 0.05
    )
    sheet.shape(mirrored([*bar.points, (0.5, cut.top + 0.02)]), wood, relief=0.012)
    return _whole(rng, light, cut, onto=sheet)


def _whole(rng: Random, light: Light, cut: Cut, onto: Cutout | None = None) -> Cutout:
    sheet = onto or Cutout(light)
    cloth = woven(rng, CLOTH, SHIRT_PATTERNS)
    creases = folds(rng, light, strength=rng.uniform(0.5, 1.3))
    back = darker(cloth.colour, 0.45)
    nape = Pen(0.5 + cut.neck, cut.top).curve(0.5, cut.top - 0.035, 0.5 - cut.neck, cut.top)
    nape.curve(0.5, cut.top + 0.12, 0.5 + cut.neck, cut.top)
    sheet.shape(nape.points, back, relief=0.01)
    sheet.shape(
        rounded(0.488, cut.top - 0.008, 0.512, cut.top + 0.006, 0.003), lighter(cloth.colour, 0.7)
    )
    if cut.sleeve:
        _sleeves(rng, sheet, cut, cloth, creases)
    body = cut.body()
    opening = _opening(cut)
    sheet.shape([*opening, *body[1:-1]], cloth.picture, relief=0.022, shade=creases)
    seam = seam_colour(cloth.colour)
    hem = [(x, y - 0.018) for x, y in body if y > cut.top + cut.length - 0.004]
    sheet.stitches(hem, seam, opacity=0.5)
    if cut.sleeve:
        hole = Pen(0.5 + cut.shoulder - 0.004, cut.top + 0.05)
        hole.curve(
            0.5 + cut.shoulder - 0.04, cut.top + 0.14, 0.5 + cut.shoulder - 0.006, cut.armpit
        )
        for side in (hole.points, flipped(hole.points)):
            sheet.stroke(side, darker(cloth.colour, 0.6), 0.006, opacity=0.45, soft=0.003)
    _finish(rng, sheet, cut, cloth, opening)
    return sheet


def _opening(cut: Cut) -> list[Point]:
    """The front neckline from left to right."""
    depth = {"crew": 0.075, "vee": 0.13, "polo": 0.05, "button": 0.04}[cut.collar]
    pen = Pen(0.5 - cut.neck, cut.top)
    if cut.collar == "vee":
        return pen.line((0.5, cut.top + depth), (0.5 + cut.neck, cut.top)).points
    return pen.curve(0.5, cut.top + 2 * depth, 0.5 + cut.neck, cut.top).points


def _sleeves(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth, creases: Floats) -> None:
    """Both sleeves; now and then one is folded over differently from the other."""
    right = cut.arm()
    other = Cut(**{**cut.__dict__, "spread": cut.spread + rng.uniform(-9, 9)})
    contrast = rng.random() < 0.12
    seam = seam_colour(cloth.colour)
    for outline, angle in ((right, cut.spread), (flipped(other.arm()), -other.spread)):
        fill = cloth.accent if contrast else cloth.turned(angle)
        sheet.shape(outline, fill, relief=0.02, depth=0.6, shade=creases)
        outer, inner = outline[-4], outline[-3]
        above = [along([outer, outline[-5]], 0.09), along([inner, outline[-2]], 0.09)]
        sheet.stitches(above, seam, opacity=0.7)


def _finish(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth, opening: list[Point]) -> None:
    """Collar, buttons, pocket, print: what tells one kind of shirt from another."""
    trim = cloth.accent if rng.random() < 0.25 else darker(cloth.colour, 0.12)
    if cut.collar in ("crew", "vee"):
        sheet.stroke(opening, trim, 0.019)
        sheet.stroke(opening, darker(trim, 0.4), 0.003, opacity=0.6)
        if rng.random() < 0.4:
            _print(rng, sheet, cut, cloth)
        return
    length = cut.length if cut.collar == "button" else 0.17
    _placket(rng, sheet, cut, cloth, cut.top + length)
    _collar(sheet, cut, trim if cut.collar == "polo" else cloth.colour)
    if rng.random() < 0.6:
        _pocket(sheet, cut, cloth)


def _placket(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth, bottom: float) -> None:
    strip = [(0.482, cut.top + 0.04), (0.518, cut.top + 0.04), (0.518, bottom), (0.482, bottom)]
    sheet.shape(
        strip, mix(cloth.colour, cloth.accent, 0.06), relief=0.006, depth=0.35, opacity=0.55
    )
    sheet.stroke([strip[1], strip[2]], darker(cloth.colour, 0.5), 0.003, opacity=0.6)
    button = rng.choice(((244, 240, 230), (60, 50, 44), darker(cloth.accent, 0.2)))
    count = 3 if cut.collar == "polo" else 7
    for step in range(count):
        y = cut.top + 0.065 + step * (bottom - cut.top - 0.09) / (count - 1)
        sheet.shape(ellipse(0.5, y + 0.002, 0.0105, 0.0105), (30, 26, 26), opacity=0.4)
        sheet.shape(ellipse(0.5, y, 0.009, 0.009), button, relief=0.004)


def _collar(sheet: Cutout, cut: Cut, colour: Rgb) -> None:
    leaf = Pen(0.5 + cut.neck + 0.004, cut.top - 0.012).curve(
        0.5 + 0.05, cut.top + 0.03, 0.503, cut.top + 0.045
    )
    leaf.line((0.5 + 0.055, cut.top + 0.1)).curve(
        0.5 + cut.neck, cut.top + 0.06, 0.5 + cut.neck + 0.022, cut.top + 0.012
    )
    for side in (leaf.points, flipped(leaf.points)):
        shadow = [(x, y + 0.008) for x, y in side]
        sheet.glow(shadow, (10, 8, 14), opacity=0.4, soft=0.007)
        sheet.shape(side, lighter(colour, 0.06), relief=0.008)
        sheet.stitches(side[14:17], seam_colour(colour), opacity=0.45)


def _pocket(sheet: Cutout, cut: Cut, cloth: Cloth) -> None:
    x, y = 0.5 + cut.shoulder * 0.52, cut.top + 0.2
    outline = [
        (x - 0.05, y),
        (x + 0.05, y),
        (x + 0.05, y + 0.09),
        (x, y + 0.112),
        (x - 0.05, y + 0.09),
    ]
    sheet.shape(outline, cloth.picture, relief=0.006, depth=0.5)
    sheet.stroke([*outline, outline[0]], darker(cloth.colour, 0.5), 0.0025, opacity=0.5)


def _print(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth) -> None:
    """A picture on the chest: sun and hills, rings, a star, bars."""
    ink, x, y, size = (
        pick(rng, CLOTH, apart_from=cloth.colour),
        0.5,
        cut.top + 0.25,
        rng.uniform(0.05, 0.1),
    )
    kind = rng.choice(("sun", "rings", "star", "bars"))
    if kind == "sun":
        sheet.shape(ellipse(x, y, size, size), ink, opacity=0.9)
        hills = [
            (x - size * 1.3, y + size),
            (x - size * 0.4, y),
            (x, y + size * 0.4),
            (x + size * 0.6, y - size * 0.2),
            (x + size * 1.3, y + size),
        ]
        sheet.shape(hills, mix(ink, cloth.colour, 0.5), opacity=0.9)
    elif kind == "rings":
        for ring in (1.0, 0.7, 0.4):
            sheet.stroke(ellipse(x, y, size * ring, size * ring), ink, 0.012, opacity=0.85)
    elif kind == "star":
        points = [
            (x + math.sin(k * math.pi / 5) * size * (1.2 if k % 2 == 0 else 0.5),
             y - math.cos(k * math.pi / 5) * size * (1.2 if k % 2 == 0 else 0.5))
            for k in range(10)
        ]  # fmt: skip
        sheet.shape(points, ink, opacity=0.9)
    else:
        for step in range(3):
            sheet.shape(
                rounded(
                    x - size * 1.5,
                    y + step * 0.03,
                    x + size * (1.5 - step * 0.5),
                    y + step * 0.03 + 0.016,
                    0.004,
                ),
                ink,
                opacity=0.85,
            )


def folded(rng: Random, light: Light) -> Cutout:
    """A shirt folded to a parcel, collar up; sometimes on top of a second one."""
    sheet = Cutout(light)
    half, top, bottom = rng.uniform(0.2, 0.27), 0.2, rng.uniform(0.66, 0.84)
    for layer in range(rng.choice((0, 0, 1, 2)), 0, -1):
        under = pick(rng, CLOTH)
        drop = layer * 0.03
        sheet.shape(
            rounded(0.5 - half + drop / 3, top + drop, 0.5 + half + drop / 2, bottom + drop, 0.03),
            under,
            relief=0.02,
        )
    cloth = woven(rng, CLOTH, SHIRT_PATTERNS)
    creases = folds(rng, light, strength=rng.uniform(0.4, 0.9), downward=0.3)
    pen = Pen(0.57, top - 0.01).curve(0.5 + half * 0.8, top, 0.5 + half, top + 0.06)
    pen.line((0.5 + half + 0.006, bottom - 0.02)).curve(
        0.5 + half, bottom, 0.5 + half - 0.03, bottom
    )
    sheet.shape(mirrored(pen.points), cloth.picture, relief=0.026, shade=creases)
    cut = Cut(
        0.07,
        half,
        half,
        half,
        bottom - top,
        0.0,
        0.0,
        rng.choice(("crew", "polo", "button", "button")),
        top - 0.01,
    )
    sheet.shape(ellipse(0.5, top + 0.005, 0.07, 0.035), darker(cloth.colour, 0.5), relief=0.012)
    opening = _opening(cut)
    sheet.shape([*opening, (0.57, top + 0.1), (0.43, top + 0.1)], cloth.picture, shade=creases)
    _finish(rng, sheet, cut, cloth, opening)
    return sheet

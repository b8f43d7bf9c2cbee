"""Trousers: jeans, chinos, joggers and shorts; laid flat, hanging, or folded."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from catalog.samples.cloth import TROUSER_PATTERNS, Cloth, folds, seam_colour, woven
from catalog.samples.colours import METAL, TROUSER, darker, lighter, pick
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
    """Measures of one pair, as fractions of the sheet."""

    waist: float
    hip: float
    cuff: float
    stance: float
    length: float
    elastic: bool
    top: float = 0.06
    fork: float = 0.36

    @classmethod
    def drawn(cls, rng: Random) -> Cut:
        short = rng.random() < 0.22
        waist = rng.uniform(0.135, 0.165) if not short else rng.uniform(0.2, 0.25)
        hip = waist * rng.uniform(1.18, 1.36)
        return cls(
            waist=waist,
            hip=hip,
            cuff=hip * (rng.uniform(0.82, 1.0) if short else rng.uniform(0.42, 0.8)),
            stance=rng.uniform(0.015, 0.09) if not short else rng.uniform(0.02, 0.07),
            length=rng.uniform(0.45, 0.62) if short else rng.uniform(0.84, 0.9),
            elastic=rng.random() < 0.25,
            top=rng.uniform(0.05, 0.08),
        )

    @property
    def bottom(self) -> float:
        return self.top + self.length

    def leg(self) -> list[Point]:
        """The outline of the right half: waist, hip, cuff, and back up the inside."""
        pen = Pen(0.5, self.top + 0.012).line((0.5 + self.waist, self.top))
        pen.curve(0.5 + self.hip * 0.98, self.top + 0.1, 0.5 + self.hip, self.top + 0.22)
        outer = 0.5 + self.stance + self.cuff
        pen.curve(0.5 + self.hip * 0.98, (self.fork + self.bottom) / 2, outer, self.bottom)
        pen.line((0.5 + self.stance + 0.006, self.bottom + 0.006))
        return pen.curve(0.505 + self.stance * 0.4, self.fork + 0.16, 0.5, self.fork).points


def spread_out(rng: Random, light: Light) -> Cutout:
    """A pair laid flat; one leg may be crossed or turned up."""
    sheet = Cutout(light)
    cut = Cut.drawn(rng)
    cloth = woven(rng, TROUSER, TROUSER_PATTERNS)
    creases = folds(rng, light, strength=rng.uniform(0.6, 1.4), downward=0.6)
    other = Cut(**{**cut.__dict__, "stance": cut.stance + rng.uniform(-0.05, 0.06)})
    inside = ellipse(0.5, cut.top + 0.012, cut.waist * 0.98, 0.022)
    sheet.shape(inside, darker(cloth.colour, 0.55))
    left, right = flipped(other.leg()), cut.leg()
    for outline in (left, right) if rng.random() < 0.5 else (right, left):
        sheet.glow([(x, y + 0.006) for x, y in outline], (8, 8, 12), opacity=0.35, soft=0.008)
        sheet.shape(outline, cloth.picture, relief=0.026, depth=0.6, shade=creases)
    _fit_out(rng, sheet, cut, cloth)
    for outline, pair in ((right, cut), (left, other)):
        _leg_details(rng, sheet, pair, cloth, outline)
    return sheet


def _leg_details(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth, outline: list[Point]) -> None:
    """Hem or turn-up, and now and then a pressed crease or a worn knee."""
    seam = seam_colour(cloth.colour)
    outer, inner = outline[-16], outline[-15]
    above = [(outer[0], outer[1] - 0.03), (inner[0], inner[1] - 0.03)]
    if cut.elastic:
        sheet.glow([*above, inner, outer], (10, 10, 14), opacity=0.45, soft=0.008)
    else:
        sheet.stitches(above, seam, opacity=0.7)
    middle = [
        ((outer[0] + inner[0]) / 2, cut.bottom - 0.03),
        (0.5 + (outer[0] - 0.5) * 0.6, cut.top + 0.2),
    ]
    if rng.random() < 0.3:
        sheet.stroke(middle, lighter(cloth.colour, 0.4), 0.004, opacity=0.5, soft=0.003)
    if rng.random() < 0.35:
        x, y = along(middle, 0.45)
        sheet.glow(ellipse(x, y, 0.04, 0.11), lighter(cloth.colour, 0.6), opacity=0.3, soft=0.02)


def _fit_out(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth) -> None:
    """Waistband, loops, button, fly and pockets."""
    seam = seam_colour(cloth.colour)
    if rng.random() < 0.3 and not cut.elastic:
        seam = (206, 150, 84)
    band = Pen(0.5, cut.top + 0.012).line(
        (0.5 + cut.waist, cut.top),
        (0.5 + cut.waist + 0.008, cut.top + 0.042),
        (0.5, cut.top + 0.055),
    )
    outline = mirrored(band.points)
    sheet.shape(outline, darker(cloth.colour, 0.1), relief=0.012, depth=0.5, opacity=0.75)
    lower = [
        (0.5 - cut.waist - 0.008, cut.top + 0.044),
        (0.5, cut.top + 0.057),
        (0.5 + cut.waist + 0.008, cut.top + 0.044),
    ]
    sheet.stroke(lower, darker(cloth.colour, 0.6), 0.004, opacity=0.7)
    if cut.elastic:
        _drawstring(rng, sheet, cut, cloth)
    else:
        _button_and_loops(rng, sheet, cut, cloth)
    fly = (
        Pen(0.532, cut.top + 0.055)
        .line((0.53, cut.top + 0.15))
        .curve(0.525, cut.top + 0.2, 0.502, cut.top + 0.21)
    )
    sheet.stitches(fly.points, seam)
    sheet.stroke(
        [(0.5, cut.top + 0.056), (0.5, cut.fork)], darker(cloth.colour, 0.6), 0.004, opacity=0.65
    )
    pocket = Pen(0.5 + cut.waist * 0.5, cut.top + 0.052).curve(
        0.5 + cut.waist * 0.62, cut.top + 0.13, 0.5 + cut.hip * 0.94, cut.top + 0.15
    )
    for side in (pocket.points, flipped(pocket.points)):
        sheet.stroke([(x, y + 0.004) for x, y in side], (8, 8, 12), 0.006, opacity=0.5, soft=0.003)
        sheet.stitches([(x, y - 0.006) for x, y in side], seam)


def _button_and_loops(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth) -> None:
    for share in (-0.85, -0.4, 0.4, 0.85):
        x = 0.5 + cut.waist * share
        sheet.shape(
            rounded(x - 0.007, cut.top + 0.0, x + 0.007, cut.top + 0.056, 0.003),
            darker(cloth.colour, 0.05),
            relief=0.005,
        )
    metal = rng.choice(METAL)
    sheet.shape(ellipse(0.505, cut.top + 0.034, 0.013, 0.013), darker(metal, 0.2), relief=0.004)
    sheet.shape(ellipse(0.504, cut.top + 0.032, 0.009, 0.009), lighter(metal, 0.3), relief=0.004)


def _drawstring(rng: Random, sheet: Cutout, cut: Cut, cloth: Cloth) -> None:
    for step in range(13):
        x = 0.5 + cut.waist * (step - 6) / 6.4
        sheet.stroke(
            [(x, cut.top + 0.008), (x + 0.003, cut.top + 0.048)],
            (10, 10, 14),
            0.004,
            opacity=0.35,
            soft=0.002,
        )
    cord = lighter(cloth.accent, 0.3)
    for side in (-1, 1):
        swing = rng.uniform(0.005, 0.05) * side
        line = Pen(0.5 + side * 0.016, cut.top + 0.035).curve(
            0.5 + side * 0.02,
            cut.top + 0.1,
            0.5 + side * 0.012 + swing,
            cut.top + rng.uniform(0.14, 0.2),
        )
        sheet.stroke(line.points, darker(cord, 0.4), 0.011)
        sheet.stroke(line.points, cord, 0.007)


def hanging(rng: Random, light: Light) -> Cutout:
    """A pair folded over the bar of a hanger."""
    sheet = Cutout(light)
    metal = rng.choice(((150, 152, 158), (60, 60, 64), (120, 84, 54)))
    hook = (
        Pen(0.5, 0.12)
        .line((0.5, 0.07))
        .curve(0.5, 0.055, 0.52, 0.05)
        .curve(0.55, 0.035, 0.53, 0.012)
        .curve(0.5, -0.002, 0.48, 0.02)
    )
    sheet.stroke(hook.points, metal, 0.01)
    half = rng.uniform(0.13, 0.19)
    sheet.stroke(
        [(0.5, 0.11), (0.5 - half - 0.06, 0.21), (0.5 + half + 0.06, 0.21), (0.5, 0.11)],
        metal,
        0.013,
    )
    cloth = woven(rng, TROUSER, TROUSER_PATTERNS)
    creases = folds(rng, light, strength=rng.uniform(0.5, 1.1), downward=0.95)
    for shift, bottom in ((0.02, rng.uniform(0.86, 0.96)), (-0.012, rng.uniform(0.62, 0.86))):
        outline = Pen(0.5 - half + shift, 0.205).curve(
            0.5 + shift, 0.185, 0.5 + half + shift, 0.205
        )
        outline.line(
            (0.5 + half * 0.92 + shift, bottom), (0.5 - half * 0.94 + shift, bottom + 0.01)
        )
        sheet.glow(outline.points, (6, 6, 10), opacity=0.4, soft=0.01)
        sheet.shape(outline.points, cloth.picture, relief=0.022, shade=creases)
        hem = [
            (0.5 - half * 0.93 + shift, bottom - 0.02),
            (0.5 + half * 0.92 + shift, bottom - 0.03),
        ]
        sheet.stitches(hem, seam_colour(cloth.colour))
    sheet.stroke(
        [(0.5, 0.24), (0.51, 0.6)], lighter(cloth.colour, 0.3), 0.005, opacity=0.4, soft=0.003
    )
    return sheet


def folded(rng: Random, light: Light) -> Cutout:
    """A pair folded to a parcel; the waistband or the turned-in legs are on top."""
    sheet = Cutout(light)
    half, top, bottom = rng.uniform(0.17, 0.25), 0.2, rng.uniform(0.62, 0.84)
    cloth = woven(rng, TROUSER, TROUSER_PATTERNS)
    creases = folds(rng, light, strength=rng.uniform(0.5, 1.0), downward=0.4)
    for layer in range(rng.choice((1, 2, 3)), 0, -1):
        drop = layer * 0.022
        edge = rounded(0.5 - half, top + drop, 0.5 + half + drop / 3, bottom + drop, 0.04)
        sheet.shape(
            edge, cloth.picture if layer == 1 else pick(rng, TROUSER), relief=0.02, depth=0.7
        )
    sheet.shape(
        rounded(0.5 - half, top, 0.5 + half, bottom, 0.035),
        cloth.picture,
        relief=0.026,
        shade=creases,
    )
    if rng.random() < 0.65:
        _fit_out(rng, sheet, _upper(half, top), cloth)
        return sheet
    _back_pocket(rng, sheet, cloth, creases, half, top)
    return sheet


def _upper(half: float, top: float) -> Cut:
    """The measures of what shows of a folded pair."""
    return Cut(half - 0.008, half, half, 0, 0.5, elastic=False, top=top, fork=top + 0.36)


def _back_pocket(
    rng: Random, sheet: Cutout, cloth: Cloth, creases: Floats, half: float, top: float
) -> None:
    """Folded with the seat up: a yoke seam and one pocket, sometimes with a patch."""
    seam = (206, 150, 84) if rng.random() < 0.5 else seam_colour(cloth.colour)
    sheet.stitches([(0.5 - half, top + 0.05), (0.5 + half, top + 0.06)], seam)
    sheet.stitches([(0.5 - half, top + 0.11), (0.5 + half, top + 0.15)], seam)
    x, y, w = 0.5 + rng.uniform(-0.05, 0.05), top + 0.2, half * 0.5
    outline = [
        (x - w, y),
        (x + w, y),
        (x + w * 0.95, y + 0.17),
        (x, y + 0.22),
        (x - w * 0.95, y + 0.17),
    ]
    sheet.shape(outline, cloth.picture, relief=0.008, shade=creases)
    sheet.stitches([*outline, outline[0]], seam)
    sheet.stroke(
        Pen(x - w, y + 0.07).curve(x, y + 0.15, x + w, y + 0.07).points, seam, 0.004, opacity=0.8
    )
    if rng.random() < 0.6:
        sheet.shape(
            rounded(0.5 + half * 0.3, top + 0.008, 0.5 + half * 0.85, top + 0.065, 0.004),
            (168, 112, 66),
            relief=0.005,
        )

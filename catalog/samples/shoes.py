"""Shoes: trainers, boots, loafers and heels from the side, pairs from above."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from catalog.samples.cloth import folds
from catalog.samples.colours import (
    CLOTH,
    LEATHER,
    VIVID,
    WHITE,
    Rgb,
    darker,
    lighter,
    mix,
    pick,
)
from catalog.samples.paint import Cutout, Light, Pen, Point, along, ellipse, turned

GROUND = 0.74


@dataclass(frozen=True)
class Look:
    """Colours of one pair."""

    upper: Rgb
    second: Rgb
    sole: Rgb
    lace: Rgb

    @classmethod
    def drawn(cls, rng: Random, palettes: tuple[tuple[Rgb, ...], ...]) -> Look:
        upper = pick(rng, rng.choice(palettes))
        second = pick(rng, VIVID, apart_from=upper)
        sole = rng.choice((WHITE, (232, 224, 206), (40, 38, 40), (168, 116, 70), second))
        return cls(upper, second, sole, lighter(second, 0.4) if rng.random() < 0.5 else WHITE)


def trainer(rng: Random, light: Light) -> Cutout:
    """A low or high trainer from the side, toe to the left, alone or before its twin."""
    look = Look.drawn(rng, (CLOTH, VIVID, CLOTH))
    high, thick = rng.random() < 0.3, rng.uniform(0.05, 0.1)
    sheet = Cutout(light)
    _trainer(rng, sheet, look, high=high, thick=thick)
    return _with_twin(rng, sheet) if rng.random() < 0.5 else sheet


def _with_twin(rng: Random, front: Cutout) -> Cutout:
    """The shoe and, a little smaller and in its shade, the other of the pair behind it."""
    sheet = Cutout(front.light)
    size = round(front.image.width * 0.93)
    twin = front.image.resize((size, size), Image.Resampling.BICUBIC)
    shade = Image.new("RGBA", twin.size, (18, 16, 22, 255))
    shade.putalpha(twin.getchannel("A").point(lambda value: value * 0.22))
    twin.alpha_composite(shade)
    sheet.image.alpha_composite(twin, (rng.randint(12, 45), 0))
    sheet.image.alpha_composite(front.image)
    return sheet


def _trainer(rng: Random, sheet: Cutout, look: Look, *, high: bool, thick: float) -> None:
    creases = folds(rng, sheet.light, strength=0.45)
    collar = 0.26 if high else 0.4
    base = GROUND - thick
    upper = (
        Pen(0.07, base)
        .curve(0.05, base - 0.12, 0.16, base - 0.14)
        .curve(0.32, base - 0.17, 0.44, collar + 0.05)
    )
    upper.curve(0.5, collar - 0.04, 0.56, collar - 0.03).curve(
        0.66, collar + 0.1, 0.78, collar + 0.02
    )
    upper.curve(0.84, collar - 0.04, 0.87, collar + 0.02).curve(0.9, 0.55, 0.91, base)
    sheet.shape(ellipse(0.68, collar + 0.03, 0.16, 0.035), darker(look.upper, 0.65))
    sheet.shape(upper.points, look.upper, relief=0.035, depth=0.7, shade=creases)
    heel = (
        Pen(0.76, base)
        .curve(0.75, 0.55, 0.8, collar + 0.06)
        .line((0.87, collar + 0.05))
        .curve(0.9, 0.55, 0.912, base)
    )
    sheet.shape(heel.points, look.second, relief=0.012)
    toe = (
        Pen(0.07, base)
        .curve(0.05, base - 0.12, 0.16, base - 0.14)
        .curve(0.25, base - 0.1, 0.24, base)
    )
    sheet.shape(
        toe.points,
        look.second if rng.random() < 0.4 else darker(look.upper, 0.12),
        relief=0.02,
        opacity=0.92,
    )
    _side_mark(rng, sheet, look, base, collar)
    _laces(sheet, look, (0.26, base - 0.155), (0.5, collar + 0.035), 6 if high else 5)
    sheet.stitches(heel.points[:16], lighter(look.second, 0.4))
    sheet.stitches(toe.points[-15:], lighter(look.upper, 0.4))
    _sole(rng, sheet, look, base)


def _sole(rng: Random, sheet: Cutout, look: Look, base: float) -> None:
    lift = rng.uniform(0.0, 0.025)
    sole = Pen(0.055, base - 0.012).curve(0.5, base + 0.03, 0.925, base - 0.02)
    sole.curve(0.955, base + 0.03, 0.925, GROUND).line((0.2, GROUND)).curve(
        0.05, GROUND, 0.045, GROUND - 0.03 - lift
    )
    sheet.shape(sole.points, look.sole, relief=0.014, depth=0.6)
    if rng.random() < 0.6:
        line = Pen(0.055, base + 0.018).curve(0.5, base + 0.05, 0.93, base + 0.01)
        sheet.stroke(line.points, look.second, 0.007, opacity=0.85)
    tread = [(0.17, GROUND - 0.006), (0.92, GROUND - 0.006)]
    sheet.stroke(tread, darker(look.sole, 0.65), 0.012, opacity=0.8)


def _side_mark(rng: Random, sheet: Cutout, look: Look, base: float, collar: float) -> None:
    """Arrows, a wave, a patch or mesh on the side of a trainer."""
    kind, ink = rng.choice(("arrows", "wave", "patch", "mesh")), look.second
    if kind == "arrows":
        for step in range(4):
            x = 0.42 + step * 0.08
            arrow = [(x, base - 0.11), (x + 0.035, base - 0.06), (x, base - 0.015)]
            sheet.stroke(arrow, ink, 0.014)
    elif kind == "wave":
        wave = Pen(0.25, base - 0.05).curve(0.37, base - 0.13, 0.5, base - 0.06)
        wave.curve(0.63, base, 0.76, base - 0.1)
        sheet.stroke(wave.points, ink, 0.02)
        sheet.stroke([(x, y + 0.025) for x, y in wave.points], ink, 0.008)
    elif kind == "patch":
        sheet.shape(ellipse(0.58, (base + collar) / 2 + 0.04, 0.05, 0.05), ink, relief=0.006)
        sheet.stitches(ellipse(0.58, (base + collar) / 2 + 0.04, 0.04, 0.04), lighter(ink, 0.6))
    else:
        for row in range(4):
            for column in range(9):
                x, y = 0.3 + column * 0.045 + row * 0.01, base - 0.03 - row * 0.028
                sheet.shape(ellipse(x, y, 0.006, 0.006), darker(look.upper, 0.5), opacity=0.6)


def _laces(sheet: Cutout, look: Look, low: Point, high: Point, count: int) -> None:
    tongue = [low, high, (high[0] + 0.05, high[1] + 0.03), (low[0] + 0.06, low[1] + 0.045)]
    sheet.shape(tongue, darker(look.upper, 0.3), relief=0.008, opacity=0.9)
    for step in range(count):
        x, y = along([low, high], (step + 0.5) / count)
        rung = [(x - 0.004, y - 0.004), (x + 0.062, y + 0.042)]
        sheet.stroke(
            [(a, b + 0.006) for a, b in rung], (10, 10, 14), 0.012, opacity=0.4, soft=0.002
        )
        sheet.stroke(rung, look.lace, 0.012)
        sheet.shape(ellipse(*rung[1], 0.006, 0.006), (60, 60, 64))


def boot(rng: Random, light: Light) -> Cutout:
    """An ankle or high boot from the side: elastic or laces, with a low or block heel."""
    sheet, look = Cutout(light), Look.drawn(rng, (LEATHER,))
    shaft, heel = rng.uniform(0.1, 0.3), rng.uniform(0.03, 0.11)
    toe, back = GROUND - 0.03, GROUND - 0.03 - heel
    upper = Pen(0.09, toe).curve(0.07, toe - 0.12, 0.22, toe - 0.14)
    upper.curve(0.45, toe - 0.19, 0.47, back - 0.33).line((0.47, shaft + 0.02))
    upper.curve(0.6, shaft - 0.02, 0.76, shaft).line((0.765, back - 0.2)).curve(
        0.83, back - 0.1, 0.82, back
    )
    upper.curve(0.6, back + 0.005, 0.45, toe)
    creases = folds(rng, light, strength=0.7, downward=0.3)
    sheet.shape(ellipse(0.615, shaft + 0.012, 0.145, 0.026), darker(look.upper, 0.7))
    sheet.shape(upper.points, look.upper, relief=0.045, depth=0.8, shade=creases)
    sheet.glow(ellipse(0.56, 0.4, 0.02, 0.16), (255, 255, 255), opacity=0.22, soft=0.015)
    sheet.glow(ellipse(0.2, toe - 0.1, 0.07, 0.02), (255, 255, 255), opacity=0.35, soft=0.012)
    if rng.random() < 0.5:
        _elastic(sheet, look, shaft + 0.05, back - 0.16)
    else:
        _laces(sheet, look, (0.3, toe - 0.165), (0.45, shaft + 0.05), 7)
    cap = Pen(0.28, toe).curve(0.32, toe - 0.08, 0.27, toe - 0.15)
    sheet.stitches(cap.points, lighter(look.upper, 0.35))
    _heeled_sole(sheet, look, (toe, back), (0.64, 0.83, 0.83))
    return sheet


def _elastic(sheet: Cutout, look: Look, top: float, bottom: float) -> None:
    """The stretch panel of a slip-on boot."""
    middle = (top + bottom) / 2
    gore = Pen(0.56, top).curve(0.6, middle, 0.585, bottom).line((0.66, bottom))
    gore.curve(0.68, middle, 0.67, top)
    sheet.shape(gore.points, darker(look.upper, 0.55), relief=0.006)
    sheet.stitches(gore.points, lighter(look.upper, 0.3))


def _heeled_sole(
    sheet: Cutout, look: Look, levels: tuple[float, float], heel: tuple[float, float, float]
) -> None:
    """A sole under an upper that ends at `levels` (toe, back); `heel` is front, foot, back."""
    toe, back = levels
    start, foot, end = heel
    sole = Pen(0.075, toe - 0.008).curve(0.3, toe + 0.008, 0.45, toe - 0.004)
    sole.curve(0.6, back + 0.002, end + 0.005, back - 0.006).line((foot, GROUND))
    sole.line((foot - (end - start) * (0.9 if foot == end else 0.25), GROUND))
    sole.curve(start + 0.015, back + 0.05, start - 0.02, back + 0.028)
    sole.curve(0.54, toe + 0.01, 0.42, GROUND).line((0.15, GROUND)).curve(0.06, GROUND, 0.065, toe)
    sheet.shape(sole.points, darker(look.sole, 0.45), relief=0.01)


def loafer(rng: Random, light: Light) -> Cutout:
    """A low leather shoe from the side, flat or on a high heel."""
    sheet, look = Cutout(light), Look.drawn(rng, (LEATHER, LEATHER, VIVID))
    heel = rng.choice((0.02, 0.035, 0.15, 0.2))
    toe, back = GROUND - 0.022, GROUND - 0.022 - heel
    throat = (0.36, toe - 0.16 - heel * 0.25)
    inner = (
        Pen(*throat)
        .curve(0.6, back - 0.16, 0.85, back - 0.19)
        .line((0.84, back - 0.02), (0.45, toe - 0.03), throat)
    )
    sheet.shape(inner.points, darker(mix(look.upper, (200, 170, 130), 0.4), 0.35))
    upper = Pen(0.075, toe).curve(0.055, toe - 0.11, 0.2, toe - 0.115)
    upper.curve(0.3, toe - 0.13, throat[0], throat[1]).curve(
        0.5, toe - 0.08 - heel * 0.5, 0.68, back - 0.12
    )
    upper.curve(0.8, back - 0.19, 0.855, back - 0.195).curve(0.9, back - 0.08, 0.87, back)
    upper.curve(0.6, back + 0.01, 0.45, toe)
    sheet.shape(
        upper.points, look.upper, relief=0.035, depth=0.8, shade=folds(rng, light, strength=0.35)
    )
    sheet.glow(ellipse(0.19, toe - 0.07, 0.07, 0.015), (255, 255, 255), opacity=0.5, soft=0.01)
    sheet.glow(ellipse(0.8, back - 0.08, 0.02, 0.05), (255, 255, 255), opacity=0.3, soft=0.012)
    topline = upper.points[29:56]
    sheet.stitches([(x, y + 0.014) for x, y in topline], lighter(look.upper, 0.4), opacity=0.6)
    _vamp(rng, sheet, look, toe, throat)
    high = heel > 0.1
    _heeled_sole(sheet, look, (toe, back), (0.76, 0.865, 0.88) if high else (0.66, 0.88, 0.88))
    return sheet


def _vamp(rng: Random, sheet: Cutout, look: Look, toe: float, throat: Point) -> None:
    """What sits on the instep: a strap, a buckle, a bow, or nothing but a seam."""
    kind = rng.choice(("strap", "buckle", "seam", "bow"))
    x, y = throat
    if kind == "seam":
        seam = Pen(x - 0.01, y + 0.01).curve(0.33, toe - 0.06, 0.42, toe)
        sheet.stitches(seam.points, lighter(look.upper, 0.4))
        return
    if kind == "bow":
        for side in (-1, 1):
            sheet.shape(
                [
                    (x - 0.03, y + 0.03),
                    (x - 0.03 + side * 0.045, y + 0.002),
                    (x - 0.03 + side * 0.045, y + 0.058),
                ],
                look.second,
                relief=0.01,
            )
        return
    strap = Pen(x - 0.075, y + 0.03).curve(x - 0.03, y + 0.06, x - 0.035, toe).line((x + 0.05, toe))
    strap.curve(x + 0.03, y + 0.06, x + 0.005, y + 0.002)
    sheet.shape(strap.points, darker(look.upper, 0.18), relief=0.012)
    sheet.stitches(strap.points[:15], lighter(look.upper, 0.4))
    if kind == "buckle":
        bx, by = x - 0.02, y + 0.05
        sheet.stroke(turned(ellipse(bx, by, 0.03, 0.02), 25, bx, by), (206, 172, 100), 0.01)


def pair_from_above(rng: Random, light: Light) -> Cutout:
    """Two shoes side by side, seen from above."""
    sheet, look = Cutout(light), Look.drawn(rng, (CLOTH, LEATHER, VIVID))
    laced, width = rng.random() < 0.6, rng.uniform(0.135, 0.165)
    for side in (-1, 1):
        lean = side * rng.uniform(-2, 9)
        drop = rng.uniform(-0.03, 0.03)
        _from_above(
            sheet,
            look,
            0.5 + side * (width + rng.uniform(0.015, 0.05)),
            side,
            lean,
            drop,
            width,
            laced=laced,
        )
    return sheet


def _from_above(
    sheet: Cutout,
    look: Look,
    x: float,
    side: int,
    lean: float,
    drop: float,
    width: float,
    *,
    laced: bool,
) -> None:
    def placed(points: list[Point]) -> list[Point]:
        return turned([(x + px * side, py + drop) for px, py in points], lean, x, 0.5)

    outline = (
        Pen(-0.02, 0.07)
        .curve(width * 1.1, 0.06, width, 0.3)
        .curve(width * 0.75, 0.5, width * 0.84, 0.75)
    )
    outline.curve(width * 0.8, 0.93, 0, 0.93).curve(-width * 0.8, 0.93, -width * 0.82, 0.75)
    outline.curve(-width * 0.55, 0.5, -width * 0.95, 0.3).curve(-width * 0.8, 0.09, -0.02, 0.07)
    sheet.shape(
        placed([(px * 1.06, 0.5 + (py - 0.5) * 1.03) for px, py in outline.points]),
        look.sole,
        relief=0.012,
    )
    sheet.shape(placed(outline.points), look.upper, relief=0.045, depth=0.8)
    mouth = (
        Pen(0, 0.48).curve(width * 0.62, 0.5, width * 0.56, 0.74).curve(width * 0.5, 0.88, 0, 0.88)
    )
    mouth.curve(-width * 0.5, 0.88, -width * 0.56, 0.74).curve(-width * 0.62, 0.5, 0, 0.48)
    sheet.shape(placed(mouth.points), darker(look.upper, 0.65), relief=0.02)
    sheet.shape(
        placed(ellipse(0, 0.76, width * 0.42, 0.09)),
        mix(look.second, (200, 190, 170), 0.5),
        relief=0.01,
        opacity=0.9,
    )
    cap = Pen(-width * 0.85, 0.24).curve(0, 0.17, width * 0.9, 0.24)
    sheet.stitches(placed(cap.points), lighter(look.upper, 0.4))
    if not laced:
        sheet.shape(
            placed(
                [
                    (-width * 0.75, 0.36),
                    (width * 0.8, 0.36),
                    (width * 0.76, 0.44),
                    (-width * 0.72, 0.44),
                ]
            ),
            darker(look.upper, 0.2),
            relief=0.01,
        )
        return
    tongue = [(-0.035, 0.26), (0.035, 0.26), (0.045, 0.52), (-0.045, 0.52)]
    sheet.shape(placed(tongue), darker(look.upper, 0.25), relief=0.012)
    for step in range(5):
        y = 0.29 + step * 0.045
        sheet.stroke(placed([(-0.05, y + 0.01), (0.05, y - 0.006)]), look.lace, 0.013)

"""Snack bars: wrapped, opened, stacked, and in their box."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from catalog.samples.cloth import folds
from catalog.samples.colours import Rgb, darker, lighter, mix
from catalog.samples.packaging import Design, flank, front
from catalog.samples.paint import SHEET, Cutout, Light, Point
from catalog.samples.solids import Carton

TITLES = (
    "OAT BAR",
    "Crunch",
    "NUT BAR",
    "PROTEIN BAR",
    "Chewy",
    "FLAPJACK",
    "Date Bar",
    "RAW",
    "Granola",
)


def wrapped(rng: Random, light: Light) -> Cutout:
    """One bar in its wrapper, or two or three beside each other."""
    sheet = Cutout(light)
    count = rng.choice((1, 1, 1, 2, 3))
    high = rng.uniform(0.22, 0.32) if count == 1 else rng.uniform(0.17, 0.22)
    first = Design.drawn(rng, TITLES)
    for step in range(count):
        design = first if rng.random() < 0.5 else Design.drawn(rng, TITLES)
        y = 0.5 + (step - (count - 1) / 2) * (high + rng.uniform(0.02, 0.05))
        shift = rng.uniform(-0.03, 0.03) if count > 1 else 0.0
        _wrapper(rng, sheet, design, (0.07 + shift, y - high / 2, 0.93 + shift, y + high / 2))
    return sheet


def _wrapper(
    rng: Random,
    sheet: Cutout,
    design: Design,
    box: tuple[float, float, float, float],
    *,
    torn: bool = False,
) -> None:
    """A flow-wrapped bar: printed body between two crimped ends; a torn one ends halfway."""
    left, top, right, bottom = box
    right = left + (right - left) * 0.62 if torn else right
    seal = 0.055
    art = front(rng, design, int((right - left - 2 * seal) * SHEET), int((bottom - top) * SHEET))
    picture = Image.new("RGB", (SHEET, SHEET), design.ground)
    picture.paste(art, (int((left + seal) * SHEET), int(top * SHEET)))
    creases = folds(rng, sheet.light, strength=rng.uniform(0.7, 1.4), downward=0.5)
    body = _pillow(left + seal, top, right - (0 if torn else seal), bottom, torn=torn, rng=rng)
    ends = (left,) if torn else (left, right - seal)
    for start in ends:
        _crimp(
            sheet,
            design.ground,
            start,
            start + seal,
            top + 0.012,
            bottom - 0.012,
            outer_left=start == left,
        )
    sheet.shape(body, picture, relief=0.045, depth=0.95, shade=creases)
    for x in (left + seal, right - seal):
        if not (torn and x == right - seal):
            sheet.stroke(
                [(x, top + 0.01), (x, bottom - 0.01)], (0, 0, 0), 0.008, opacity=0.35, soft=0.005
            )


def _pillow(
    left: float, top: float, right: float, bottom: float, *, torn: bool, rng: Random
) -> list[Point]:
    """The outline of the filled part: nearly straight, or ragged where it was torn."""
    if not torn:
        side = [(right, top + 0.012), (right, bottom - 0.012)]
    else:
        steps = 9
        side = [
            (right + rng.uniform(-0.03, 0.03), top + (bottom - top) * step / steps)
            for step in range(steps + 1)
        ]
    return [
        (left, top + 0.012),
        (left + 0.04, top),
        (right - 0.04, top),
        *side,
        (right - 0.04, bottom),
        (left + 0.04, bottom),
        (left, bottom - 0.012),
    ]


def _crimp(
    sheet: Cutout,
    colour: Rgb,
    left: float,
    right: float,
    top: float,
    bottom: float,
    *,
    outer_left: bool,
) -> None:
    """A pressed, zigzag-cut end."""
    teeth = 14
    outer, inner = (left, right) if outer_left else (right, left)
    step = (bottom - top) / (2 * teeth)
    into = 0.008 if outer_left else -0.008
    edge = [(outer + (into if k % 2 else 0), top + k * step) for k in range(2 * teeth + 1)]
    sheet.shape([*edge, (inner, bottom), (inner, top)], darker(colour, 0.12))
    for k in range(1, 6):
        x = left + (right - left) * k / 6
        sheet.stroke(
            [(x, top), (x, bottom)],
            lighter(colour, 0.5) if k % 2 else darker(colour, 0.5),
            0.003,
            opacity=0.5,
        )


def _crumbs(rng: Random, crumb: Rgb) -> Image.Image:
    """A sheet of pressed oats, nuts, seeds and berries."""
    picture = Image.new("RGB", (SHEET, SHEET), crumb)
    pencil = ImageDraw.Draw(picture)
    bits = (
        lighter(crumb, 0.35),
        lighter(crumb, 0.2),
        darker(crumb, 0.35),
        (70, 42, 30),
        (150, 40, 50),
    )
    for _ in range(1400):
        x, y, size = rng.uniform(0, SHEET), rng.uniform(0, SHEET), rng.uniform(3.5, 10)
        colour, squash = rng.choice(bits), rng.uniform(0.5, 0.9)
        for dx, ink in ((2, darker(crumb, 0.55)), (0, colour)):
            pencil.ellipse(
                (x - size + dx, y - size * squash + dx, x + size + dx, y + size * squash + dx),
                fill=ink,
            )
        pencil.ellipse(
            (x - size * 0.5, y - size * squash * 0.6, x, y - size * squash * 0.1),
            fill=lighter(colour, 0.25),
        )
    return picture


def _baked(
    rng: Random, sheet: Cutout, box: tuple[float, float, float, float], crumb: Rgb, dip: Rgb | None
) -> None:
    """A bar without wrapper: pressed oats and nuts, perhaps dipped in chocolate."""
    left, top, right, bottom = box
    sheet.glow(
        [
            (left, bottom - 0.02),
            (right, bottom - 0.02),
            (right, bottom + 0.02),
            (left, bottom + 0.02),
        ],
        (0, 0, 0),
        opacity=0.5,
        soft=0.01,
    )
    outline = [(left, top), (right, top), (right, bottom), (left, bottom)]
    ragged: list[Point] = []
    for (ax, ay), (bx, by) in zip(outline, [*outline[1:], outline[0]], strict=True):
        for step in range(12):
            t = step / 12
            ragged.append(
                (
                    ax + (bx - ax) * t + rng.uniform(-0.003, 0.003),
                    ay + (by - ay) * t + rng.uniform(-0.003, 0.003),
                )
            )
    creases = folds(rng, sheet.light, strength=1.2, downward=0.5)
    sheet.shape(ragged, _crumbs(rng, crumb), relief=0.03, depth=0.9, shade=creases)
    if dip is not None:
        edge = [
            (
                left + (right - left) * k / 10,
                top + (bottom - top) * (0.45 + rng.uniform(-0.08, 0.08)),
            )
            for k in range(11)
        ]
        sheet.shape(
            [*edge, (right + 0.005, bottom + 0.006), (left - 0.005, bottom + 0.006)],
            dip,
            relief=0.02,
        )


def opened(rng: Random, light: Light) -> Cutout:
    """A bar half out of its torn wrapper."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    high = rng.uniform(0.2, 0.28)
    box = (0.06, 0.5 - high / 2, 0.94, 0.5 + high / 2)
    crumb = mix((176, 126, 72), design.fruit, 0.2)
    dip = rng.choice((None, (84, 52, 36), (236, 222, 196)))
    _baked(rng, sheet, (0.4, box[1] + 0.025, rng.uniform(0.84, 0.93), box[3] - 0.025), crumb, dip)
    _wrapper(rng, sheet, design, box, torn=True)
    return sheet


def bare_stack(rng: Random, light: Light) -> Cutout:
    """Two to four bars without wrapper, stacked or in a row."""
    sheet, crumb = Cutout(light), mix((170, 120, 70), (90, 60, 44), rng.random())
    dip = rng.choice((None, None, (84, 52, 36), (236, 222, 196), (190, 110, 130)))
    count = rng.randint(2, 4)
    for step in range(count):
        y = 0.9 - step * 0.148
        shift = rng.uniform(-0.05, 0.05)
        box = (0.2 + shift, y - 0.155, 0.8 + shift, y)
        _baked(rng, sheet, box, crumb, dip)
    return sheet


def display_box(rng: Random, light: Light) -> Cutout:
    """A shelf box of bars, some standing up in it."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    half, top = rng.uniform(0.26, 0.34), rng.uniform(0.5, 0.6)
    corners = Carton(
        0.47 - half, top, 0.47 + half, 0.88, rng.uniform(0.07, 0.12), rng.uniform(0.07, 0.11)
    )
    width, height = int(1240 * half), int(620 * (0.88 - top))
    count = rng.randint(3, 5)
    sheet.shape(corners.roof(), darker(design.ground, 0.6))
    for step in range(count):
        x = corners.left + 0.03 + (2 * half - 0.03) * step / count
        art = front(rng, design, 90, 220).rotate(rng.choice((0, 0, 180)))
        lean, rise = rng.uniform(-0.015, 0.02), top - rng.uniform(0.16, 0.24)
        wide = (2 * half - 0.05) / count
        quad = [
            (x + lean + 0.03, rise),
            (x + wide + lean + 0.02, rise),
            (x + wide, top + 0.02),
            (x, top + 0.02),
        ]
        sheet.panel(quad, art, light=0.95)
        sheet.stroke([quad[1], quad[2]], (0, 0, 0), 0.006, opacity=0.4, soft=0.003)
    sheet.panel(corners.flank(), flank(rng, design, 120, height), light=0.75)
    sheet.panel(corners.front(), front(rng, design, width, height))
    return sheet

"""Supplements: powder tubs, pill bottles, pouches and cartons of capsules."""

from __future__ import annotations

from random import Random

from PIL import Image

from catalog.samples.cloth import folds
from catalog.samples.colours import VIVID, WHITE, Rgb, darker, lighter, mix, pick
from catalog.samples.packaging import Design, flank, front, wrap
from catalog.samples.paint import SHEET, Cutout, Light, Pen, ellipse, rounded, turned
from catalog.samples.solids import Band, Carton, Finish, carton, revolve, top_rim

TITLES = (
    "WHEY",
    "PROTEIN",
    "Omega-3",
    "VITAMIN C",
    "ZINC",
    "Creatine",
    "COLLAGEN",
    "MULTI",
    "BCAA",
    "Magnesium",
)
PLASTIC: tuple[Rgb, ...] = (
    (240, 240, 238),
    (34, 34, 38),
    (206, 210, 214),
    (150, 84, 30),
    (46, 92, 62),
    (44, 62, 110),
)


def tub(rng: Random, light: Light) -> Cutout:
    """A powder tub with a wide screw lid; a scoop of powder may lie in front."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    tilt, radius = rng.uniform(0.12, 0.26), rng.uniform(0.25, 0.31)
    top, bottom = rng.uniform(0.26, 0.38), 0.88
    plastic = rng.choice((*PLASTIC, design.ground))
    pen = (
        Pen(top, radius * 0.9)
        .curve(top + 0.05, radius, top + 0.08, radius)
        .line((bottom - 0.04, radius))
    )
    pen.curve(bottom, radius, bottom, radius * 0.92)
    label_top, label_bottom = top + 0.1, bottom - 0.06
    label = wrap(rng, design, 520, int(500 * (label_bottom - label_top) / (radius * 2)))
    bands = [
        Band(top - 0.1, bottom, plastic, Finish.SATIN),
        Band(label_top, label_bottom, label, Finish.SATIN),
    ]
    revolve(sheet, pen.points, bands, tilt=tilt)
    lid = rng.choice((plastic, (30, 30, 34), WHITE, design.accent))
    high = rng.uniform(0.06, 0.11)
    edge = radius * rng.uniform(0.9, 1.02)
    revolve(
        sheet,
        [(top - high, edge), (top + 0.01, edge)],
        [Band(top - 0.4, top + 0.01, lid, Finish.SATIN, ridges=rng.choice((0, 34, 46)))],
        tilt=tilt,
    )
    top_rim(sheet, top - high, edge, lighter(lid, 0.1), tilt=tilt)
    if rng.random() < 0.35:
        _scoop(rng, sheet, mix(design.fruit, (240, 230, 214), 0.6))
    return sheet


def _scoop(rng: Random, sheet: Cutout, powder: Rgb) -> None:
    x, y = rng.uniform(0.3, 0.45), 0.93
    heap = (
        Pen(x - 0.16, y)
        .curve(x - 0.04, y - 0.1, x + 0.03, y - 0.06)
        .curve(x + 0.1, y - 0.02, x + 0.16, y)
    )
    sheet.shape(heap.points, powder, relief=0.03, shade=folds(rng, sheet.light, strength=0.8))
    sheet.stroke([(x + 0.06, y - 0.03), (x + 0.3, y - 0.07)], (230, 230, 228), 0.022)
    sheet.shape(ellipse(x + 0.06, y - 0.03, 0.05, 0.034), (236, 236, 234), relief=0.015)


def pill_bottle(rng: Random, light: Light) -> Cutout:
    """A small bottle of tablets; some of them may lie beside it."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    tilt, radius = rng.uniform(0.1, 0.22), rng.uniform(0.14, 0.2)
    top, bottom = rng.uniform(0.2, 0.34), 0.88
    plastic = rng.choice(PLASTIC)
    neck = radius * rng.uniform(0.62, 0.8)
    pen = Pen(top, neck).line((top + 0.03, neck)).curve(top + 0.06, radius, top + 0.14, radius)
    pen.line((bottom - 0.04, radius)).curve(bottom, radius, bottom, radius * 0.9)
    label_top, label_bottom = top + 0.17, bottom - 0.06
    label = wrap(rng, design, 420, int(400 * (label_bottom - label_top) / (radius * 2)))
    finish = Finish.GLASS if max(plastic) < 160 else Finish.SATIN
    bands = [
        Band(top - 0.1, bottom, plastic, finish),
        Band(label_top, label_bottom, label, Finish.SATIN),
    ]
    revolve(sheet, pen.points, bands, tilt=tilt)
    lid = rng.choice((WHITE, (30, 30, 34), design.accent, (196, 166, 96)))
    revolve(sheet, [(top - 0.09, neck * 1.12), (top + 0.02, neck * 1.14)],
            [Band(top - 0.3, top + 0.02, lid, Finish.SATIN, ridges=26)], tilt=tilt)  # fmt: skip
    top_rim(sheet, top - 0.09, neck * 1.12, lighter(lid, 0.1), tilt=tilt)
    if rng.random() < 0.6:
        _pills(rng, sheet, 0.5 - radius, 0.5 + radius)
    return sheet


def _pills(rng: Random, sheet: Cutout, left: float, right: float) -> None:
    """Capsules or tablets strewn in front."""
    first, second = pick(rng, VIVID), rng.choice((WHITE, pick(rng, VIVID)))
    capsule = rng.random() < 0.6
    for _ in range(rng.randint(3, 11)):
        x, y, turn = (
            rng.uniform(left - 0.16, right + 0.16),
            rng.uniform(0.88, 0.955),
            rng.uniform(0, 180),
        )
        dark = ellipse(x + 0.006, y + 0.012, 0.032, 0.016)
        sheet.shape(dark, (20, 18, 20), opacity=0.22)
        if not capsule:
            sheet.shape(ellipse(x, y, 0.026, 0.017), second, relief=0.01)
            continue
        sheet.shape(
            turned(rounded(x - 0.034, y - 0.013, x + 0.034, y + 0.013, 0.013), turn, x, y),
            first,
            relief=0.009,
        )
        sheet.shape(
            turned(rounded(x, y - 0.013, x + 0.034, y + 0.013, 0.013), turn, x, y),
            second,
            relief=0.009,
        )


def pouch(rng: Random, light: Light) -> Cutout:
    """A stand-up pouch of powder with a zip seam and a bulging front."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    half, top, bottom = rng.uniform(0.2, 0.28), rng.uniform(0.08, 0.2), 0.92
    pen = (
        Pen(0.5 + half * 0.96, top)
        .line((0.5 + half * 0.97, top + 0.1))
        .curve(0.5 + half * 1.08, 0.6, 0.5 + half * 0.98, bottom - 0.04)
    )
    pen.curve(0.5 + half * 0.9, bottom, 0.5, bottom + 0.005)
    outline = [*pen.points, *((1 - x, y) for x, y in reversed(pen.points))]
    art = front(rng, design, int(640 * half * 2.2), int(640 * (bottom - top - 0.08)))
    paper = rng.choice((design.ground, (190, 154, 110), (34, 34, 36)))
    picture = _on_sheet(art, paper, 0.5 - half * 1.1, top + 0.1)
    creases = folds(rng, light, strength=rng.uniform(0.5, 1.0), downward=0.5)
    sheet.shape(outline, picture, relief=0.05, depth=0.9, shade=creases)
    sheet.shape(
        [
            (0.5 - half * 0.96, top),
            (0.5 + half * 0.96, top),
            (0.5 + half * 0.97, top + 0.05),
            (0.5 - half * 0.97, top + 0.05),
        ],
        darker(paper, 0.15),
        relief=0.006,
    )
    sheet.stroke(
        [(0.5 - half * 0.96, top + 0.085), (0.5 + half * 0.96, top + 0.085)],
        (255, 255, 255),
        0.005,
        opacity=0.5,
    )
    sheet.glow(ellipse(0.5 - half * 0.6, 0.55, 0.02, 0.22), (255, 255, 255), opacity=0.4, soft=0.02)
    base = Pen(0.5 - half * 0.98, bottom - 0.05).curve(
        0.5, bottom - 0.12, 0.5 + half * 0.98, bottom - 0.05
    )
    sheet.stroke(base.points, (0, 0, 0), 0.008, opacity=0.3, soft=0.005)
    return sheet


def _on_sheet(art: Image.Image, ground: Rgb, left: float, top: float) -> Image.Image:
    picture = Image.new("RGB", (SHEET, SHEET), ground)
    picture.paste(art, (int(left * SHEET), int(top * SHEET)))
    return picture


def box_and_blister(rng: Random, light: Light) -> Cutout:
    """A flat carton of capsules, with a blister pack leaning on it more often than not."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    half, top = rng.uniform(0.15, 0.26), rng.uniform(0.3, 0.5)
    corners = Carton(
        0.46 - half, top, 0.46 + half, 0.86, rng.uniform(0.06, 0.12), rng.uniform(0.04, 0.07)
    )
    width, height = int(1240 * half), int(620 * (0.86 - top))
    carton(
        sheet,
        corners,
        front(rng, design, width, height),
        flank(rng, design, 120, height),
        lighter(design.ground, 0.2),
    )
    if rng.random() < 0.65:
        _blister(rng, sheet, pick(rng, VIVID))
    return sheet


def _blister(rng: Random, sheet: Cutout, pill: Rgb) -> None:
    x, y, lean = rng.uniform(0.4, 0.6), 0.82, rng.uniform(-14, 14)
    sheet.glow(
        turned(rounded(x - 0.16, y - 0.1, x + 0.17, y + 0.11, 0.02), lean, x, y),
        (8, 8, 12),
        opacity=0.5,
        soft=0.012,
    )
    sheet.shape(
        turned(rounded(x - 0.16, y - 0.1, x + 0.16, y + 0.1, 0.02), lean, x, y),
        (198, 200, 206),
        relief=0.008,
    )
    for row in range(2):
        for column in range(4):
            px, py = x - 0.112 + column * 0.075, y - 0.045 + row * 0.09
            dome = turned(ellipse(px, py, 0.028, 0.036), lean, x, y)
            sheet.shape(dome, mix(pill, (220, 222, 226), 0.25), relief=0.015, depth=0.8)
            sheet.glow(
                turned(ellipse(px - 0.008, py - 0.012, 0.006, 0.01), lean, x, y),
                (255, 255, 255),
                opacity=0.8,
                soft=0.003,
            )

"""Drinks: juice and water bottles, cans, cartons and sports bottles."""

from __future__ import annotations

from random import Random

from catalog.samples.colours import VIVID, WHITE, Rgb, darker, lighter, mix, pick
from catalog.samples.packaging import Design, flank, front, wrap
from catalog.samples.paint import Cutout, Light, Pen, Point, ellipse
from catalog.samples.solids import Band, Carton, Finish, carton, revolve, top_rim

TITLES = (
    "JUICE",
    "Smoothie",
    "SPARK",
    "Cold Press",
    "TONIC",
    "WATER",
    "Iced Tea",
    "Kefir",
    "KOMBUCHA",
    "SHAKE",
)


def _shoulders(top: float, neck: float, radius: float, drop: float, bottom: float) -> list[Point]:
    """The profile of a bottle: neck, rounded shoulder, straight body, tucked foot."""
    pen = (
        Pen(top, neck)
        .line((top + 0.05, neck))
        .curve(top + drop * 0.55, neck * 1.05, top + drop, radius)
    )
    return pen.line((bottom - 0.03, radius)).curve(bottom, radius, bottom, radius * 0.9).points


def _cap(rng: Random, sheet: Cutout, top: float, radius: float, height: float, tilt: float) -> None:
    colour = rng.choice((pick(rng, VIVID), WHITE, (40, 40, 44), (190, 160, 90)))
    band = Band(top - 0.02, top + height, colour, Finish.SATIN, ridges=18)
    revolve(sheet, [(top, radius), (top + height, radius)], [band], tilt=tilt)
    top_rim(sheet, top, radius, lighter(colour, 0.12), tilt=tilt)


def bottle(rng: Random, light: Light) -> Cutout:
    """A filled bottle of glass or clear plastic with a label."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    tilt, radius = rng.uniform(0.08, 0.18), rng.uniform(0.105, 0.15)
    top, bottom = rng.uniform(0.1, 0.2), 0.92
    neck, drop = rng.uniform(0.042, 0.065), rng.uniform(0.16, 0.3)
    profile = _shoulders(top, neck, radius, drop, bottom)
    liquid = (
        design.fruit
        if rng.random() < 0.75
        else rng.choice(((206, 226, 232), (90, 52, 30), (232, 224, 206)))
    )
    level = top + rng.uniform(0.07, drop)
    glass = mix((216, 228, 226), liquid, 0.25)
    bands = [
        Band(top - 0.1, level, glass, Finish.GLASS, opacity=0.55),
        Band(level, bottom, liquid, Finish.GLASS, opacity=0.96),
    ]
    revolve(sheet, profile, bands, tilt=tilt)
    label_top = top + drop + rng.uniform(0.01, 0.06)
    label_bottom = min(bottom - 0.05, label_top + rng.uniform(0.16, 0.3))
    label = wrap(rng, design, 380, int(360 * (label_bottom - label_top) / (radius * 2)))
    body = [(label_top - 0.1, radius * 1.008), (label_bottom + 0.1, radius * 1.008)]
    revolve(sheet, body, [Band(label_top, label_bottom, label, Finish.SATIN)], tilt=tilt)
    _cap(rng, sheet, top - 0.03, neck * 1.22, rng.uniform(0.05, 0.075), tilt)
    return sheet


def can(rng: Random, light: Light) -> Cutout:
    """A drinks can, slim or standard; sometimes two."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    slim = rng.random() < 0.5
    radius, top = (0.125, 0.16) if slim else (0.17, 0.24)
    tilt = rng.uniform(0.1, 0.24)
    places = (0.5,) if rng.random() < 0.7 else (0.5 - radius * 1.04, 0.5 + radius * 1.04)
    for axis in places:
        drawn = design if axis == places[0] or rng.random() < 0.5 else Design.drawn(rng, TITLES)
        _one_can(rng, sheet, drawn, axis, radius, top, tilt)
    return sheet


def _one_can(
    rng: Random, sheet: Cutout, design: Design, axis: float, radius: float, top: float, tilt: float
) -> None:
    bottom, metal = 0.9, (196, 198, 204)
    pen = Pen(top, radius * 0.84).line((top + 0.012, radius * 0.84)).line((top + 0.055, radius))
    pen.line((bottom - 0.04, radius)).curve(bottom - 0.015, radius, bottom, radius * 0.84)
    label = wrap(rng, design, 380, int(380 * (bottom - top) / (radius * 2)))
    bands = [
        Band(top - 0.05, bottom, metal, Finish.METAL),
        Band(top + 0.05, bottom - 0.02, label, Finish.GLOSS),
    ]
    revolve(sheet, pen.points, bands, axis=axis, tilt=tilt)
    top_rim(sheet, top, radius * 0.84, (176, 178, 184), tilt=tilt, axis=axis, rim=(226, 228, 232))
    tab = ellipse(axis, top + radius * tilt * 0.2, radius * 0.22, radius * tilt * 0.36)
    sheet.shape(tab, (206, 208, 212), relief=0.005)
    sheet.stroke(tab, (110, 112, 118), 0.003, opacity=0.7)


def juice_carton(rng: Random, light: Light) -> Cutout:
    """A drinks carton with a screw cap, a gable or a straw."""
    sheet, design = Cutout(light), Design.drawn(rng, TITLES)
    half, top = rng.uniform(0.12, 0.2), rng.uniform(0.26, 0.4)
    corners = Carton(
        0.46 - half, top, 0.46 + half, 0.92, rng.uniform(0.09, 0.16), rng.uniform(0.04, 0.07)
    )
    height = int(620 * (0.92 - top))
    side = flank(rng, design, 120, height)
    if rng.random() < 0.5:
        _gable(sheet, corners, design)
    carton(
        sheet,
        corners,
        front(rng, design, int(1240 * half), height),
        side,
        lighter(design.ground, 0.15),
    )
    middle = (corners.left + corners.right + corners.side) / 2
    if rng.random() < 0.5:
        _cap_on_carton(sheet, middle, top - corners.lid * 0.35, rng.choice((WHITE, design.accent)))
    else:
        straw = [(middle, top - 0.02), (middle + 0.02, top - 0.16), (middle + 0.1, top - 0.2)]
        sheet.stroke(straw, (232, 230, 224), 0.02)
        sheet.stroke([(x - 0.004, y) for x, y in straw], pick(rng, VIVID), 0.006)
    return sheet


def _gable(sheet: Cutout, corners: Carton, design: Design) -> None:
    """The folded roof of a milk carton, with its upright crease."""
    peak, back = corners.top - 0.13, corners.side
    roof = [
        (corners.left, corners.top),
        (corners.left + back / 2, peak),
        (corners.right + back / 2, peak),
        (corners.right, corners.top),
    ]
    end = [
        (corners.right, corners.top),
        (corners.right + back / 2, peak),
        (corners.right + back, corners.top - corners.lid),
    ]
    sheet.shape(end, darker(design.ground, 0.3))
    crest = [
        (roof[1][0], peak - 0.045),
        (roof[2][0], peak - 0.045),
        (roof[2][0], peak),
        (roof[1][0], peak),
    ]
    sheet.shape(crest, lighter(design.ground, 0.1), relief=0.005)
    sheet.shape(roof, mix(design.ground, design.accent, 0.2), relief=0.01)


def _cap_on_carton(sheet: Cutout, x: float, y: float, colour: Rgb) -> None:
    band = Band(y - 0.08, y, colour, Finish.SATIN, ridges=12)
    revolve(sheet, [(y - 0.045, 0.045), (y, 0.045)], [band], axis=x, tilt=0.3)
    top_rim(sheet, y - 0.045, 0.045, lighter(colour, 0.15), tilt=0.3, axis=x)


def sports_bottle(rng: Random, light: Light) -> Cutout:
    """A shaker or sports bottle: one colour, a wide lid, a spout."""
    sheet, design = Cutout(light), Design.drawn(rng, ("SHAKE", "HYDRATE", "PRO", "MIX"))
    tilt, radius, top, bottom = rng.uniform(0.1, 0.2), rng.uniform(0.13, 0.18), 0.3, 0.92
    body = pick(rng, VIVID)
    waist = radius * rng.uniform(0.8, 0.98)
    pen = Pen(top, radius).curve(0.45, radius, 0.55, waist).curve(0.7, waist, 0.78, radius * 0.9)
    pen.line((bottom - 0.03, radius * 0.86)).curve(bottom, radius * 0.86, bottom, radius * 0.76)
    opacity = rng.choice((1.0, 0.8))
    bands = [Band(top - 0.1, bottom, body, Finish.GLOSS, opacity=opacity)]
    label = wrap(rng, design, 360, 260)
    if rng.random() < 0.7:
        bands.append(Band(0.56, 0.76, label, Finish.GLOSS))
    revolve(sheet, pen.points, bands, tilt=tilt)
    lid = pick(rng, VIVID, apart_from=body)
    revolve(sheet, [(top - 0.09, radius * 0.98), (top + 0.02, radius * 1.05)],
            [Band(top - 0.3, top + 0.02, lid, Finish.SATIN, ridges=24)], tilt=tilt)  # fmt: skip
    top_rim(sheet, top - 0.09, radius * 0.98, lighter(lid, 0.1), tilt=tilt)
    spout = rng.uniform(0.04, 0.06)
    revolve(sheet, [(top - 0.17, spout * 0.8), (top - 0.09, spout)],
            [Band(top - 0.3, top - 0.085, darker(lid, 0.2), Finish.GLOSS)], tilt=tilt)  # fmt: skip
    top_rim(sheet, top - 0.17, spout * 0.8, lid, tilt=tilt)
    return sheet

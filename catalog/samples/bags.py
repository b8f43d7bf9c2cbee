"""Bags: totes, handbags, backpacks, holdalls and small pouches."""

from __future__ import annotations

from random import Random

from PIL import Image

from catalog.samples.cloth import BAG_PATTERNS, Cloth, folds, seam_colour, woven
from catalog.samples.colours import (
    CLOTH,
    LEATHER,
    METAL,
    Rgb,
    brightness,
    darker,
    lighter,
    mix,
    pick,
)
from catalog.samples.packaging import BRANDS, Design, front
from catalog.samples.paint import (
    Cutout,
    Floats,
    Light,
    Pen,
    Point,
    ellipse,
    flipped,
    mirrored,
    rounded,
)


def _strap(sheet: Cutout, points: list[Point], colour: Rgb, width: float) -> None:
    """A handle with an edge in shade and a lit middle."""
    sheet.stroke(points, darker(colour, 0.5), width)
    sheet.stroke(points, colour, width * 0.8)
    sheet.stroke(
        [(x - width * 0.12, y - width * 0.12) for x, y in points],
        lighter(colour, 0.35),
        width * 0.22,
        opacity=0.6,
    )


def _material(rng: Random, *, leather: float) -> Cloth:
    """Leather with chance `leather`, else cloth."""
    if rng.random() >= leather:
        return woven(rng, CLOTH, BAG_PATTERNS)
    return woven(rng, LEATHER, BAG_PATTERNS[:1])


def tote(rng: Random, light: Light) -> Cutout:
    """An open shopper with two handles, cloth or leather, often printed."""
    sheet, cloth = Cutout(light), _material(rng, leather=0.35)
    half, top, bottom = rng.uniform(0.22, 0.29), rng.uniform(0.36, 0.46), 0.93
    creases = folds(rng, light, strength=rng.uniform(0.5, 1.1))
    reach, peak = half * rng.uniform(0.42, 0.58), rng.uniform(0.03, 0.16)
    handle = rng.choice((cloth.colour, cloth.accent, (150, 104, 66)))
    arc = (
        Pen(0.5 - reach, top + 0.04)
        .curve(0.5 - reach * 0.9, peak, 0.5, peak)
        .curve(0.5 + reach * 0.9, peak, 0.5 + reach, top + 0.04)
    )
    _strap(sheet, [(x + 0.02, y + 0.02) for x, y in arc.points], darker(handle, 0.35), 0.028)
    sheet.shape(ellipse(0.5, top, half * 0.98, 0.022), darker(cloth.colour, 0.6))
    taper = rng.uniform(0.8, 1.06)
    pen = Pen(0.5, top + 0.014).curve(0.5 + half * 0.6, top + 0.016, 0.5 + half, top)
    pen.curve(0.5 + half * (taper + 0.06), 0.7, 0.5 + half * taper, bottom - 0.03).curve(
        0.5 + half * taper * 0.98, bottom, 0.5 + half * taper * 0.9, bottom
    )
    sheet.shape(mirrored(pen.points), cloth.picture, relief=0.035, depth=0.7, shade=creases)
    sheet.stitches(
        [(0.5 - half * 0.97, top + 0.034), (0.5, top + 0.045), (0.5 + half * 0.97, top + 0.034)],
        seam_colour(cloth.colour),
    )
    _strap(sheet, arc.points, handle, 0.03)
    for x in (0.5 - reach, 0.5 + reach):
        patch = rounded(x - 0.025, top + 0.02, x + 0.025, top + 0.1, 0.006)
        sheet.shape(patch, handle, relief=0.006)
        sheet.stitches([*patch, patch[0]], seam_colour(handle))
    if rng.random() < 0.5:
        _stamp(rng, sheet, cloth, 0.5, (top + bottom) / 2 + 0.04, half * 0.55)
    return sheet


def _stamp(rng: Random, sheet: Cutout, cloth: Cloth, x: float, y: float, size: float) -> None:
    """A printed square in two colours with the maker's name."""
    ink = (
        darker(cloth.colour, 0.7) if brightness(cloth.colour) > 0.5 else lighter(cloth.colour, 0.75)
    )
    design = Design(
        rng.choice(BRANDS),
        "goods",
        "",
        cloth.colour,
        ink,
        mix(ink, cloth.accent, 0.5),
        rng.randrange(4),
    )
    art = front(rng, design, 220, 220)
    sheet.panel(
        [(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)],
        art,
    )


def handbag(rng: Random, light: Light) -> Cutout:
    """A leather bag with a flap, a clasp and a handle or a long strap."""
    sheet, cloth = Cutout(light), _material(rng, leather=0.85)
    half, top, bottom = rng.uniform(0.25, 0.37), rng.uniform(0.4, 0.5), 0.9
    metal = rng.choice(METAL)
    creases = folds(rng, light, strength=rng.uniform(0.25, 0.6), downward=0.3)
    long = rng.random() < 0.4
    reach, peak = (
        (half * 0.92, rng.uniform(0.02, 0.1))
        if long
        else (half * rng.uniform(0.4, 0.6), rng.uniform(0.08, 0.2))
    )
    arc = (
        Pen(0.5 - reach, top + 0.03)
        .curve(0.5 - reach, peak, 0.5, peak)
        .curve(0.5 + reach, peak, 0.5 + reach, top + 0.03)
    )
    _strap(
        sheet,
        arc.points,
        metal if long and rng.random() < 0.3 else cloth.colour,
        0.018 if long else 0.032,
    )
    flare = rng.uniform(0.88, 1.12)
    pen = (
        Pen(0.5, top - 0.004)
        .line((0.5 + half * 0.93, top))
        .curve(0.5 + half, top, 0.5 + half * 1.01, top + 0.06)
    )
    pen.line((0.5 + half * flare, bottom - 0.06)).curve(
        0.5 + half * flare, bottom, 0.5 + half * flare * 0.88, bottom
    )
    sheet.shape(mirrored(pen.points), cloth.picture, relief=0.04, depth=0.8, shade=creases)
    if rng.random() < 0.75:
        _flap(rng, sheet, cloth, (half, top, bottom), creases, metal)
    else:
        _zip(sheet, [(0.5 - half * 0.85, top + 0.05), (0.5 + half * 0.85, top + 0.05)], metal)
    for x in (0.5 - reach, 0.5 + reach):
        sheet.stroke(ellipse(x, top + 0.022, 0.02, 0.022), darker(metal, 0.3), 0.011)
        sheet.stroke(ellipse(x, top + 0.02, 0.02, 0.022), lighter(metal, 0.3), 0.006)
    return sheet


def _flap(
    rng: Random,
    sheet: Cutout,
    cloth: Cloth,
    frame: tuple[float, float, float],
    creases: Floats,
    metal: Rgb,
) -> None:
    half, top, bottom = frame
    reach = top + (bottom - top) * rng.uniform(0.45, 0.68)
    pen = (
        Pen(0.5, top - 0.012)
        .line((0.5 + half * 0.94, top - 0.008))
        .curve(0.5 + half * 1.02, top, 0.5 + half * 0.99, top + 0.06)
    )
    pen.curve(0.5 + half * 0.96, reach, 0.5 + half * rng.uniform(0.4, 0.8), reach).curve(
        0.5 + 0.1, reach + 0.02, 0.5, reach + 0.015
    )
    outline = mirrored(pen.points)
    sheet.glow([(x, y + 0.014) for x, y in outline], (6, 4, 8), opacity=0.45, soft=0.012)
    sheet.shape(outline, cloth.picture, relief=0.028, depth=0.75, shade=creases)
    inner = [(0.5 + (x - 0.5) * 0.95, y - 0.02) for x, y in pen.points[16:]]
    thread = seam_colour(cloth.colour)
    sheet.stitches(inner, thread)
    sheet.stitches(flipped(inner), thread)
    clasp = rounded(0.465, reach - 0.035, 0.535, reach + 0.04, rng.choice((0.006, 0.03)))
    sheet.shape([(x, y + 0.006) for x, y in clasp], (10, 8, 10), opacity=0.4)
    sheet.shape(clasp, metal, relief=0.01, depth=0.9)
    sheet.shape(ellipse(0.5, reach + 0.004, 0.012, 0.012), darker(metal, 0.45), relief=0.005)


def _zip(sheet: Cutout, points: list[Point], metal: Rgb) -> None:
    sheet.stroke(points, (30, 28, 30), 0.024)
    sheet.stroke(points, darker(metal, 0.2), 0.01)
    sheet.stitches([(x, y) for x, y in points], lighter(metal, 0.5))
    x, y = points[-1]
    sheet.shape(rounded(x - 0.03, y - 0.012, x + 0.005, y + 0.014, 0.005), metal, relief=0.006)
    sheet.shape(
        rounded(x - 0.026, y + 0.01, x - 0.008, y + 0.06, 0.008), lighter(metal, 0.2), relief=0.006
    )


def backpack(rng: Random, light: Light) -> Cutout:
    """A backpack from the front: top handle, lid or zip, front pocket, straps at the sides."""
    sheet, cloth = Cutout(light), _material(rng, leather=0.15)
    half, top, bottom = rng.uniform(0.22, 0.28), rng.uniform(0.12, 0.18), 0.93
    trim = rng.choice((darker(cloth.colour, 0.35), cloth.accent, (140, 96, 60)))
    creases = folds(rng, light, strength=rng.uniform(0.6, 1.1))
    metal = rng.choice(METAL)
    grip = (
        Pen(0.44, top + 0.02)
        .curve(0.45, top - 0.08, 0.5, top - 0.08)
        .curve(0.55, top - 0.08, 0.56, top + 0.02)
    )
    _strap(sheet, grip.points, trim, 0.025)
    side = Pen(0.5 + half * 0.8, top + 0.12).curve(0.5 + half * 1.5, 0.45, 0.5 + half * 1.02, 0.86)
    for points in (side.points, flipped(side.points)):
        _strap(sheet, points, darker(trim, 0.15), 0.036)
    pen = (
        Pen(0.5, top)
        .curve(0.5 + half, top, 0.5 + half, top + 0.2)
        .line((0.5 + half * 1.06, bottom - 0.08))
    )
    pen.curve(0.5 + half * 1.06, bottom, 0.5 + half * 0.86, bottom)
    sheet.shape(mirrored(pen.points), cloth.picture, relief=0.05, depth=0.8, shade=creases)
    lid = rng.random() < 0.45
    if not lid:
        arch = (
            Pen(0.5 - half * 0.86, 0.52)
            .line((0.5 - half * 0.86, top + 0.2))
            .curve(0.5 - half * 0.84, top + 0.05, 0.5, top + 0.05)
        )
        arch.curve(0.5 + half * 0.84, top + 0.05, 0.5 + half * 0.86, top + 0.2).line(
            (0.5 + half * 0.86, 0.52)
        )
        _zip(sheet, arch.points, metal)
    pocket = rounded(
        0.5 - half * 0.82, rng.uniform(0.55, 0.62), 0.5 + half * 0.82, bottom - 0.05, 0.05
    )
    sheet.glow(pocket, (6, 6, 10), opacity=0.5, soft=0.012)
    sheet.shape(
        pocket, cloth.picture if rng.random() < 0.5 else trim, relief=0.03, depth=0.8, shade=creases
    )
    _zip(sheet, [(0.5 - half * 0.7, 0.66), (0.5 + half * 0.7, 0.66)], metal)
    if lid:
        _backpack_lid(sheet, cloth, half, top, trim, creases, metal)
    sheet.shape(rounded(0.46, 0.78, 0.54, 0.83, 0.004), lighter(trim, 0.3), relief=0.005)
    return sheet


def _backpack_lid(
    sheet: Cutout, cloth: Cloth, half: float, top: float, trim: Rgb, creases: Floats, metal: Rgb
) -> None:
    pen = Pen(0.5, top - 0.012).curve(0.5 + half * 1.08, top - 0.01, 0.5 + half * 1.06, top + 0.22)
    pen.line((0.5 + half * 1.04, top + 0.3)).curve(
        0.5 + half, top + 0.36, 0.5 + half * 0.7, top + 0.36
    )
    sheet.glow(
        [(x, y + 0.015) for x, y in mirrored(pen.points)], (6, 6, 10), opacity=0.45, soft=0.012
    )
    sheet.shape(mirrored(pen.points), cloth.picture, relief=0.04, depth=0.8, shade=creases)
    for x in (0.5 - half * 0.5, 0.5 + half * 0.5):
        sheet.shape(rounded(x - 0.016, top + 0.24, x + 0.016, 0.64, 0.006), trim, relief=0.006)
        sheet.stroke(
            [*rounded(x - 0.026, 0.54, x + 0.026, 0.585, 0.008), (x - 0.018, 0.54)], metal, 0.009
        )


def holdall(rng: Random, light: Light) -> Cutout:
    """A long, soft travel or sports bag."""
    sheet, cloth = Cutout(light), _material(rng, leather=0.4)
    half, top, bottom = rng.uniform(0.38, 0.44), rng.uniform(0.42, 0.5), 0.86
    trim = rng.choice((darker(cloth.colour, 0.4), cloth.accent, (130, 88, 56)))
    creases = folds(rng, light, strength=rng.uniform(0.7, 1.2), downward=0.5)
    for shift in (-0.02, 0.02):
        arc = (
            Pen(0.36 + shift, top + 0.04)
            .curve(0.38 + shift, 0.16, 0.5 + shift, 0.17)
            .curve(0.62 + shift, 0.16, 0.64 + shift, top + 0.04)
        )
        _strap(sheet, arc.points, trim, 0.026)
    pen = (
        Pen(0.5, top)
        .line((0.5 + half * 0.8, top + 0.005))
        .curve(0.5 + half * 1.05, top + 0.02, 0.5 + half, bottom - 0.12)
    )
    pen.curve(0.5 + half * 0.98, bottom, 0.5 + half * 0.8, bottom)
    sheet.shape(mirrored(pen.points), cloth.picture, relief=0.06, depth=0.85, shade=creases)
    _zip(
        sheet,
        [(0.5 - half * 0.75, top + 0.025), (0.5 + half * 0.75, top + 0.025)],
        rng.choice(METAL),
    )
    for x in (0.36, 0.64):
        strip = [
            (x - 0.022, top + 0.03),
            (x + 0.022, top + 0.03),
            (x + 0.022, bottom - 0.004),
            (x - 0.022, bottom - 0.004),
        ]
        sheet.shape(strip, trim, relief=0.006, shade=creases)
        sheet.stitches(strip[1:3], lighter(trim, 0.4))
    if rng.random() < 0.6:
        pocket = rounded(0.41, top + 0.14, 0.59, bottom - 0.05, 0.02)
        sheet.shape(pocket, darker(cloth.colour, 0.15), relief=0.012)
        sheet.stitches([*pocket, pocket[0]], seam_colour(cloth.colour))
    return sheet


def clutch(rng: Random, light: Light) -> Cutout:
    """A small pouch or purse with a zip along the top."""
    sheet, cloth = Cutout(light), _material(rng, leather=0.5)
    half, top, bottom = rng.uniform(0.28, 0.4), rng.uniform(0.3, 0.38), rng.uniform(0.64, 0.74)
    creases = folds(rng, light, strength=rng.uniform(0.4, 0.9), downward=0.4)
    outline = rounded(0.5 - half, top, 0.5 + half, bottom, rng.choice((0.02, 0.06)))
    sheet.shape(outline, cloth.picture, relief=0.045, depth=0.85, shade=creases)
    _zip(
        sheet, [(0.5 - half * 0.94, top + 0.03), (0.5 + half * 0.94, top + 0.03)], rng.choice(METAL)
    )
    if rng.random() < 0.6:
        loop = Pen(0.5 + half * 0.94, top + 0.04).curve(
            0.5 + half * 1.3, top + 0.1, 0.5 + half * 1.06, bottom + 0.1
        )
        loop.curve(0.5 + half * 0.9, bottom + 0.1, 0.5 + half * 0.92, top + 0.06)
        _strap(sheet, loop.points, darker(cloth.colour, 0.2), 0.02)
    if rng.random() < 0.4:
        label = Image.new("RGB", (8, 8), pick(rng, LEATHER))
        x, y = 0.5 + half * 0.3, bottom - 0.1
        sheet.panel([(x, y), (x + 0.12, y), (x + 0.12, y + 0.05), (x, y + 0.05)], label)
    return sheet

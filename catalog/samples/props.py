"""Clutter: small things that lie or stand about in a merchant's picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from catalog.samples.colours import CLOTH, LEATHER, VIVID, WHITE, darker, lighter, mix, pick
from catalog.samples.packaging import BRANDS, FRUIT
from catalog.samples.paint import Cutout, Light, Pen, along, ellipse, rounded, turned
from catalog.samples.solids import Band, Carton, Finish, revolve, top_rim


def _twig(rng: Random, light: Light) -> Cutout:
    """A twig of leaves."""
    sheet = Cutout(light)
    green = pick(rng, ((74, 120, 70), (120, 150, 90), (60, 96, 82), (150, 120, 70)))
    stem = Pen(0.5, 0.95).curve(
        0.5 + rng.uniform(-0.2, 0.2), 0.5, 0.5 + rng.uniform(-0.1, 0.1), 0.08
    )
    sheet.stroke(stem.points, darker(green, 0.3), 0.014)
    wide = rng.uniform(0.05, 0.11)
    for step in range(11):
        x, y = along(stem.points, 0.12 + step * 0.085)
        side = 1 if step % 2 else -1
        leaf = Pen(0, 0).curve(0.12, -wide, 0.3, -0.02).curve(0.14, wide, 0, 0).points
        angle = -35 if side > 0 else 215
        placed = turned([(x + px, y + py) for px, py in leaf], angle, x, y)
        sheet.shape(placed, mix(green, lighter(green, 0.4), rng.random()), relief=0.02, depth=0.7)
    return sheet


def _coins(rng: Random, light: Light) -> Cutout:
    sheet = Cutout(light)
    for _ in range(rng.randint(2, 6)):
        metal = rng.choice(((186, 140, 78), (196, 196, 198), (206, 170, 96)))
        x, y, r = rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.75), rng.uniform(0.1, 0.15)
        sheet.glow(ellipse(x + 0.01, y + 0.02, r, r), (0, 0, 0), opacity=0.5, soft=0.01)
        sheet.shape(ellipse(x, y, r, r), metal, relief=0.02, depth=0.9)
        sheet.stroke(ellipse(x, y, r * 0.82, r * 0.82), darker(metal, 0.3), 0.008, opacity=0.6)
        sheet.stroke(ellipse(x, y, r * 0.4, r * 0.5), lighter(metal, 0.4), 0.02, opacity=0.6)
    return sheet


def _pebbles(rng: Random, light: Light) -> Cutout:
    sheet = Cutout(light)
    for _ in range(rng.randint(2, 4)):
        grey = pick(rng, ((150, 148, 144), (96, 96, 98), (206, 200, 190)))
        x, y = rng.uniform(0.25, 0.75), rng.uniform(0.3, 0.7)
        outline = turned(
            ellipse(x, y, rng.uniform(0.12, 0.2), rng.uniform(0.09, 0.14)),
            rng.uniform(0, 180),
            x,
            y,
        )
        sheet.shape(outline, grey, relief=0.09, depth=0.9)
    return sheet


def _fruit(rng: Random, light: Light) -> Cutout:
    sheet, colour = Cutout(light), rng.choice(list(FRUIT.values()))
    for step in range(rng.randint(1, 3)):
        x, y, r = 0.4 + step * 0.18, 0.6 - step % 2 * 0.12, rng.uniform(0.16, 0.22)
        sheet.shape(ellipse(x, y, r, r * 0.95), colour, relief=0.15, depth=1.0)
        sheet.glow(
            ellipse(x - r * 0.35, y - r * 0.4, r * 0.2, r * 0.15),
            (255, 255, 255),
            opacity=0.6,
            soft=0.02,
        )
        sheet.stroke([(x, y - r * 0.8), (x + 0.02, y - r * 1.15)], (84, 66, 40), 0.018)
    return sheet


def _pencil(rng: Random, light: Light) -> Cutout:
    sheet, paint = Cutout(light), pick(rng, VIVID)
    sheet.shape(
        [(0.2, 0.48), (0.85, 0.48), (0.85, 0.53), (0.2, 0.53)], paint, relief=0.012, depth=0.9
    )
    sheet.shape([(0.2, 0.48), (0.2, 0.53), (0.1, 0.505)], (226, 190, 146), relief=0.006)
    sheet.shape([(0.125, 0.498), (0.125, 0.511), (0.1, 0.505)], (40, 40, 44))
    sheet.shape(
        [(0.85, 0.478), (0.88, 0.478), (0.88, 0.532), (0.85, 0.532)], (190, 190, 194), relief=0.01
    )
    sheet.shape(rounded(0.88, 0.48, 0.92, 0.53, 0.015), (222, 140, 140), relief=0.01)
    return sheet


def _card(rng: Random, light: Light) -> Cutout:
    """A price tag or a card with a line of writing."""
    sheet, paper = Cutout(light), rng.choice((WHITE, (206, 176, 134), pick(rng, VIVID)))
    sheet.shape(
        [(0.15, 0.32), (0.75, 0.32), (0.88, 0.5), (0.75, 0.68), (0.15, 0.68)], paper, relief=0.006
    )
    sheet.stroke(ellipse(0.78, 0.5, 0.02, 0.02), darker(paper, 0.6), 0.01)
    for step in range(3):
        end = rng.uniform(0.4, 0.66)
        sheet.stroke(
            [(0.22, 0.42 + step * 0.08), (end, 0.42 + step * 0.08)],
            darker(paper, 0.7),
            0.014,
            opacity=0.7,
        )
    cord = Pen(0.78, 0.5).curve(0.95, 0.42, 0.9, 0.2)
    sheet.stroke(cord.points, (150, 130, 100), 0.01)
    return sheet


def _tape(rng: Random, light: Light) -> Cutout:
    """A measuring tape in a loose coil."""
    sheet, paint = Cutout(light), rng.choice(((240, 206, 80), (236, 232, 224), (226, 120, 110)))
    coil = [
        (0.45 + math.cos(k / 8) * (0.12 + k * 0.0022), 0.5 + math.sin(k / 8) * (0.12 + k * 0.0022))
        for k in range(110)
    ]  # fmt: skip
    sheet.stroke(coil, darker(paint, 0.55), 0.052)
    sheet.stroke(coil, paint, 0.044)
    sheet.stitches(coil, (50, 46, 44), opacity=0.7)
    return sheet


def _cup(rng: Random, light: Light) -> Cutout:
    """A cup of coffee seen from above."""
    sheet, china = Cutout(light), rng.choice((WHITE, pick(rng, VIVID), (60, 60, 64)))
    sheet.shape(ellipse(0.5, 0.5, 0.42, 0.42), lighter(china, 0.1), relief=0.04)
    sheet.stroke([(0.72, 0.5), (0.9, 0.46)], darker(china, 0.2), 0.06)
    sheet.shape(ellipse(0.5, 0.5, 0.27, 0.27), china, relief=0.03, depth=0.9)
    sheet.shape(ellipse(0.5, 0.5, 0.22, 0.22), (92, 58, 36), relief=0.02, depth=-0.5)
    sheet.glow(ellipse(0.44, 0.42, 0.07, 0.03), (240, 210, 170), opacity=0.5, soft=0.02)
    return sheet


def _box(rng: Random, light: Light) -> Cutout:
    """A cardboard box."""
    sheet, board = Cutout(light), pick(rng, ((190, 150, 106), (214, 206, 196), (90, 86, 84)))
    high = rng.uniform(0.3, 0.6)
    corners = Carton(0.15, 0.9 - high, 0.65, 0.9, 0.2, 0.12)
    sheet.shape(corners.flank(), darker(board, 0.28), relief=0.01)
    sheet.shape(corners.roof(), lighter(board, 0.15), relief=0.01)
    sheet.shape(corners.front(), board, relief=0.01)
    tape = [
        (0.37, 0.9 - high),
        (0.43, 0.9 - high),
        (0.43, 0.9 - high * 0.6),
        (0.37, 0.9 - high * 0.6),
    ]
    sheet.shape(tape, lighter(board, 0.35), opacity=0.7)
    return sheet


def _plant(rng: Random, light: Light) -> Cutout:
    """A plant in a pot."""
    sheet, pot = Cutout(light), pick(rng, rng.choice((LEATHER, CLOTH)))
    green = pick(rng, ((70, 116, 66), (110, 146, 90), (58, 92, 80)))
    for _ in range(14):
        lean, long = rng.uniform(-75, 75), rng.uniform(0.3, 0.55)
        leaf = Pen(0, 0).curve(0.07, -long * 0.5, 0, -long).curve(-0.07, -long * 0.5, 0, 0).points
        sheet.shape(
            turned([(0.5 + x, 0.64 + y) for x, y in leaf], lean, 0.5, 0.64),
            mix(green, lighter(green, 0.4), rng.random()),
            relief=0.02,
            depth=0.7,
        )
    revolve(sheet, [(0.6, 0.18), (0.9, 0.13)], [Band(0.4, 0.9, pot, Finish.MATTE)], tilt=0.15)
    top_rim(sheet, 0.6, 0.18, (70, 54, 42), tilt=0.15, rim=lighter(pot, 0.15))
    return sheet


def _jar(rng: Random, light: Light) -> Cutout:
    """A plain jar or vase."""
    sheet, clay = Cutout(light), pick(rng, rng.choice((CLOTH, VIVID)))
    pen = Pen(0.2, 0.1).curve(0.3, 0.08, 0.45, rng.uniform(0.16, 0.26)).curve(0.7, 0.26, 0.9, 0.13)
    revolve(
        sheet,
        [(0.2, 0.1), *((y, x) for x, y in _swapped(pen))],
        [Band(0.0, 0.9, clay, Finish.GLOSS)],
        tilt=0.14,
    )
    top_rim(sheet, 0.2, 0.1, darker(clay, 0.6), tilt=0.14, rim=lighter(clay, 0.2))
    return sheet


def _swapped(pen: Pen) -> list[tuple[float, float]]:
    return [(radius, height) for height, radius in pen.points[1:]]


def _books(rng: Random, light: Light) -> Cutout:
    """A pile of books seen from the side."""
    sheet, y = Cutout(light), 0.9
    for _ in range(rng.randint(2, 4)):
        high, left, right = rng.uniform(0.07, 0.13), rng.uniform(0.08, 0.2), rng.uniform(0.78, 0.92)
        cover = pick(rng, rng.choice((CLOTH, VIVID)))
        sheet.shape(rounded(left, y - high, right, y, 0.012), cover, relief=0.014)
        sheet.shape(
            [
                (right - 0.12, y - high + 0.014),
                (right, y - high + 0.014),
                (right, y - 0.014),
                (right - 0.12, y - 0.014),
            ],
            (232, 226, 212),
            relief=0.004,
        )
        width = 0.035 * len(rng.choice(BRANDS))
        sheet.stroke(
            [(left + 0.08, y - high / 2), (left + 0.08 + width, y - high / 2)],
            lighter(cover, 0.6),
            0.022,
            opacity=0.7,
        )
        y -= high
    return sheet


Prop = Callable[[Random, Light], Cutout]
LYING: tuple[Prop, ...] = (_twig, _twig, _coins, _pebbles, _pencil, _card, _tape, _cup, _fruit)
STANDING: tuple[Prop, ...] = (_box, _plant, _jar, _books, _fruit, _pebbles)

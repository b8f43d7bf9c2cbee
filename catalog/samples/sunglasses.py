"""Sunglasses: from the front, half turned, folded, and from above."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image

from catalog.samples.colours import LEATHER, METAL, VIVID, Rgb, darker, lighter, mix, pick
from catalog.samples.paint import SHEET, Cutout, Light, Pen, Point, ellipse, flipped, rounded

FRAMES: tuple[Rgb, ...] = (
    (26, 26, 30),
    (26, 26, 30),
    (92, 56, 34),
    (224, 216, 200),
    (150, 44, 50),
    (40, 66, 104),
)
LENSES: tuple[Rgb, ...] = (
    (40, 42, 48),
    (52, 42, 36),
    (58, 78, 66),
    (70, 96, 132),
    (146, 96, 60),
    (150, 70, 96),
    (196, 160, 70),
)


@dataclass(frozen=True)
class Model:
    """One pair: the lens outline around (0, 0), to the right of the nose, and its colours."""

    lens: list[Point]
    frame: Rgb
    glass: Rgb
    low_glass: Rgb
    rim: float
    gap: float
    arch: float

    @classmethod
    def drawn(cls, rng: Random) -> Model:
        shape = rng.choice((_square, _round, _pilot, _cat_eye, _round, _square))
        metal = shape in (_round, _pilot) and rng.random() < 0.65
        glass = rng.choice(LENSES)
        frame = (
            rng.choice(METAL)
            if metal
            else rng.choice((*FRAMES, pick(rng, VIVID), pick(rng, LEATHER)))
        )
        return cls(
            lens=shape(rng),
            frame=frame,
            glass=glass,
            low_glass=mix(
                glass, rng.choice(((236, 216, 190), (190, 216, 226), glass)), rng.uniform(0.2, 0.75)
            ),
            rim=rng.uniform(0.009, 0.014) if metal else rng.uniform(0.02, 0.036),
            gap=rng.uniform(0.035, 0.055),
            arch=rng.uniform(-0.06, 0.0),
        )


def _square(rng: Random) -> list[Point]:
    w, h = rng.uniform(0.15, 0.175), rng.uniform(0.1, 0.135)
    pen = (
        Pen(-w * 0.86, -h).curve(0, -h * 1.12, w * 0.96, -h * 1.02).curve(w * 1.08, -h, w, -h * 0.4)
    )
    pen.curve(w * 0.9, h, w * 0.4, h).line((-w * 0.3, h)).curve(-w * 0.86, h, -w * 0.96, -h * 0.4)
    return pen.curve(-w, -h, -w * 0.86, -h).points


def _round(rng: Random) -> list[Point]:
    r = rng.uniform(0.125, 0.155)
    return ellipse(0, 0, r, r * rng.uniform(0.9, 1.02))


def _pilot(rng: Random) -> list[Point]:
    w, h = rng.uniform(0.15, 0.18), rng.uniform(0.13, 0.155)
    pen = (
        Pen(-w * 0.7, -h * 0.9)
        .curve(0, -h * 1.05, w * 0.8, -h * 0.9)
        .curve(w * 1.15, -h * 0.7, w, h * 0.1)
    )
    pen.curve(w * 0.8, h * 1.05, w * 0.2, h).curve(-w * 0.6, h * 0.9, -w * 0.85, -h * 0.3)
    return pen.curve(-w, -h * 0.8, -w * 0.7, -h * 0.9).points


def _cat_eye(rng: Random) -> list[Point]:
    w, h = rng.uniform(0.155, 0.175), rng.uniform(0.1, 0.125)
    pen = (
        Pen(-w * 0.9, -h * 0.6)
        .curve(-w * 0.2, -h * 1.0, w * 0.7, -h * 1.15)
        .line((w * 1.2, -h * 1.35))
    )
    pen.curve(w * 1.15, h * 0.3, w * 0.5, h * 0.9).curve(-w * 0.3, h * 1.2, -w * 0.8, h * 0.3)
    return pen.curve(-w * 1.02, -h * 0.3, -w * 0.9, -h * 0.6).points


def _placed(points: list[Point], x: float, y: float, squeeze: float = 1.0) -> list[Point]:
    return [(x + px * squeeze, y + py) for px, py in points]


def _shaded_glass(model: Model, top: float, bottom: float) -> Image.Image:
    """A sheet whose colour runs from the upper to the lower tint between two heights."""
    rows = np.clip((np.arange(SHEET) / SHEET - top) / (bottom - top), 0, 1)[:, None, None]
    first, second = np.array(model.glass, np.float32), np.array(model.low_glass, np.float32)
    column = (first + (second - first) * rows).astype(np.uint8)
    return Image.fromarray(np.repeat(column, SHEET, axis=1))


def _lens(sheet: Cutout, model: Model, outline: list[Point], *, opacity: float) -> None:
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    sheet.shape(outline, _shaded_glass(model, top, bottom), opacity=opacity)
    cx, cy, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    gleam = [
        (cx - w * 0.3, cy - h * 0.1),
        (cx - w * 0.05, cy - h * 0.36),
        (cx + w * 0.08, cy - h * 0.36),
        (cx - w * 0.3, cy + h * 0.06),
    ]
    sheet.glow(gleam, (255, 255, 255), opacity=0.5, soft=0.005)
    low = ellipse(cx + w * 0.1, cy + h * 0.3, w * 0.25, h * 0.08)
    sheet.glow(low, (255, 250, 240), opacity=0.25, soft=0.015)


def _rim(sheet: Cutout, model: Model, outline: list[Point]) -> None:
    closed = [*outline, *outline[:2]]
    sheet.stroke(closed, darker(model.frame, 0.45), model.rim * 1.25)
    sheet.stroke(closed, model.frame, model.rim)
    sheet.stroke(
        [(x - model.rim * 0.15, y - model.rim * 0.2) for x, y in closed],
        lighter(model.frame, 0.5),
        model.rim * 0.22,
        opacity=0.55,
    )


def _arm(sheet: Cutout, model: Model, points: list[Point], width: float) -> None:
    sheet.stroke(points, darker(model.frame, 0.5), width * 1.2)
    sheet.stroke(points, darker(model.frame, 0.1), width)
    sheet.stroke(
        [(x, y - width * 0.25) for x, y in points],
        lighter(model.frame, 0.4),
        width * 0.25,
        opacity=0.5,
    )


def _front(
    sheet: Cutout,
    model: Model,
    y: float,
    *,
    near: float = 1.0,
    far: float = 1.0,
    middle: float = 0.5,
) -> tuple[Point, Point]:
    """Both lenses and the bridge; returns the two hinges. `near` and `far` squeeze the sides."""
    reach = max(-px for px, _ in model.lens) + model.gap
    right = _placed(model.lens, middle + reach * near, y, near)
    left = _placed(flipped(model.lens, 0), middle - reach * far, y, far)
    for outline in (left, right):
        _lens(sheet, model, outline, opacity=0.93)
    bridge = Pen(middle - model.gap * 1.3 * far, y - 0.035).curve(
        middle, y - 0.06 + model.arch, middle + model.gap * 1.3 * near, y - 0.035
    )
    _arm(sheet, model, bridge.points, max(model.rim * 0.9, 0.012))
    for outline in (left, right):
        _rim(sheet, model, outline)
    hinge_y = y - max(-py for _, py in model.lens) * 0.62
    return (min(x for x, _ in left), hinge_y), (max(x for x, _ in right), hinge_y)


def from_front(rng: Random, light: Light) -> Cutout:
    """Standing on a surface and facing the camera, the arms running back."""
    sheet, model = Cutout(light), Model.drawn(rng)
    reach = max(-px for px, _ in model.lens) + model.gap + max(px for px, _ in model.lens)
    inward = rng.uniform(0.03, 0.1)
    lift = rng.uniform(-0.12, -0.03)
    for side in (-1, 1):
        start = (0.5 + side * reach, 0.5 - 0.07)
        arm = Pen(*start).curve(
            0.5 + side * (reach + 0.005), 0.45 + lift, 0.5 + side * (reach - inward), 0.47 + lift
        )
        _arm(sheet, model, arm.points, max(0.012, model.rim * 0.7))
    for x, y in _front(sheet, model, 0.5):
        sheet.shape(ellipse(x, y, 0.012, 0.009), lighter(model.frame, 0.4), relief=0.005)
    return sheet


def half_turned(rng: Random, light: Light) -> Cutout:
    """Turned to the side: the far lens is narrower and one arm runs to the back."""
    sheet, model = Cutout(light), Model.drawn(rng)
    far, near = rng.uniform(0.62, 0.78), rng.uniform(0.92, 1.0)
    reach = max(-px for px, _ in model.lens) + model.gap + max(px for px, _ in model.lens)
    tip = rng.uniform(0.3, 0.42)
    far_arm = Pen(0.36 - reach * far + 0.01, 0.49).curve(0.36, 0.5 - tip * 0.6, 0.62, 0.5 - tip)
    _arm(sheet, model, far_arm.points, 0.014)
    near_arm = Pen(0.36 + reach * near, 0.49).curve(0.8, 0.5 - tip * 0.45, 0.92, 0.55 - tip)
    near_arm.curve(0.95, 0.56 - tip, 0.965, 0.63 - tip)
    _arm(sheet, model, near_arm.points, max(0.02, model.rim))
    _front(sheet, model, 0.55, near=near, far=far, middle=0.36)
    return sheet


def folded(rng: Random, light: Light) -> Cutout:
    """Folded and lying down: both arms cross behind the lenses."""
    sheet, model = Cutout(light), Model.drawn(rng)
    reach = max(-px for px, _ in model.lens) + model.gap + max(px for px, _ in model.lens)
    high = max(-py for _, py in model.lens)
    for side in (-1, 1):
        dip = rng.uniform(0.0, 0.05)
        arm = Pen(0.5 + side * reach, 0.5 - high * 0.6).curve(
            0.5, 0.5 - high * 0.5 + dip, 0.5 - side * reach * 0.78, 0.5 + high * 0.1 + dip
        )
        arm.curve(
            0.5 - side * reach * 0.9, 0.5 + high * 0.2, 0.5 - side * reach * 0.93, 0.5 + high * 0.8
        )
        _arm(sheet, model, arm.points, max(0.018, model.rim * 0.8))
    _front(sheet, model, 0.5)
    if rng.random() < 0.25:
        _case(rng, sheet)
    return sheet


def _case(rng: Random, sheet: Cutout) -> None:
    """A soft case below the glasses."""
    colour = pick(rng, LEATHER)
    outline = rounded(0.14, 0.72, 0.86, 0.93, 0.1)
    sheet.shape(outline, colour, relief=0.04, depth=0.8)
    flap = Pen(0.6, 0.72).curve(0.72, 0.825, 0.6, 0.93)
    sheet.stitches(flap.points, lighter(colour, 0.4))


def from_above(rng: Random, light: Light) -> Cutout:
    """Open and lying on a surface, seen from above and in front: the arms reach away."""
    sheet, model = Cutout(light), Model.drawn(rng)
    reach = max(-px for px, _ in model.lens) + model.gap + max(px for px, _ in model.lens)
    far = rng.uniform(0.1, 0.22)
    for side in (-1, 1):
        arm = (
            Pen(0.5 + side * reach, 0.6)
            .line((0.5 + side * reach * 0.92, far + 0.12))
            .curve(0.5 + side * reach * 0.9, far, 0.5 + side * reach * 0.8, far)
        )
        _arm(sheet, model, arm.points, max(0.02, model.rim * 0.9))
    squat = Model(**{**model.__dict__, "lens": [(x, y * 0.72) for x, y in model.lens]})
    _front(sheet, squat, 0.66)
    return sheet

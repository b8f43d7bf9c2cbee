"""Paths, masks and shading: how one object is painted on a transparent sheet.

Coordinates are fractions of the square sheet: (0, 0) is its top left, (1, 1) its bottom right.
Edges are drawn at twice the size and averaged down, shading is computed at half the size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from catalog.samples.colours import Rgb

SHEET = 640
Point = tuple[float, float]
Floats = NDArray[np.floating[Any]]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Light:
    """Where the light comes from: a unit vector in the picture, x to the right and y down."""

    x: float
    y: float

    def turned(self, degrees: float) -> Light:
        """The same light as seen by an object that will be turned anticlockwise by `degrees`."""
        turn = math.radians(degrees)
        return Light(
            self.x * math.cos(turn) - self.y * math.sin(turn),
            self.x * math.sin(turn) + self.y * math.cos(turn),
        )


@lru_cache(maxsize=128)
def scaled(share: float) -> list[int]:
    """The table that takes an 8-bit value to its `share`."""
    return [min(255, round(value * share)) for value in range(256)]


class Pen:
    """A path of straight lines and Bezier curves, kept as the points it passes through."""

    def __init__(self, x: float, y: float) -> None:
        self.points: list[Point] = [(x, y)]

    def line(self, *points: Point) -> Self:
        self.points.extend(points)
        return self

    def curve(self, cx: float, cy: float, x: float, y: float) -> Self:
        """A quadratic Bezier curve from the last point, pulled towards (cx, cy)."""
        px, py = self.points[-1]
        for step in range(1, 15):
            t = step / 14
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            self.points.append((a * px + b * cx + c * x, a * py + b * cy + c * y))
        return self


def mirrored(right: Sequence[Point], axis: float = 0.5) -> list[Point]:
    """A closed outline from its right half, listed from top to bottom."""
    return [*right, *((2 * axis - x, y) for x, y in reversed(right))]


def flipped(points: Iterable[Point], axis: float = 0.5) -> list[Point]:
    return [(2 * axis - x, y) for x, y in points]


def ellipse(cx: float, cy: float, rx: float, ry: float, *, start: float = 0, end: float = 360
            ) -> list[Point]:  # fmt: skip
    """Points of an ellipse or an arc of it; degrees, clockwise from the right."""
    turns = (math.radians(start + (end - start) * step / 47) for step in range(48))
    return [(cx + rx * math.cos(turn), cy + ry * math.sin(turn)) for turn in turns]


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> list[Point]:
    """A rectangle with round corners."""
    r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    pen = Pen(x0 + r, y0).line((x1 - r, y0)).curve(x1, y0, x1, y0 + r)
    pen.line((x1, y1 - r)).curve(x1, y1, x1 - r, y1)
    pen.line((x0 + r, y1)).curve(x0, y1, x0, y1 - r).line((x0, y0 + r))
    return pen.curve(x0, y0, x0 + r, y0).points


def turned(points: Iterable[Point], degrees: float, cx: float = 0.5, cy: float = 0.5
           ) -> list[Point]:  # fmt: skip
    """`points` turned clockwise around (cx, cy)."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return [
        (cx + (x - cx) * cosine - (y - cy) * sine, cy + (x - cx) * sine + (y - cy) * cosine)
        for x, y in points
    ]


def along(points: Sequence[Point], share: float) -> Point:
    """The point at `share` (0 to 1) of a path's length."""
    lengths = [math.dist(a, b) for a, b in pairwise(points)]
    rest = share * sum(lengths)
    for ((ax, ay), (bx, by)), length in zip(pairwise(points), lengths, strict=True):
        if rest <= length and length > 0:
            t = rest / length
            return ax + (bx - ax) * t, ay + (by - ay) * t
        rest -= length
    return points[-1]


def homography(source: Sequence[Point], target: Sequence[Point]) -> list[float]:
    """The eight numbers of Pillow's PERSPECTIVE that take `target` points back to `source`."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    values = [value for point in source for value in point]
    solved = np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values, dtype=np.float64))
    return [float(value) for value in solved]


def enlarged(values: Floats, width: int, height: int) -> Floats:
    """A small map of numbers, smoothly stretched to (height, width)."""
    small = Image.fromarray(values.astype(np.float32))
    stretched = small.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(stretched, dtype=np.float32)


def clouds(rng: Random, width: int, height: int, *, across: int, down: int) -> Floats:
    """Smooth noise (height, width) with values of about 0 to 1 and `across` x `down` lumps."""
    grain = np.random.default_rng(rng.getrandbits(32))
    return enlarged(grain.random((down + 2, across + 2), dtype=np.float32), width, height)


def slope(height: Floats, light: Light, reach: int = 1) -> Floats:
    """How much each point of a height map faces the light; 0 where it is level."""
    padded = np.pad(height, reach, mode="edge")
    size_y, size_x = height.shape
    middle_x, middle_y = slice(reach, reach + size_x), slice(reach, reach + size_y)
    right, left = padded[middle_y, 2 * reach :], padded[middle_y, :size_x]
    below, above = padded[2 * reach :, middle_x], padded[:size_y, middle_x]
    facing: Floats = (left - right) * light.x + (above - below) * light.y
    return facing


def _frame(points: Sequence[Point], margin: float) -> Box:
    """The pixels a path can touch, kept on the sheet and at least two pixels wide and high."""
    xs, ys = [x * SHEET for x, _ in points], [y * SHEET for _, y in points]
    left = min(max(math.floor(min(xs) - margin), 0), SHEET - 4)
    top = min(max(math.floor(min(ys) - margin), 0), SHEET - 4)
    right = min(max(math.ceil(max(xs) + margin), left + 4), SHEET)
    bottom = min(max(math.ceil(max(ys) + margin), top + 4), SHEET)
    return left, top, right, bottom


def _doubled(points: Sequence[Point], box: Box) -> list[Point]:
    return [((x * SHEET - box[0]) * 2, (y * SHEET - box[1]) * 2) for x, y in points]


class Cutout:
    """One object on a transparent sheet, lit from one side."""

    def __init__(self, light: Light) -> None:
        self.light = light
        self.image = Image.new("RGBA", (SHEET, SHEET))

    def shape(
        self, outline: Sequence[Point], fill: Rgb | Image.Image, *, relief: float = 0.0,
        depth: float = 0.5, shade: Floats | None = None, opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """Fill an outline with a colour, or with a picture as large as the sheet.

        `relief` is the width of the rounded edge, as a fraction of the sheet; `depth` how strong
        its light and shade are; `shade` a sheet-sized map of brightness (1 leaves as it is).
        """
        box = _frame(outline, 2)
        mask = self._polygon(outline, box)
        size = mask.size
        if isinstance(fill, Image.Image):
            layer = fill.crop(box).convert("RGB")
        else:
            layer = Image.new("RGB", size, fill)
        light_map = None if shade is None else shade[box[1] : box[3], box[0] : box[2]]
        if relief > 0:
            rounding = self._rounding(mask, relief * SHEET, depth)
            light_map = rounding if light_map is None else light_map * rounding
        if light_map is not None:
            lit = np.asarray(layer, dtype=np.float32) * light_map[..., None]
            layer = Image.fromarray(np.clip(lit, 0, 255, out=lit).astype(np.uint8))
        self._lay(layer, mask, box, opacity)

    def stroke(
        self, points: Sequence[Point], colour: Rgb, width: float, *, opacity: float = 1.0,
        soft: float = 0.0,
    ) -> None:  # fmt: skip
        """A line of `width` along a path, blurred by `soft`; both are fractions of the sheet."""
        box = _frame(points, (width + 3 * soft) * SHEET + 2)
        mask = Image.new("L", ((box[2] - box[0]) * 2, (box[3] - box[1]) * 2))
        thickness = max(1, round(width * SHEET * 2))
        ImageDraw.Draw(mask).line(_doubled(points, box), 255, thickness, joint="curve")
        mask = mask.reduce(2)
        if soft > 0:
            mask = mask.filter(ImageFilter.GaussianBlur(soft * SHEET))
        self._lay(Image.new("RGB", mask.size, colour), mask, box, opacity)

    def stitches(self, points: Sequence[Point], colour: Rgb, *, opacity: float = 0.8) -> None:
        """A dashed seam along a path."""
        box = _frame(points, 4)
        mask = Image.new("L", ((box[2] - box[0]) * 2, (box[3] - box[1]) * 2))
        pencil = ImageDraw.Draw(mask)
        length = sum(math.dist(a, b) for a, b in pairwise(points))
        count = max(2, round(length / 0.016))
        places = _doubled([along(points, step / (2 * count)) for step in range(2 * count)], box)
        for start, end in zip(places[::2], places[1::2], strict=True):
            pencil.line([start, end], 255, 3)
        self._lay(Image.new("RGB", (mask.width // 2, mask.height // 2), colour), mask.reduce(2),
                  box, opacity)  # fmt: skip

    def glow(self, outline: Sequence[Point], colour: Rgb, *, opacity: float, soft: float) -> None:
        """A blurred patch of light or shade that stays on what is already painted."""
        box = _frame(outline, 3 * soft * SHEET)
        mask = self._polygon(outline, box)
        small = mask.reduce(2).filter(ImageFilter.GaussianBlur(soft * SHEET / 2))
        mask = ImageChops.multiply(small.resize(mask.size), self.image.crop(box).getchannel("A"))
        self._lay(Image.new("RGB", mask.size, colour), mask, box, opacity)

    def panel(self, quad: Sequence[Point], picture: Image.Image, *, light: float = 1.0) -> None:
        """A picture fitted into four corners (top left, top right, bottom right, bottom left)."""
        box = _frame(quad, 1)
        target = [(x * SHEET - box[0], y * SHEET - box[1]) for x, y in quad]
        width, height = picture.size
        source: list[Point] = [(0, 0), (width, 0), (width, height), (0, height)]
        layer = picture.convert("RGB").transform(
            (box[2] - box[0], box[3] - box[1]), Image.Transform.PERSPECTIVE,
            homography(source, target), Image.Resampling.BICUBIC, fillcolor=(128, 128, 128),
        )  # fmt: skip
        layer = layer.point(scaled(light) * 3) if light != 1.0 else layer
        self._lay(layer, self._polygon(quad, box), box, 1.0)

    def lay_pixels(self, pixels: Floats, cover: Floats, left: int, top: int) -> None:
        """Lay computed colours (h, w, 3) 0-255 with cover (h, w) 0-1 on the sheet."""
        box = (left, top, left + cover.shape[1], top + cover.shape[0])
        mask = Image.fromarray((np.clip(cover, 0, 1) * 255).astype(np.uint8))
        self._lay(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), mask, box, 1.0)

    def _polygon(self, outline: Sequence[Point], box: Box) -> Image.Image:
        mask = Image.new("L", ((box[2] - box[0]) * 2, (box[3] - box[1]) * 2))
        ImageDraw.Draw(mask).polygon(_doubled(outline, box), fill=255)
        return mask.reduce(2)

    def _rounding(self, mask: Image.Image, radius: float, depth: float) -> Floats:
        """Brightness of a body whose edges fall away over `radius` pixels."""
        half = mask.reduce(2)
        padded = Image.new("L", (half.width + 16, half.height + 16))
        padded.paste(half, (8, 8))
        soft = padded.filter(ImageFilter.GaussianBlur(max(1.0, radius / 2)))
        height = np.asarray(soft, dtype=np.float32)[8:-8, 8:-8] / 255
        reach = max(1, round(radius / 4))
        facing = slope(height, self.light, reach)
        rounding: Floats = 1 + 0.9 * depth * facing - 0.35 * depth * (1 - height)
        return enlarged(rounding.astype(np.float32), *mask.size)

    def _lay(self, layer: Image.Image, mask: Image.Image, box: Box, opacity: float) -> None:
        layer.putalpha(mask if opacity >= 1 else mask.point(scaled(round(opacity, 2))))
        self.image.alpha_composite(layer, box[:2])

"""Bodies with depth: solids of revolution (bottles, tubs, lids) and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from PIL import Image

from catalog.samples.colours import Rgb
from catalog.samples.paint import SHEET, Cutout, Floats, Light, Point, ellipse


class Finish(Enum):
    """How a surface answers light: (shade at the rim, strength and width of its highlights)."""

    MATTE = (0.45, 0.10, 0.30)
    SATIN = (0.50, 0.26, 0.16)
    GLOSS = (0.52, 0.55, 0.07)
    GLASS = (0.30, 0.75, 0.05)
    METAL = (0.70, 0.60, 0.12)


@dataclass(frozen=True)
class Band:
    """A stretch of a solid from `top` to `bottom` (sheet fractions along its axis).

    A picture as `fill` is wrapped around the visible half.
    """

    top: float
    bottom: float
    fill: Rgb | Image.Image
    finish: Finish = Finish.SATIN
    opacity: float = 1.0
    ridges: int = 0


def _lighting(finish: Finish, light: Light) -> tuple[Floats, Floats]:
    """Brightness and added highlight for 512 places from the left rim (-1) to the right (1)."""
    rim, strength, width = finish.value
    across = np.linspace(-1, 1, 512, dtype=np.float32)
    facing = np.sqrt(np.clip(1 - across**2, 0, 1)) * 0.8 + across * light.x * 0.55
    bright = 1.12 - rim * (1 - np.clip(facing, -0.2, 1)) ** 1.3
    side = 0.55 if light.x >= 0 else -0.55
    shine = np.exp(-(((across - side) / width) ** 2)) + 0.35 * np.exp(
        -(((across + side * 1.45) / (width * 0.7)) ** 2)
    )
    if finish is Finish.METAL:
        bright = bright * (0.86 + 0.24 * np.cos(across * 9))
    return bright.astype(np.float32), (strength * shine * 90).astype(np.float32)


def revolve(
    sheet: Cutout, profile: Sequence[Point], bands: Sequence[Band], *, axis: float = 0.5,
    tilt: float = 0.05,
) -> None:  # fmt: skip
    """Paint a solid of revolution with an upright axis.

    `profile` lists (height, radius) from top to bottom; `tilt` is how far the camera looks down
    on it: the ratio of a rim's height to its width.
    """
    heights, radii = np.array(profile, dtype=np.float64).T
    reach = float(radii.max())
    top, left = max(0, int(heights[0] * SHEET)), max(0, int((axis - reach) * SHEET) - 1)
    bottom = min(SHEET, int((heights[-1] + tilt * reach) * SHEET) + 2)
    right = min(SHEET, int((axis + reach) * SHEET) + 3)
    rows = (np.arange(top, bottom, dtype=np.float64) + 0.5) / SHEET
    offset = ((np.arange(left, right) + 0.5) / SHEET - axis)[None, :]
    radius = np.interp(rows, heights, radii)[:, None]
    across = np.clip(offset / np.maximum(radius, 1e-4), -1, 1)
    level = rows[:, None] - tilt * radius * np.sqrt(1 - across**2)
    outline = np.clip((radius - np.abs(offset)) * SHEET + 0.5, 0, 1)
    for band in bands:
        cover = outline * np.clip((level - band.top) * SHEET + 0.5, 0, 1)
        cover *= np.clip((band.bottom - level) * SHEET + 0.5, 0, 1) * band.opacity
        pixels = _surface(band, across, level, sheet.light)
        sheet.lay_pixels(pixels, cover.astype(np.float32), left, top)


def _surface(band: Band, across: np.ndarray, level: np.ndarray, light: Light) -> Floats:
    """Lit colours (h, w, 3) of one band."""
    place = ((across + 1) * 255.5).astype(np.intp)
    bright, shine = _lighting(band.finish, light)
    turn = np.arcsin(across) / np.pi + 0.5
    if isinstance(band.fill, Image.Image):
        texture = np.asarray(band.fill.convert("RGB"), dtype=np.float32)
        down = (level - band.top) / (band.bottom - band.top)
        column = (turn * (texture.shape[1] - 1)).astype(np.intp)
        row = (np.clip(down, 0, 1) * (texture.shape[0] - 1)).astype(np.intp)
        colours = texture[row, column]
    else:
        colours = np.broadcast_to(np.array(band.fill, np.float32), (*across.shape, 3))
    glow = bright[place]
    if band.ridges:
        glow = glow * (1 + 0.16 * np.sin(turn * np.pi * 2 * band.ridges)).astype(np.float32)
    lit: Floats = colours * glow[..., None] + shine[place][..., None]
    return lit


def top_rim(
    sheet: Cutout, height: float, radius: float, colour: Rgb, *, tilt: float, axis: float = 0.5,
    rim: Rgb | None = None,
) -> None:  # fmt: skip
    """The upper face of a solid, seen from a little above, with a bright edge."""
    face = ellipse(axis, height, radius, radius * tilt)
    sheet.shape(face, rim or colour)
    inner = ellipse(axis, height + 0.002, radius * 0.93, radius * tilt * 0.88)
    sheet.shape(inner, colour, relief=0.01, depth=0.5)


@dataclass(frozen=True)
class Carton:
    """The six visible corners of a box: a front face and one side, seen from a little above."""

    left: float
    top: float
    right: float
    bottom: float
    side: float
    lid: float

    def front(self) -> list[Point]:
        return [(self.left, self.top), (self.right, self.top), (self.right, self.bottom),
                (self.left, self.bottom)]  # fmt: skip

    def flank(self) -> list[Point]:
        lift = self.lid * 0.9
        return [
            (self.right, self.top),
            (self.right + self.side, self.top - lift),
            (self.right + self.side, self.bottom - lift * 1.1),
            (self.right, self.bottom),
        ]

    def roof(self) -> list[Point]:
        lift, side = self.lid * 0.9, self.side
        return [(self.left + side, self.top - lift), (self.right + side, self.top - lift),
                (self.right, self.top), (self.left, self.top)]  # fmt: skip


def carton(sheet: Cutout, corners: Carton, front: Image.Image, flank: Image.Image, roof: Rgb
           ) -> None:  # fmt: skip
    """Paint a box whose front and side carry pictures."""
    sheet.panel(corners.flank(), flank, light=0.72 if sheet.light.x < 0 else 0.92)
    sheet.shape(corners.roof(), roof, relief=0.004, depth=0.3)
    sheet.panel(corners.front(), front, light=1.0 if sheet.light.x < 0 else 0.86)
    edge = [(corners.right, corners.top), (corners.right, corners.bottom)]
    sheet.stroke(edge, (255, 255, 255), 0.003, opacity=0.35)

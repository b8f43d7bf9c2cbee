"""Cloth: woven, printed and knitted patterns, and the folds that light makes visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from catalog.samples.colours import Rgb, brightness, darker, lighter, mix, pick
from catalog.samples.paint import SHEET, Floats, Light, clouds, enlarged, slope


@dataclass(frozen=True)
class Cloth:
    """A sheet-sized picture of cloth and the colours it is made of."""

    picture: Image.Image
    colour: Rgb
    accent: Rgb

    def turned(self, degrees: float) -> Image.Image:
        """The same cloth cut at another angle."""
        return self.picture.rotate(degrees, fillcolor=self.colour)


@lru_cache(maxsize=1)
def _weave() -> Floats:
    """A fixed fine grain (SHEET, SHEET) around 1: threads are never all alike."""
    grain = np.random.default_rng(7).normal(1.0, 0.035, (SHEET, SHEET)).astype(np.float32)
    grain[:, 1:] = (grain[:, 1:] + grain[:, :-1]) / 2
    return grain


def _tiled(tile: np.ndarray) -> Floats:
    """A tile (h, w, 3) repeated over the sheet."""
    down, across = -(-SHEET // tile.shape[0]), -(-SHEET // tile.shape[1])
    repeated: Floats = np.tile(tile, (down, across, 1))[:SHEET, :SHEET].astype(np.float32)
    return repeated


def _plain(_rng: Random, colour: Rgb, _accent: Rgb) -> Floats:
    return _tiled(np.array([[colour]]))


def _stripes(rng: Random, colour: Rgb, accent: Rgb) -> Floats:
    width = rng.choice((12, 20, 32, 48, 64))
    share = rng.choice((0.2, 0.35, 0.5))
    tile = np.full((1, width, 3), colour, dtype=np.float32)
    tile[:, : max(2, int(width * share))] = accent
    return _tiled(tile if rng.random() < 0.45 else tile.transpose(1, 0, 2))


def _gingham(rng: Random, colour: Rgb, accent: Rgb) -> Floats:
    width = rng.choice((16, 24, 36))
    band = (np.arange(2 * width) < width).astype(np.float32)
    share = (band[:, None] + band[None, :]) / 2
    first, second = np.array(colour, np.float32), np.array(accent, np.float32)
    return _tiled(first + (second - first) * share[..., None])


def _plaid(rng: Random, colour: Rgb, accent: Rgb) -> Floats:
    width = rng.choice((64, 84, 104))
    band = np.zeros(width, dtype=np.float32)
    band[: width // 3] = 0.7
    band[width // 2 : width // 2 + 4] = 0.9
    band[width * 3 // 4 : width * 3 // 4 + 8] = -0.35
    share = (band[:, None] + band[None, :]) / 1.6
    first, second = np.array(colour, np.float32), np.array(accent, np.float32)
    return _tiled(first + (second - first) * share[..., None])


def _motifs(rng: Random, colour: Rgb, accent: Rgb) -> Floats:
    """Scattered dots, crosses, leaves or blossoms."""
    side = rng.choice((40, 64, 96))
    tile = Image.new("RGB", (side * 2, side * 2), colour)
    pencil = ImageDraw.Draw(tile)
    second = mix(accent, lighter(colour, 0.5), 0.5)
    kind = rng.choice(("dot", "cross", "leaf", "blossom"))
    size = side * rng.uniform(0.16, 0.3)
    for x, y in ((0.5, 0.5), (1.5, 1.5), (0.5, 1.5), (1.5, 0.5)):
        ink = accent if x == y or kind == "dot" else second
        _motif(pencil, kind, (x * side, y * side), size, ink)
    return _tiled(np.asarray(tile))


def _motif(
    pencil: ImageDraw.ImageDraw, kind: str, middle: tuple[float, float], size: float, ink: Rgb
) -> None:
    x, y = middle
    if kind == "dot":
        pencil.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), fill=ink)
    elif kind == "cross":
        pencil.line((x - size / 2, y, x + size / 2, y), fill=ink, width=3)
        pencil.line((x, y - size / 2, x, y + size / 2), fill=ink, width=3)
    elif kind == "leaf":
        pencil.chord((x - size, y - size, x + size, y + size), 20, 110, fill=ink)
        pencil.chord((x - size, y - size, x + size, y + size), 200, 290, fill=ink)
    else:
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            px, py, r = x + dx * size * 0.55, y + dy * size * 0.55, size * 0.5
            pencil.ellipse((px - r, py - r, px + r, py + r), fill=ink)
        pencil.ellipse((x - 4, y - 4, x + 4, y + 4), fill=(240, 210, 120))


def _blocks(rng: Random, colour: Rgb, accent: Rgb) -> Floats:
    """Two or three wide blocks of colour."""
    cloth = _plain(rng, colour, accent)
    top = rng.randint(200, 330)
    cloth[top : top + rng.choice((60, 110, 400))] = accent
    return cloth


def _denim(rng: Random, colour: Rgb, _accent: Rgb) -> Floats:
    rows, columns = np.mgrid[0:SHEET, 0:SHEET].astype(np.float32)
    twill = 1 + 0.05 * np.sin((rows + columns) * 1.6)
    worn = 0.88 + 0.3 * clouds(rng, SHEET, SHEET, across=3, down=5)
    pale = np.array(lighter(colour, 0.12), dtype=np.float32)
    jeans: Floats = pale * (twill * worn)[..., None]
    return jeans


def _heather(rng: Random, colour: Rgb, accent: Rgb) -> Floats:
    speckle = clouds(rng, SHEET, SHEET, across=150, down=110)[..., None] * 0.45
    first, second = np.array(colour, np.float32), np.array(mix(colour, accent, 0.6), np.float32)
    mixed: Floats = first + (second - first) * speckle
    return mixed


Pattern = Callable[[Random, Rgb, Rgb], Floats]
SHIRT_PATTERNS: tuple[Pattern, ...] = (
    _plain,
    _plain,
    _plain,
    _heather,
    _stripes,
    _stripes,
    _gingham,
    _plaid,
    _motifs,
    _blocks,
    _denim,
)
TROUSER_PATTERNS: tuple[Pattern, ...] = (
    _plain,
    _plain,
    _plain,
    _denim,
    _denim,
    _heather,
    _plaid,
    _stripes,
)
BAG_PATTERNS: tuple[Pattern, ...] = (_plain, _plain, _heather, _stripes, _motifs, _denim, _gingham)


def woven(rng: Random, palette: tuple[Rgb, ...], patterns: tuple[Pattern, ...]) -> Cloth:
    """A length of cloth in a colour of `palette` and one of the patterns."""
    colour = pick(rng, palette)
    accent = pick(rng, palette, apart_from=colour)
    pattern = rng.choice(patterns)
    pixels = pattern(rng, colour, accent) * _weave()[..., None]
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return Cloth(picture, colour, accent)


def folds(rng: Random, light: Light, *, strength: float = 1.0, downward: float = 0.7) -> Floats:
    """Brightness (SHEET, SHEET) around 1 of cloth with creases; `downward` of them hang down."""
    small = SHEET // 4
    creases = Image.new("L", (small, small), 90)
    pencil = ImageDraw.Draw(creases)
    for _ in range(rng.randint(10, 20)):
        x, y, length = rng.uniform(0, small), rng.uniform(0, small), rng.uniform(18, 70)
        steep = rng.random() < downward
        dx = length * (rng.uniform(-0.25, 0.25) if steep else rng.uniform(-1, 1))
        dy = length * (1 if steep else rng.uniform(-0.35, 0.35))
        bend = (x + dx / 2 + rng.uniform(-7, 7), y + dy / 2 + rng.uniform(-7, 7))
        pencil.line([(x, y), bend, (x + dx, y + dy)], rng.choice((10, 40, 150, 220)),
                    rng.choice((2, 3, 5, 8)), joint="curve")  # fmt: skip
    soft = creases.filter(ImageFilter.GaussianBlur(rng.uniform(2.2, 4.2)))
    height = np.asarray(soft, dtype=np.float32) / 255
    height = height + 0.5 * clouds(rng, small, small, across=5, down=4)
    shade = 1 + strength * 1.5 * slope(height, light, 2)
    return enlarged(np.clip(shade, 0.55, 1.4).astype(np.float32), SHEET, SHEET)


def seam_colour(colour: Rgb) -> Rgb:
    """Thread that shows on cloth of this colour."""
    return darker(colour, 0.4) if brightness(colour) > 0.4 else lighter(colour, 0.35)

"""Colours of the sample pictures: mixing, varying, and the palettes goods come in."""

from __future__ import annotations

import colorsys
from random import Random

Rgb = tuple[int, int, int]

WHITE: Rgb = (238, 237, 233)
BLACK: Rgb = (24, 24, 28)

CLOTH: tuple[Rgb, ...] = (
    (240, 238, 232), (226, 214, 196), (38, 44, 62), (28, 28, 32), (92, 98, 104), (168, 172, 176),
    (118, 38, 48), (188, 62, 54), (222, 138, 74), (232, 190, 92), (92, 112, 72), (46, 84, 74),
    (62, 104, 148), (128, 164, 196), (180, 150, 186), (222, 170, 172), (136, 98, 70), (74, 60, 96),
)  # fmt: skip
TROUSER: tuple[Rgb, ...] = (
    (52, 76, 112), (82, 112, 150), (132, 158, 184), (30, 36, 52), (34, 34, 38), (112, 112, 112),
    (184, 160, 122), (206, 192, 164), (94, 98, 70), (122, 78, 52), (232, 228, 218), (104, 44, 52),
)  # fmt: skip
LEATHER: tuple[Rgb, ...] = (
    (122, 74, 42), (92, 54, 36), (160, 106, 62), (196, 152, 104), (36, 32, 32), (70, 30, 34),
    (52, 62, 78), (94, 96, 66), (214, 200, 178), (176, 60, 50), (226, 178, 170), (54, 92, 88),
)  # fmt: skip
VIVID: tuple[Rgb, ...] = (
    (216, 62, 52), (238, 130, 44), (244, 190, 62), (118, 170, 70), (40, 128, 92), (36, 132, 160),
    (42, 84, 158), (98, 70, 150), (196, 70, 128), (54, 56, 64), (232, 226, 212), (146, 96, 58),
)  # fmt: skip
METAL: tuple[Rgb, ...] = ((186, 190, 196), (208, 172, 108), (206, 158, 136), (74, 76, 82))
PALE: tuple[Rgb, ...] = (
    (238, 238, 238), (238, 238, 238), (236, 232, 226), (228, 231, 235), (233, 227, 224),
    (226, 231, 225),
)  # fmt: skip
WALL: tuple[Rgb, ...] = (
    (236, 234, 230), (222, 226, 230), (216, 206, 192), (196, 206, 196), (204, 186, 180),
    (160, 174, 188), (118, 128, 132), (232, 216, 176), (86, 98, 104), (186, 168, 196),
)  # fmt: skip


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`first` moved towards `second` by `share` (0 to 1)."""
    r, g, b = (round(a + (z - a) * share) for a, z in zip(first, second, strict=True))
    return r, g, b


def darker(colour: Rgb, share: float = 0.3) -> Rgb:
    return mix(colour, (14, 10, 18), share)


def lighter(colour: Rgb, share: float = 0.3) -> Rgb:
    return mix(colour, (255, 252, 246), share)


def brightness(colour: Rgb) -> float:
    """Perceived brightness, 0 to 1 (Rec. 601 weights)."""
    r, g, b = colour
    return (0.299 * r + 0.587 * g + 0.114 * b) / 255


def ink_on(colour: Rgb) -> Rgb:
    """A text colour that can be read on `colour`."""
    return (36, 34, 40) if brightness(colour) > 0.55 else (248, 244, 236)


def varied(rng: Random, colour: Rgb, amount: float = 0.08) -> Rgb:
    """`colour` with hue, saturation and value each moved a little at random."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    hue = (hue + rng.uniform(-amount, amount) * 0.5) % 1
    saturation = min(1, max(0, saturation + rng.uniform(-amount, amount)))
    value = min(1, max(0.05, value + rng.uniform(-amount, amount)))
    r, g, b = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(r * 255), round(g * 255), round(b * 255)


def pick(rng: Random, palette: tuple[Rgb, ...], *, apart_from: Rgb | None = None) -> Rgb:
    """One colour of `palette`, varied; clearly lighter or darker than `apart_from` where given."""
    choices = palette
    if apart_from is not None:
        level = brightness(apart_from)
        choices = tuple(c for c in palette if abs(brightness(c) - level) > 0.25) or palette
    return varied(rng, rng.choice(choices))

"""Putting objects into a picture: placing, turning, and the shadows they throw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from catalog.samples.paint import Cutout, Light, Point, homography, scaled

DARK = (16, 14, 20)


@dataclass(frozen=True)
class Placed:
    """An object as it will appear: its pixels and the picture's pixel they start at."""

    picture: Image.Image
    left: int
    top: int

    @property
    def bottom(self) -> int:
        return self.top + self.picture.height

    def standing_on(self, level: int) -> Placed:
        """The same object moved up or down until its lowest pixel is at `level`."""
        return Placed(self.picture, self.left, level - self.picture.height)


def pose(
    rng: Random, cutout: Cutout, *, middle: Point, extent: float, turn: float, skew: float
) -> Placed:
    """Turn a cutout anticlockwise by `turn` degrees and scale its longer side to `extent` pixels.

    `skew` shifts each corner by up to that share of the extent, as a tilted camera would.
    """
    source = cutout.image.crop(cutout.image.getbbox())
    scale = extent / max(source.size)
    if scale < 0.55:
        source = source.reduce(2)
        scale *= 2
    w, h = source.size
    sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    corners: list[Point] = []
    for x, y in ((-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)):
        px = (x * cosine + y * sine) * scale + rng.uniform(-skew, skew) * extent
        py = (y * cosine - x * sine) * scale + rng.uniform(-skew, skew) * extent
        corners.append((middle[0] + px, middle[1] + py))
    left, top = (math.floor(min(c[axis] for c in corners)) for axis in (0, 1))
    right, bottom = (math.ceil(max(c[axis] for c in corners)) for axis in (0, 1))
    target = [(x - left, y - top) for x, y in corners]
    numbers = homography([(0, 0), (w, 0), (w, h), (0, h)], target)
    size = (right - left, bottom - top)
    drawn = source.transform(size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR)
    return Placed(drawn, left, top)


def _darken(scene: Image.Image, mask: Image.Image, left: int, top: int, strength: float) -> None:
    scene.paste(DARK, (left, top), mask.point(scaled(round(strength, 2))))


def _soft_shape(alpha: Image.Image, blur: float, margin: int) -> Image.Image:
    """A silhouette blurred by `blur` pixels with `margin` pixels of room, made at half size."""
    half = alpha.resize(
        (max(1, alpha.width // 2), max(1, alpha.height // 2)), Image.Resampling.BILINEAR
    )
    room = Image.new("L", (half.width + margin, half.height + margin))
    room.paste(half, (margin // 2, margin // 2))
    soft = room.filter(ImageFilter.GaussianBlur(blur / 2))
    return soft.resize(
        (alpha.width + 2 * margin, alpha.height + 2 * margin), Image.Resampling.BILINEAR
    )


def lay(rng: Random, scene: Image.Image, placed: Placed, light: Light, *, lift: float) -> None:
    """An object that lies on a surface or hangs before a wall, `lift` pixels away from it."""
    alpha = placed.picture.getchannel("A")
    for distance, blur, strength in (
        (lift * 0.3, 3.0, 0.4),
        (lift, lift * 0.8 + 2, rng.uniform(0.3, 0.5)),
    ):
        margin = int(blur * 3) // 2 * 2 + 2
        shadow = _soft_shape(alpha, blur, margin)
        x = placed.left - margin - round(light.x * distance)
        y = placed.top - margin - round(light.y * distance)
        _darken(scene, shadow, x, y, strength)
    scene.paste(placed.picture, (placed.left, placed.top), placed.picture)


def stand(
    rng: Random, scene: Image.Image, placed: Placed, light: Light, *, mirror: bool = False
) -> None:
    """An object that stands on the floor: a slanting shadow, a dark foot, perhaps a reflection."""
    picture = placed.picture
    w, h = picture.size
    alpha = picture.getchannel("A")
    if mirror:
        _reflect(scene, placed)
    low, lean = max(8, int(h * rng.uniform(0.14, 0.3))), -light.x * rng.uniform(0.5, 1.3)
    reach = int(abs(lean) * low) + 4
    flat = alpha.resize((w, low), Image.Resampling.BILINEAR)
    shift = -lean * low - reach if lean < 0 else -reach
    slanted = flat.transform(
        (w + 2 * reach, low), Image.Transform.AFFINE,
        (1, lean, -reach - lean * low, 0, 1, 0), Image.Resampling.BILINEAR,
    )  # fmt: skip
    del shift
    blur = rng.uniform(4, 9)
    margin = int(blur * 3) // 2 * 2
    _darken(scene, _soft_shape(slanted, blur, margin), placed.left - reach - margin,
            placed.bottom - low - margin - 2, rng.uniform(0.3, 0.5))  # fmt: skip
    _darken(scene, *_foot(placed, alpha), 0.55)
    scene.paste(picture, (placed.left, placed.top), picture)


def _foot(placed: Placed, alpha: Image.Image) -> tuple[Image.Image, int, int]:
    """The dark line where an object touches the floor."""
    w, h = alpha.size
    touching = alpha.crop((0, int(h * 0.93), w, h)).getbbox() or (0, 0, w, 1)
    left, right = touching[0], touching[2]
    high = max(6, int((right - left) * 0.07))
    mask = Image.new("L", (w + 40, high + 40))
    ImageDraw.Draw(mask).ellipse((left + 16, 20, right + 24, 20 + high), fill=255)
    soft = mask.filter(ImageFilter.GaussianBlur(5))
    return soft, placed.left - 20, placed.bottom - 20 - int(high * 0.65)


def _reflect(scene: Image.Image, placed: Placed) -> None:
    """A fading mirror image below the object, as on polished stone."""
    high = max(4, placed.picture.height // 3)
    turned = placed.picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).crop(
        (0, 0, placed.picture.width, high)
    )
    fade = Image.linear_gradient("L").resize(turned.size).point(lambda value: (255 - value) * 0.28)
    turned.putalpha(ImageChops.multiply(turned.getchannel("A"), fade))
    scene.paste(turned, (placed.left, placed.bottom - 3), turned)

"""How a picture is taken: uneven light, colour cast, exposure, focus and sensor noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from catalog.samples.paint import Floats, Light, enlarged

CASTS = (
    (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.06, 1.0, 0.9), (1.1, 1.0, 0.82), (0.93, 0.99, 1.08),
    (0.97, 1.04, 0.95), (1.04, 0.97, 1.02),
)  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """Settings of one exposure. `falloff` and `vignette` are losses of light (0 to 1)."""

    cast: tuple[float, float, float]
    exposure: float
    contrast: float
    falloff: float
    vignette: float
    blur: float
    noise: float
    blinds: bool

    @classmethod
    def amateur(cls, rng: Random) -> Shot:
        """By a merchant with a telephone: any light, one in six badly taken."""
        poor = rng.random() < 0.16
        return cls(
            cast=rng.choice(CASTS),
            exposure=rng.uniform(0.66, 0.85) if poor else rng.uniform(0.96, 1.16),
            contrast=rng.uniform(0.88, 1.12),
            falloff=rng.uniform(0.0, 0.26),
            vignette=rng.uniform(0.0, 0.22),
            blur=rng.uniform(1.2, 2.6) if poor else rng.choice((0.0, 0.0, 0.0, 0.5, 0.8)),
            noise=rng.uniform(5, 11) if poor else rng.uniform(1.0, 4.0),
            blinds=rng.random() < 0.2,
        )

    @classmethod
    def studio(cls, rng: Random) -> Shot:
        """With lamps and a tripod."""
        return cls(
            cast=rng.choice(((1.0, 1.0, 1.0), (1.02, 1.0, 0.97), (0.98, 1.0, 1.02))),
            exposure=rng.uniform(0.99, 1.05),
            contrast=rng.uniform(0.97, 1.06),
            falloff=rng.uniform(0.0, 0.08),
            vignette=rng.uniform(0.0, 0.06),
            blur=0.0,
            noise=rng.uniform(0.6, 2.0),
            blinds=False,
        )


@lru_cache(maxsize=1)
def _grain() -> Floats:
    """Fixed unit noise (1024, 1024), cut at a random place for every picture."""
    return np.random.default_rng(11).normal(0, 1, (1024, 1024)).astype(np.float32)


def _illumination(rng: Random, shot: Shot, light: Light, size: tuple[int, int]) -> Floats:
    """Brightness (h, w) over the picture: brighter towards the light, darker in the corners."""
    w, h = size
    across = np.linspace(-1, 1, 48, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, 48, dtype=np.float32)[:, None]
    lit = 1 + shot.falloff * 0.5 * (across * light.x + down * light.y)
    lit = lit - shot.vignette * 0.5 * (across**2 + down**2)
    if shot.blinds:
        lit = lit * _blinds(rng)
    return enlarged(lit.astype(np.float32), w, h)


def _blinds(rng: Random) -> Floats:
    """The soft shadow of a window: slanting bars of light on 48 x 48 points."""
    bars = Image.new("L", (48, 48), 185)
    pencil, lean = ImageDraw.Draw(bars), rng.uniform(-20, 20)
    step = rng.choice((7, 10, 16))
    for y in range(-24, 72, step):
        pencil.polygon(
            [(0, y), (48, y + lean), (48, y + lean + step * 0.6), (0, y + step * 0.6)], fill=255
        )
    soft = bars.filter(ImageFilter.GaussianBlur(rng.uniform(0.8, 1.6)))
    return np.asarray(soft, dtype=np.float32) / 235


def _developed(picture: Image.Image, shot: Shot) -> Image.Image:
    """Exposure, contrast and colour cast, by one table per channel."""
    values = ((np.arange(256) - 128) * shot.contrast + 128) * shot.exposure
    channels = np.array(shot.cast)[:, None] * values[None, :]
    table = np.clip(np.rint(channels), 0, 255).astype(int).ravel().tolist()
    return picture.point(table)


def _out_of_focus(picture: Image.Image, radius: float) -> Image.Image:
    """A soft picture: shrunk and enlarged again, which costs a third of a Gaussian blur."""
    share = 1 / (1 + 0.7 * radius)
    size = (round(picture.width * share), round(picture.height * share))
    small = picture.resize(size, Image.Resampling.BILINEAR)
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def expose(rng: Random, picture: Image.Image, light: Light, shot: Shot) -> Image.Image:
    """The photograph of a finished scene."""
    if shot.blur:
        picture = _out_of_focus(picture, shot.blur)
    w, h = picture.size
    x, y = rng.randrange(1024 - w), rng.randrange(1024 - h)
    pixels: Floats = np.asarray(_developed(picture, shot), dtype=np.float32)
    pixels = pixels * _illumination(rng, shot, light, picture.size)[..., None]
    pixels += (_grain()[y : y + h, x : x + w] * shot.noise)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))

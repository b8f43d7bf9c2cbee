"""Labels and printed fronts: words, bands, emblems and small print for packed goods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

from catalog.samples.colours import VIVID, WHITE, Rgb, darker, ink_on, lighter, mix, pick

BRANDS = (
    "Nordvale", "Kestrel", "Morrow", "Alder & Co", "Brio", "Solano", "Quill", "Tern", "Hazelby",
    "Okto", "Pinewell", "Ruva", "Cobalt", "Marlow", "Fennick", "Lumo",
)  # fmt: skip
FRUIT: dict[str, Rgb] = {
    "Orange": (240, 140, 36), "Cherry": (190, 36, 52), "Lime": (140, 182, 60),
    "Mango": (246, 176, 56), "Berry": (110, 52, 120), "Apple": (166, 190, 74),
    "Peach": (246, 170, 126), "Cocoa": (96, 60, 42), "Vanilla": (240, 220, 172),
    "Honey": (226, 160, 52), "Mint": (122, 196, 164), "Beet": (140, 28, 70),
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """What is printed: who made it, what it is, its flavour and the colours used."""

    brand: str
    title: str
    flavour: str
    ground: Rgb
    accent: Rgb
    fruit: Rgb
    layout: int

    @classmethod
    def drawn(cls, rng: Random, titles: tuple[str, ...]) -> Design:
        flavour = rng.choice(list(FRUIT))
        ground = rng.choice(
            (pick(rng, VIVID), pick(rng, VIVID), WHITE, (30, 30, 36), FRUIT[flavour])
        )
        return cls(
            brand=rng.choice(BRANDS), title=rng.choice(titles), flavour=flavour, ground=ground,
            accent=pick(rng, VIVID, apart_from=ground), fruit=FRUIT[flavour],
            layout=rng.randrange(len(_LAYOUTS)),
        )  # fmt: skip


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def write(
    pencil: ImageDraw.ImageDraw, middle: tuple[float, float], text: str, ink: Rgb, *, width: float,
    tallest: float,
) -> None:  # fmt: skip
    """Text centred on a point, as large as `width` and `tallest` pixels allow."""
    share = width / max(1.0, _font(40).getlength(text) * 1.06)
    size = max(7, min(int(tallest), int(40 * share)))
    font = _font(size)
    weight = 1 if size > 22 else 0
    pencil.text(
        middle, text, fill=ink, font=font, anchor="mm", stroke_width=weight, stroke_fill=ink
    )


def small_print(
    pencil: ImageDraw.ImageDraw, rng: Random, box: tuple[float, float, float, float], ink: Rgb
) -> None:
    """Lines that read as text too small to make out."""
    left, top, right, bottom = box
    y = top
    while y < bottom:
        x, end = left, right - rng.uniform(0, 0.35) * (right - left)
        while x < end:
            word = rng.uniform(5, 16)
            pencil.line((x, y, min(x + word, end), y), fill=ink, width=2)
            x += word + 4
        y += 6


def emblem(pencil: ImageDraw.ImageDraw, rng: Random, middle: tuple[float, float], size: float,
           design: Design) -> None:  # fmt: skip
    """A piece of fruit, a leaf, a burst or hills: the picture on the pack."""
    x, y = middle
    kind = rng.choice(("fruit", "leaf", "burst", "hills"))
    if kind == "fruit":
        for dx, dy in ((-0.5, 0.1), (0.5, 0.2), (0, -0.35)):
            _fruit(pencil, x + dx * size, y + dy * size, size * 0.62, design.fruit)
    elif kind == "leaf":
        leaf = mix(design.fruit, (70, 130, 70), 0.6)
        pencil.chord((x - size, y - size, x + size, y + size), 200, 320, fill=leaf)
        pencil.chord(
            (x - size, y - size * 1.2, x + size, y + size * 0.8), 20, 140, fill=darker(leaf)
        )
    elif kind == "burst":
        points = [
            (x + math.cos(k * math.pi / 12) * size * (1 - 0.28 * (k % 2)),
             y + math.sin(k * math.pi / 12) * size * (1 - 0.28 * (k % 2)))
            for k in range(24)
        ]  # fmt: skip
        pencil.polygon(points, fill=design.fruit)
        pencil.ellipse((x - size * 0.5, y - size * 0.5, x + size * 0.5, y + size * 0.5),
                       outline=lighter(design.fruit, 0.6), width=3)  # fmt: skip
    else:
        pencil.pieslice((x - size, y - size, x + size, y + size), 180, 360, fill=design.fruit)
        pencil.pieslice((x - size * 0.2, y - size * 0.7, x + size * 1.5, y + size), 180, 360,
                        fill=darker(design.fruit))  # fmt: skip


def _fruit(pencil: ImageDraw.ImageDraw, x: float, y: float, size: float, colour: Rgb) -> None:
    pencil.ellipse((x - size, y - size, x + size, y + size), fill=colour)
    pencil.ellipse((x - size * 0.6, y - size * 0.7, x, y - size * 0.1), fill=lighter(colour, 0.35))
    pencil.line((x, y - size * 0.8, x + size * 0.2, y - size * 1.3), fill=(80, 100, 50), width=4)


def _across(picture: Image.Image, pencil: ImageDraw.ImageDraw, rng: Random, design: Design) -> None:
    """For long, low faces: a picture to the left, big words beside it."""
    w, h = picture.size
    if design.layout % 2:
        pencil.rectangle((w * 0.74, 0, w, h), fill=design.accent)
        pencil.polygon(
            [(w * 0.68, h), (w * 0.74, 0), (w * 0.76, 0), (w * 0.76, h)], fill=design.fruit
        )
        write(
            pencil,
            (w * 0.87, h * 0.5),
            design.flavour,
            ink_on(design.accent),
            width=w * 0.2,
            tallest=h * 0.3,
        )
    else:
        pencil.rectangle((0, h * 0.8, w, h), fill=design.accent)
        pencil.rectangle((0, h * 0.74, w, h * 0.8), fill=design.fruit)
    emblem(pencil, rng, (w * 0.14, h * 0.45), h * 0.24, design)
    ink = ink_on(design.ground)
    write(pencil, (w * 0.46, h * 0.34), design.brand, ink, width=w * 0.42, tallest=h * 0.42)
    write(
        pencil,
        (w * 0.46, h * 0.64),
        design.title,
        mix(ink, design.fruit, 0.35),
        width=w * 0.4,
        tallest=h * 0.22,
    )


Layout = Callable[[Image.Image, ImageDraw.ImageDraw, Random, Design], None]


def _stacked(
    picture: Image.Image, pencil: ImageDraw.ImageDraw, rng: Random, design: Design
) -> None:
    """Brand on top, a picture in the middle, the title under it."""
    w, h = picture.size
    ink = ink_on(design.ground)
    write(pencil, (w / 2, h * 0.13), design.brand.upper(), ink, width=w * 0.8, tallest=h * 0.14)
    emblem(pencil, rng, (w / 2, h * 0.45), min(w, h) * 0.19, design)
    write(pencil, (w / 2, h * 0.75), design.title, ink, width=w * 0.9, tallest=h * 0.17)
    write(pencil, (w / 2, h * 0.9), design.flavour, design.accent, width=w * 0.6, tallest=h * 0.09)


def _banded(picture: Image.Image, pencil: ImageDraw.ImageDraw, rng: Random, design: Design) -> None:
    """A wide band of the second colour carries the title."""
    w, h = picture.size
    top, bottom = h * rng.uniform(0.28, 0.4), h * rng.uniform(0.6, 0.72)
    pencil.rectangle((0, top, w, bottom), fill=design.accent)
    pencil.rectangle((0, bottom, w, bottom + h * 0.03), fill=design.fruit)
    write(pencil, (w / 2, (top + bottom) / 2), design.title, ink_on(design.accent), width=w * 0.92,
          tallest=h * 0.22)  # fmt: skip
    ink = ink_on(design.ground)
    write(pencil, (w / 2, top * 0.5), design.brand, ink, width=w * 0.85, tallest=h * 0.2)
    small_print(
        pencil, rng, (w * 0.3, bottom + h * 0.1, w * 0.7, h * 0.96), mix(ink, design.ground, 0.4)
    )


def _diagonal(
    picture: Image.Image, pencil: ImageDraw.ImageDraw, rng: Random, design: Design
) -> None:
    """The front is cut in two colours by a slanting edge."""
    w, h = picture.size
    high, low = h * rng.uniform(0.3, 0.5), h * rng.uniform(0.5, 0.8)
    pencil.polygon([(0, high), (w, low), (w, h), (0, h)], fill=design.accent)
    pencil.polygon(
        [(0, high - h * 0.05), (w, low - h * 0.05), (w, low), (0, high)], fill=design.fruit
    )
    write(
        pencil,
        (w / 2, h * 0.2),
        design.brand,
        ink_on(design.ground),
        width=w * 0.85,
        tallest=h * 0.22,
    )
    write(
        pencil,
        (w / 2, h * 0.8),
        design.title,
        ink_on(design.accent),
        width=w * 0.85,
        tallest=h * 0.15,
    )


def _badge(picture: Image.Image, pencil: ImageDraw.ImageDraw, rng: Random, design: Design) -> None:
    """A round badge with the brand in it."""
    w, h = picture.size
    radius = min(w, h) * rng.uniform(0.3, 0.38)
    x, y = w / 2, h * 0.42
    pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=design.accent)
    ring = radius * 0.88
    pencil.ellipse((x - ring, y - ring, x + ring, y + ring), outline=ink_on(design.accent), width=2)
    write(
        pencil,
        (x, y),
        design.brand,
        ink_on(design.accent),
        width=radius * 1.6,
        tallest=radius * 0.5,
    )
    write(
        pencil, (x, h * 0.88), design.title, ink_on(design.ground), width=w * 0.85, tallest=h * 0.13
    )


def _columns(
    picture: Image.Image, pencil: ImageDraw.ImageDraw, rng: Random, design: Design
) -> None:
    """Plain and modern: a coloured column, big letters, much small print."""
    w, h = picture.size
    pencil.rectangle((w * 0.2, 0, w * 0.32, h), fill=design.fruit)
    ink = ink_on(design.ground)
    write(pencil, (w * 0.58, h * 0.25), design.title[:6], ink, width=w * 0.5, tallest=h * 0.2)
    write(
        pencil,
        (w * 0.58, h * 0.45),
        design.flavour,
        design.accent,
        width=w * 0.45,
        tallest=h * 0.12,
    )
    small_print(pencil, rng, (w * 0.38, h * 0.6, w * 0.8, h * 0.9), mix(ink, design.ground, 0.35))


_LAYOUTS: tuple[Layout, ...] = (_stacked, _banded, _diagonal, _badge, _columns)


def front(rng: Random, design: Design, width: int, height: int) -> Image.Image:
    """The printed face of a pack, width x height pixels."""
    picture = Image.new("RGB", (width, height), design.ground)
    layout = _across if width > 2.2 * height else _LAYOUTS[design.layout]
    layout(picture, ImageDraw.Draw(picture), rng, design)
    return picture


def wrap(rng: Random, design: Design, width: int, height: int) -> Image.Image:
    """A label for the visible half of a round pack: the front in its middle, seams at the rims."""
    picture = Image.new("RGB", (width, height), design.ground)
    face = front(rng, design, int(width * 0.7), height)
    picture.paste(face, (int(width * 0.15), 0))
    if design.layout in (1, 2):
        strip = face.crop((0, 0, 1, height)).resize((int(width * 0.15), height))
        picture.paste(strip, (0, 0))
        strip = face.crop((face.width - 1, 0, face.width, height)).resize(
            (int(width * 0.16), height)
        )
        picture.paste(strip, (width - strip.width, 0))
    return picture


def flank(rng: Random, design: Design, width: int, height: int) -> Image.Image:
    """The side of a box: a table of small print under the brand."""
    ground = mix(design.ground, design.accent, 0.12)
    picture = Image.new("RGB", (width, height), ground)
    pencil = ImageDraw.Draw(picture)
    write(pencil, (width / 2, height * 0.1), design.brand, ink_on(ground), width=width * 0.8,
          tallest=height * 0.08)  # fmt: skip
    pencil.rectangle((width * 0.12, height * 0.2, width * 0.88, height * 0.75), fill=WHITE)
    small_print(
        pencil, rng, (width * 0.18, height * 0.24, width * 0.82, height * 0.73), (90, 90, 96)
    )
    return picture

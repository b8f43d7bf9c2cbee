"""What goods are photographed on: surfaces seen from above, stages with a floor, and walls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from catalog.samples.colours import (
    CLOTH,
    PALE,
    VIVID,
    WALL,
    Rgb,
    darker,
    lighter,
    mix,
    pick,
    varied,
)
from catalog.samples.paint import Floats, Point, clouds, homography

Size = tuple[int, int]
WOOD: tuple[Rgb, ...] = (
    (190, 150, 104), (150, 108, 70), (112, 78, 54), (206, 178, 138), (168, 160, 150), (84, 62, 48),
    (224, 214, 198),
)  # fmt: skip


@dataclass(frozen=True)
class Backdrop:
    """A picture and, where goods stand on it, the height of the floor's back edge (0 to 1)."""

    picture: Image.Image
    horizon: float | None = None


def _flat(colour: Rgb, size: Size) -> Floats:
    plain = np.empty((size[1], size[0], 3), dtype=np.float32)
    plain[:] = colour
    return plain


def _picture(pixels: Floats) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _paper(rng: Random, size: Size) -> Floats:
    paper = _flat(pick(rng, rng.choice((WALL, WALL, CLOTH, VIVID))), size)
    return paper * (0.96 + 0.08 * clouds(rng, *size, across=3, down=3))[..., None]


def _two_papers(rng: Random, size: Size) -> Floats:
    """Two sheets of coloured paper that meet along a slanting edge."""
    first = pick(rng, rng.choice((WALL, VIVID, CLOTH)))
    second = mix(pick(rng, rng.choice((WALL, VIVID))), first, 0.25)
    w, h = size
    picture = Image.new("RGB", size, first)
    a, b = rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.85)
    if rng.random() < 0.5:
        edge: list[Point] = [(0, h * a), (w, h * b), (w, h), (0, h)]
    else:
        edge = [(w * a, 0), (w, 0), (w, h), (w * b, h)]
    ImageDraw.Draw(picture).polygon(edge, fill=second)
    return np.asarray(picture, dtype=np.float32)


def _wood(rng: Random, size: Size, *, upright: bool | None = None) -> Floats:
    """Planks with grain, each of its own shade."""
    upright = rng.random() < 0.5 if upright is None else upright
    w, h = (size[1], size[0]) if upright else size
    width = h // rng.randint(3, 7)
    rows = np.arange(h)
    shades = np.array([rng.uniform(0.84, 1.1) for _ in range(h // width + 1)], dtype=np.float32)
    grain = (
        clouds(rng, w, h, across=3, down=h // 5) * 0.2
        + clouds(rng, w, h, across=6, down=h // 22) * 0.16
    )
    shade = shades[rows // width][:, None] * (0.84 + grain)
    edge = rows % width
    shade *= np.where(edge < 2, 0.45, np.where(edge == 2, 1.08, 1.0)).astype(np.float32)[:, None]
    planks: Floats = np.array(pick(rng, WOOD), dtype=np.float32) * shade[..., None]
    return planks.transpose(1, 0, 2) if upright else planks


def _marble(rng: Random, size: Size) -> Floats:
    base, vein = rng.choice(
        (
            ((232, 230, 226), (150, 150, 154)),
            ((58, 62, 66), (170, 170, 166)),
            ((222, 206, 190), (150, 112, 88)),
        )
    )
    drift = clouds(rng, *size, across=3, down=3) + 0.35 * clouds(rng, *size, across=9, down=9)
    drift += 0.12 * clouds(rng, *size, across=28, down=28)
    fine = clouds(rng, *size, across=6, down=6) + 0.3 * clouds(rng, *size, across=22, down=22)
    lines = np.exp(-np.abs(drift - 0.73) * 42) + 0.6 * np.exp(-np.abs(fine - 0.65) * 60)
    lines = np.clip(lines + 0.25 * np.exp(-np.abs(drift - 0.73) * 8), 0, 1) * 0.7
    first, second = np.array(base, np.float32), np.array(vein, np.float32)
    stone: Floats = first + (second - first) * lines[..., None]
    return stone * (0.95 + 0.1 * clouds(rng, *size, across=3, down=3))[..., None]


def _concrete(rng: Random, size: Size) -> Floats:
    shade = (
        0.82
        + 0.16 * clouds(rng, *size, across=4, down=4)
        + 0.1 * clouds(rng, *size, across=16, down=16)
    )
    shade += 0.1 * clouds(rng, *size, across=120, down=120)
    return _flat(pick(rng, WALL[4:9]), size) * shade[..., None]


def _tiles(rng: Random, size: Size) -> Floats:
    """A tiled surface with grout; every tile is a little different."""
    w, h = size
    side = rng.randint(58, 150)
    long = side * rng.choice((1, 1, 2))
    rows, columns = (
        np.arange(h)[:, None],
        np.arange(w)[None, :] + (np.arange(h)[:, None] // side % 2) * (long // 2),
    )
    grain = np.random.default_rng(rng.getrandbits(32)).uniform(
        0.93, 1.05, (h // side + 2, w // long + 3)
    )
    shade = grain.astype(np.float32)[rows // side, columns // long]
    inset_y, inset_x = rows % side, columns % long
    tiles: Floats = _flat(pick(rng, rng.choice((WALL, WALL, VIVID))), size) * shade[..., None]
    tiles *= np.where((inset_y < 7) | (inset_x < 7), 1.06, 1.0).astype(np.float32)[..., None]
    grout = (inset_y < 4) | (inset_x < 4)
    tiles[grout] = darker(pick(rng, WALL), rng.choice((0.05, 0.45)))
    return tiles


def _linen(rng: Random, size: Size) -> Floats:
    """Woven cloth with soft waves, plain or with a wide check."""
    w, h = size
    colour = pick(rng, CLOTH)
    cloth = _flat(colour, size)
    if rng.random() < 0.35:
        width = rng.randint(24, 70)
        band = ((np.arange(h)[:, None] // width % 2) + (np.arange(w)[None, :] // width % 2)) / 2.0
        second = np.array(mix(colour, lighter(colour, 0.7), 0.8), np.float32)
        cloth += (second - cloth) * band[..., None].astype(np.float32)
    weave = (
        1
        + 0.035 * np.sin(np.arange(h) * 2.1)[:, None]
        + 0.035 * np.sin(np.arange(w) * 1.9)[None, :]
    )
    drape = 0.86 + 0.26 * clouds(rng, w, h, across=rng.randint(3, 6), down=rng.randint(3, 6))
    lit: Floats = cloth * (weave * drape)[..., None].astype(np.float32)
    return lit


def _rug(rng: Random, size: Size) -> Floats:
    pile = 0.7 + 0.5 * clouds(rng, *size, across=110, down=110) * (
        0.7 + 0.5 * clouds(rng, *size, across=5, down=5)
    )
    return _flat(pick(rng, CLOTH), size) * pile[..., None]


def _terrazzo(rng: Random, size: Size) -> Floats:
    base = pick(rng, WALL[:5])
    picture = Image.new("RGB", size, base)
    pencil = ImageDraw.Draw(picture)
    bits = [pick(rng, rng.choice((WALL, VIVID, LEATHERS))) for _ in range(4)]
    for _ in range(220):
        x, y, r = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(3, 15)
        corners = [(x + rng.uniform(-r, r), y + rng.uniform(-r, r)) for _ in range(5)]
        pencil.polygon(corners, fill=mix(rng.choice(bits), base, 0.25))
    return np.asarray(picture, dtype=np.float32)


LEATHERS: tuple[Rgb, ...] = ((122, 74, 42), (36, 32, 32), (200, 196, 190))
Surface = Callable[[Random, Size], Floats]
SURFACES: tuple[Surface, ...] = (
    _paper, _paper, _paper, _two_papers, _wood, _wood, _marble, _concrete, _tiles, _linen, _linen,
    _rug, _terrazzo,
)  # fmt: skip


def studio(rng: Random, size: Size, *, standing: bool) -> Backdrop:
    """A pale, mottled ground as studios use it; with a floor where goods stand."""
    w, h = size
    colour = varied(rng, rng.choice(PALE), 0.02)
    rows = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    shade = 1 + rng.uniform(-0.06, 0.06) * rows + rng.uniform(-0.08, 0.08) * columns
    mottle = clouds(rng, w, h, across=rng.randint(7, 10), down=rng.randint(6, 9)) - 0.5
    shade = shade + rng.uniform(0.08, 0.12) * mottle
    if not standing:
        return Backdrop(_picture(_flat(colour, size) * shade[..., None]))
    horizon = rng.uniform(0.52, 0.72)
    bend = np.exp(-((((rows + 1) / 2 - horizon) / rng.choice((0.02, 0.08, 0.14))) ** 2))
    shade = shade - 0.05 * bend + np.where((rows + 1) / 2 > horizon, 0.02, 0.0)
    return Backdrop(_picture(_flat(colour, size) * shade[..., None]), horizon)


def surface(rng: Random, size: Size) -> Backdrop:
    """A surface seen from above."""
    return Backdrop(_picture(rng.choice(SURFACES)(rng, size)))


def wall(rng: Random, size: Size) -> Backdrop:
    """An upright wall: painted, papered, boarded or of bricks."""
    made = rng.choice((_paper, _paper, _concrete, _panelled, _bricks, _panelled))(rng, size)
    return Backdrop(_picture(made))


def _panelled(rng: Random, size: Size) -> Floats:
    if rng.random() < 0.5:
        return _wood(rng, size, upright=True)
    w, h = size
    door = _paper(rng, size)
    for left, right in ((0.06, 0.46), (0.54, 0.94)):
        for top, bottom in ((0.05, 0.44), (0.52, 0.95)):
            x0, x1, y0, y1 = int(left * w), int(right * w), int(top * h), int(bottom * h)
            door[y0 : y0 + 5, x0:x1] *= 0.8
            door[y0:y1, x0 : x0 + 5] *= 0.84
            door[y1 : y1 + 5, x0:x1] *= 1.07
            door[y0:y1, x1 : x1 + 5] *= 1.05
    return door


def _bricks(rng: Random, size: Size) -> Floats:
    w, h = size
    high = rng.randint(24, 40)
    long = high * 3
    rows = np.arange(h)[:, None]
    columns = np.arange(w)[None, :] + (rows // high % 2) * (long // 2)
    grain = np.random.default_rng(rng.getrandbits(32)).uniform(
        0.8, 1.15, (h // high + 2, w // long + 3)
    )
    shade = grain.astype(np.float32)[rows // high, columns // long]
    shade = shade * (0.85 + 0.3 * clouds(rng, w, h, across=60, down=60))
    painted = rng.choice(((156, 84, 64), (170, 120, 96), (226, 222, 216), (92, 84, 84)))
    bricks: Floats = _flat(painted, size) * shade[..., None]
    mortar = ((rows % high) < 4) | ((columns % long) < 4)
    bricks[mortar] = mix(painted, (196, 188, 178), 0.6)
    return bricks


def stage(rng: Random, size: Size) -> Backdrop:
    """A place where goods stand: a studio sweep, a table, a shelf, or outdoors out of focus."""
    return rng.choice((_sweep, _sweep, _table, _table, _shelf, _outdoors, _room))(rng, size)


def _sweep(rng: Random, size: Size) -> Backdrop:
    """Seamless studio paper: the wall runs into the floor."""
    w, h = size
    colour = pick(rng, rng.choice((WALL, WALL, WALL, VIVID, CLOTH)))
    horizon = rng.uniform(0.5, 0.7)
    rows = np.arange(h, dtype=np.float32) / h
    bend = np.exp(-(((rows - horizon) / 0.16) ** 2))
    shade = np.where(rows < horizon, 0.9 + 0.1 * rows, 1.03) - 0.1 * bend
    across = 1 - 0.12 * np.abs(np.arange(w, dtype=np.float32) / w - rng.uniform(0.3, 0.7))
    pixels = _flat(colour, size) * (shade[:, None] * across[None, :])[..., None].astype(np.float32)
    return Backdrop(_picture(pixels), horizon - 0.05)


def _floor(rng: Random, size: Size, horizon: float, made: Surface) -> Image.Image:
    """A surface tilted away from the camera, as wide as the picture, from the horizon down."""
    w, h = size[0], size[1] - int(horizon * size[1])
    flat = _picture(made(rng, (w, w * 2 // 3)))
    spread = rng.uniform(0.3, 0.7) * w
    quad = [(0.0, 0.0), (float(w), 0.0), (w + spread, float(h)), (-spread, float(h))]
    whole = [(0, 0), (w, 0), (w, flat.height), (0, flat.height)]
    return flat.transform(
        (w, h), Image.Transform.PERSPECTIVE, homography(whole, quad), Image.Resampling.BILINEAR
    )


def _behind(rng: Random, size: Size, made: Surface, blur: float) -> Image.Image:
    """A wall out of focus, made at half size."""
    half = (size[0] // 2, size[1] // 2)
    soft = _picture(made(rng, half)).filter(ImageFilter.GaussianBlur(blur))
    return soft.resize(size, Image.Resampling.BILINEAR)


def _table(rng: Random, size: Size) -> Backdrop:
    """A table top before a wall."""
    horizon = rng.uniform(0.48, 0.68)
    picture = _behind(
        rng, size, rng.choice((_paper, _paper, _bricks, _tiles, _concrete)), rng.uniform(1, 5)
    )
    floor = _floor(
        rng, size, horizon, rng.choice((_wood, _wood, _marble, _concrete, _linen, _tiles))
    )
    return Backdrop(_joined(picture, floor), horizon)


def _joined(back: Image.Image, floor: Image.Image) -> Image.Image:
    """The floor laid over the lower part of the back, with a soft dark line between them."""
    w, top = back.width, back.height - floor.height
    joined = back.copy()
    joined.paste(floor, (0, top))
    seam = Image.linear_gradient("L").resize((w, 10)).point(lambda value: value * 0.3)
    joined.paste((12, 10, 14), (0, top), seam.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    return joined


def _shelf(rng: Random, size: Size) -> Backdrop:
    """A shelf board with dim boxes and jars at the back."""
    w, h = size
    horizon = rng.uniform(0.62, 0.74)
    back = Image.new("RGB", (w // 4, h // 4), pick(rng, WALL))
    pencil, x = ImageDraw.Draw(back), rng.uniform(-10, 10)
    while x < w / 4:
        wide, high = rng.uniform(14, 36), rng.uniform(0.2, 0.5) * h / 4
        base = horizon * h / 4
        colour = darker(mix(pick(rng, rng.choice((VIVID, WALL))), (160, 150, 140), 0.35), 0.15)
        pencil.rectangle((x, base - high, x + wide, base), fill=colour)
        pencil.rectangle(
            (x + 2, base - high * 0.6, x + wide - 2, base - high * 0.3), fill=lighter(colour, 0.4)
        )
        x += wide + rng.choice((1, 2, 14))
    soft = back.filter(ImageFilter.GaussianBlur(rng.uniform(1.2, 3))).resize(
        size, Image.Resampling.BICUBIC
    )
    board = _floor(rng, size, horizon, _wood)
    joined = _joined(soft, board)
    edge = int(rng.uniform(0.93, 0.97) * h)
    ImageDraw.Draw(joined).rectangle((0, edge, w, h), fill=_middle(board, 0.45))
    return Backdrop(joined, horizon)


def _middle(picture: Image.Image, shade: float) -> Rgb:
    """The mean colour of a picture, darkened."""
    r, g, b = np.asarray(picture.resize((1, 1), Image.Resampling.BOX))[0, 0].tolist()
    return darker((r, g, b), shade)


def _outdoors(rng: Random, size: Size) -> Backdrop:
    """Leaves, sky and lights far out of focus behind a table."""
    w, h = size[0] // 4, size[1] // 4
    base = rng.choice(((96, 130, 84), (70, 96, 70), (150, 176, 196), (196, 160, 112), (40, 46, 66)))
    back = _picture(
        _flat(base, (w, h)) * (0.6 + 0.8 * clouds(rng, w, h, across=4, down=4))[..., None]
    )
    discs = Image.new("RGBA", (w, h))
    pencil = ImageDraw.Draw(discs)
    for _ in range(rng.randint(14, 40)):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h * 0.8), rng.uniform(3, 15)
        light = lighter(mix(base, pick(rng, VIVID), 0.4), rng.uniform(0.2, 0.7))
        pencil.ellipse((x - r, y - r, x + r, y + r), fill=(*light, rng.randint(50, 140)))
    back.paste(discs.convert("RGB"), mask=discs.getchannel("A"))
    soft = back.filter(ImageFilter.GaussianBlur(1.3)).resize(size, Image.Resampling.BICUBIC)
    horizon = rng.uniform(0.58, 0.74)
    floor = _floor(rng, size, horizon, rng.choice((_wood, _wood, _concrete, _marble)))
    return Backdrop(_joined(soft, floor), horizon)


def _room(rng: Random, size: Size) -> Backdrop:
    """A room out of focus: a window, frames, a plant-coloured blotch."""
    w, h = size[0] // 4, size[1] // 4
    back = Image.new("RGB", (w, h), pick(rng, WALL))
    pencil = ImageDraw.Draw(back)
    for _ in range(rng.randint(3, 7)):
        x, y = rng.uniform(-0.1, 0.9) * w, rng.uniform(-0.1, 0.5) * h
        colour = rng.choice(
            ((248, 246, 238), pick(rng, WALL), pick(rng, VIVID), pick(rng, CLOTH), (90, 120, 80))
        )
        box = (x, y, x + rng.uniform(0.1, 0.4) * w, y + rng.uniform(0.15, 0.5) * h)
        pencil.rectangle(box, fill=colour) if rng.random() < 0.7 else pencil.ellipse(
            box, fill=colour
        )
    soft = back.filter(ImageFilter.GaussianBlur(rng.uniform(3, 7))).resize(
        size, Image.Resampling.BICUBIC
    )
    horizon = rng.uniform(0.55, 0.7)
    floor = _floor(rng, size, horizon, rng.choice((_wood, _linen, _marble, _paper)))
    return Backdrop(_joined(soft, floor), horizon)

"""Watches: round, square and smart; strap open and flat, or closed around a cushion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

from catalog.samples.colours import (
    BLACK,
    CLOTH,
    LEATHER,
    METAL,
    VIVID,
    WHITE,
    Rgb,
    darker,
    ink_on,
    lighter,
    pick,
)
from catalog.samples.packaging import BRANDS, write
from catalog.samples.paint import (
    Cutout,
    Light,
    Pen,
    Point,
    ellipse,
    flipped,
    mirrored,
    rounded,
    turned,
)


@dataclass(frozen=True)
class Make:
    """What one watch is made of; `size` is the radius of its case."""

    size: float
    square: bool
    smart: bool
    case: Rgb
    dial: Rgb
    strap: Rgb
    links: bool

    @classmethod
    def drawn(cls, rng: Random) -> Make:
        smart = rng.random() < 0.2
        links = not smart and rng.random() < 0.4
        case = rng.choice(METAL)
        palette = rng.choice((LEATHER, LEATHER, CLOTH, VIVID))
        return cls(
            size=rng.uniform(0.14, 0.185),
            square=smart or rng.random() < 0.2,
            smart=smart,
            case=case,
            dial=BLACK
            if smart
            else rng.choice((WHITE, WHITE, BLACK, (34, 52, 90), (30, 78, 66), pick(rng, CLOTH))),
            strap=case if links else pick(rng, palette),
            links=links,
        )

    def outline(self, share: float, x: float = 0.5, y: float = 0.5) -> list[Point]:
        """The case's outline, or one inside it at `share` of its size."""
        r = self.size * share
        if self.square:
            return rounded(x - r * 0.86, y - r, x + r * 0.86, y + r, r * 0.4)
        return ellipse(x, y, r, r)


def laid_open(rng: Random, light: Light) -> Cutout:
    """A watch with its strap stretched out, seen from above."""
    sheet, make = Cutout(light), Make.drawn(rng)
    width = make.size * rng.uniform(0.5, 0.62)
    end = width * rng.uniform(0.74, 0.9)
    upper = Pen(0.5 + end, 0.06).line((0.5 + width, 0.5 - make.size * 0.9))
    lower_end = rng.uniform(0.92, 0.97)
    lower = (
        Pen(0.5 + width, 0.5 + make.size * 0.9)
        .line((0.5 + end, lower_end - 0.03))
        .curve(0.5 + end, lower_end, 0.5, lower_end)
    )
    for half in (upper, lower):
        sheet.shape(mirrored(half.points), make.strap, relief=0.018, depth=0.7)
    if make.links:
        _links(
            sheet, make, width, (0.06, 0.5 - make.size * 0.9), (0.5 + make.size * 0.9, lower_end)
        )
    else:
        _leather(sheet, make, width, end, lower_end)
    buckle = [
        *rounded(0.5 - end * 1.25, 0.025, 0.5 + end * 1.25, 0.09, 0.012),
        (0.5 - end * 1.1, 0.025),
    ]
    sheet.stroke(buckle, darker(make.case, 0.25), 0.015)
    sheet.stroke(buckle, lighter(make.case, 0.3), 0.007)
    _head(rng, sheet, make)
    return sheet


def _links(sheet: Cutout, make: Make, width: float, *stretches: tuple[float, float]) -> None:
    """A metal bracelet: rows of three links."""
    for top, bottom in stretches:
        count = max(3, round((bottom - top) / 0.035))
        step = (bottom - top) / count
        for row in range(count):
            y = top + row * step
            near = 1 - abs(y + step / 2 - 0.5) * 0.35
            for left, right in ((-1.0, -0.42), (-0.38, 0.38), (0.42, 1.0)):
                link = rounded(
                    0.5 + left * width * near,
                    y + 0.002,
                    0.5 + right * width * near,
                    y + step - 0.002,
                    0.006,
                )
                sheet.shape(
                    link,
                    lighter(make.strap, 0.25) if left == -0.38 else make.strap,
                    relief=0.008,
                    depth=0.9,
                )


def _leather(sheet: Cutout, make: Make, width: float, end: float, lower_end: float) -> None:
    thread = lighter(make.strap, 0.45)
    for share in (-0.82, 0.82):
        sheet.stitches([(0.5 + end * share, 0.09), (0.5 + width * share, 0.5 - make.size)], thread)
        sheet.stitches(
            [(0.5 + width * share, 0.5 + make.size), (0.5 + end * share, lower_end - 0.04)], thread
        )
    for step in range(5):
        y = lower_end - 0.06 - step * 0.035
        sheet.shape(ellipse(0.5, y, 0.006, 0.008), darker(make.strap, 0.7))


def _head(rng: Random, sheet: Cutout, make: Make) -> None:
    """Lugs, crown, case, bezel, dial and glass."""
    for side in (-1, 1):
        for up in (-1, 1):
            x, y = 0.5 + side * make.size * 0.56, 0.5 + up * make.size * 0.9
            sheet.shape(
                rounded(x - 0.018, y - 0.045, x + 0.018, y + 0.045, 0.012),
                make.case,
                relief=0.012,
                depth=0.8,
            )
    across = make.size * (0.86 if make.square else 1.0)
    sheet.shape(
        rounded(0.5 + across, 0.478, 0.5 + across + 0.03, 0.522, 0.006),
        darker(make.case, 0.1),
        relief=0.008,
    )
    sheet.glow(
        [(x + 0.004, y + 0.01) for x, y in make.outline(1.03)], (4, 4, 8), opacity=0.5, soft=0.012
    )
    sheet.shape(make.outline(1.0), make.case, relief=0.03, depth=1.0)
    sheet.shape(
        make.outline(0.9),
        darker(make.case, 0.35) if rng.random() < 0.5 else darker(make.strap, 0.2),
        relief=0.014,
    )
    sheet.shape(make.outline(0.8), make.dial)
    face = _screen(rng, make) if make.smart else _dial(rng, make)
    _inlay(sheet, make, face)
    glass = [(x, y) for x, y in make.outline(0.78) if x - 0.5 + (y - 0.5) < -make.size * 0.2]
    if len(glass) > 3:
        sheet.shape(glass, (255, 255, 255), opacity=0.13)


def _inlay(sheet: Cutout, make: Make, face: Image.Image) -> None:
    """The drawn dial, cut to the shape of the glass."""
    side = round(make.size * 1.6 * 640)
    picture = Image.new("RGB", sheet.image.size, make.dial)
    corner = round(320 - side / 2)
    picture.paste(face.resize((side, side), Image.Resampling.LANCZOS), (corner, corner))
    sheet.shape(make.outline(0.78), picture, relief=0.006, depth=-0.5)


def _dial(rng: Random, make: Make) -> Image.Image:
    """A dial of 360 x 360 pixels: markers, name, hands, perhaps small dials or a date."""
    picture = Image.new("RGB", (360, 360), make.dial)
    pencil = ImageDraw.Draw(picture)
    ink = ink_on(make.dial)
    if rng.random() < 0.35:
        for x, y in ((120, 190), (240, 190), (180, 260)):
            pencil.ellipse(
                (x - 36, y - 36, x + 36, y + 36), fill=darker(make.dial, 0.15), outline=ink, width=2
            )
            pencil.line((x, y, x + rng.randint(-22, 22), y - 22), fill=ink, width=3)
    elif rng.random() < 0.5:
        pencil.rectangle((250, 166, 292, 194), fill=(240, 240, 238), outline=(90, 90, 94))
        write(pencil, (271, 180), str(rng.randint(1, 28)), (30, 30, 34), width=36, tallest=22)
    _markers(rng, pencil, make, ink)
    write(pencil, (180, 118), rng.choice(BRANDS).upper(), ink, width=110, tallest=22)
    _hands(rng, pencil, make, ink)
    return picture


def _markers(rng: Random, pencil: ImageDraw.ImageDraw, make: Make, ink: Rgb) -> None:
    style = rng.choice(("bars", "dots", "numbers", "numbers", "quarter"))
    for minute in range(60):
        turn = math.radians(minute * 6)
        dx, dy = math.sin(turn), -math.cos(turn)
        hour = minute % 5 == 0
        if style == "numbers" and hour:
            write(
                pencil,
                (180 + dx * 136, 180 + dy * 136),
                str(minute // 5 or 12),
                ink,
                width=44,
                tallest=34,
            )
        elif style == "dots" and hour:
            x, y = 180 + dx * 148, 180 + dy * 148
            pencil.ellipse((x - 9, y - 9, x + 9, y + 9), fill=lighter(make.case, 0.2))
        elif hour and (style != "quarter" or minute % 15 == 0):
            pencil.line(
                (180 + dx * 128, 180 + dy * 128, 180 + dx * 162, 180 + dy * 162), fill=ink, width=9
            )
        pencil.line(
            (180 + dx * 166, 180 + dy * 166, 180 + dx * 174, 180 + dy * 174), fill=ink, width=2
        )


def _hands(rng: Random, pencil: ImageDraw.ImageDraw, make: Make, ink: Rgb) -> None:
    minutes = rng.uniform(0, 720)
    metal = lighter(make.case, 0.3) if make.dial != WHITE else ink
    hands = (
        (minutes / 720, 84, 12, metal),
        (minutes / 60 % 1, 128, 8, metal),
        (rng.random(), 140, 3, (200, 60, 48)),
    )
    for share, length, width, colour in hands:
        dx, dy = math.sin(share * math.tau), -math.cos(share * math.tau)
        ends = (180 - dx * 20, 180 - dy * 20, 180 + dx * length, 180 + dy * length)
        pencil.line(tuple(value + 4 for value in ends), fill=darker(make.dial, 0.4), width=width)
        pencil.line(ends, fill=colour, width=width)
    pencil.ellipse((169, 169, 191, 191), fill=metal, outline=(40, 40, 44))


def _screen(rng: Random, make: Make) -> Image.Image:
    """The lit screen of a smart watch: the time and three rings or bars."""
    picture = Image.new("RGB", (360, 360), make.dial)
    pencil = ImageDraw.Draw(picture)
    write(
        pencil,
        (180, 110),
        f"{rng.randint(1, 23)}:{rng.randint(0, 59):02}",
        (240, 240, 244),
        width=210,
        tallest=90,
    )
    rings = rng.random() < 0.5
    for step in range(3):
        colour, share = lighter(pick(rng, VIVID), 0.2), rng.uniform(0.3, 0.95)
        if rings:
            x = 100 + step * 80
            pencil.arc((x - 32, 210, x + 32, 274), -90, -90 + 360 * share, fill=colour, width=11)
        else:
            y = 190 + step * 36
            pencil.rounded_rectangle((80, y, 80 + 200 * share, y + 20), 10, fill=colour)
    return picture


def closed(rng: Random, light: Light) -> Cutout:
    """A watch with its strap buckled, standing, seen from the front; the loop shows behind."""
    sheet, make = Cutout(light), Make.drawn(rng)
    width = make.size * rng.uniform(0.54, 0.64)
    high = rng.uniform(0.3, 0.36)
    back = ellipse(0.5, 0.5, width * 0.96, high * 0.93)
    sheet.shape(back, darker(make.strap, 0.62), relief=0.04)
    if rng.random() < 0.5:
        cushion = rng.choice(((214, 204, 190), (70, 68, 72), (160, 60, 56)))
        sheet.shape(ellipse(0.5, 0.5, width * 0.92, high * 0.82), cushion, relief=0.07, depth=0.8)
    rim = Pen(0.5 + width, 0.5 - make.size * 0.86).curve(
        0.5 + width * 1.02, 0.5 - high, 0.5 + width * 0.5, 0.5 - high * 1.02
    )
    rim.line((0.5, 0.5 - high * 1.04))
    outline = mirrored(list(reversed(rim.points)))
    for half in (outline, [(x, 1 - y) for x, y in outline]):
        sheet.shape(half, make.strap, relief=0.03, depth=0.9)
    if make.links:
        _links(
            sheet,
            make,
            width,
            (0.5 - high * 0.98, 0.5 - make.size * 0.9),
            (0.5 + make.size * 0.9, 0.5 + high * 0.98),
        )
    else:
        edge = [(0.5 + width * 0.84, 0.5 - make.size), (0.5 + width * 0.8, 0.5 - high * 0.92)]
        for line in (edge, flipped(edge), turned(edge, 180), turned(flipped(edge), 180)):
            sheet.stitches(line, lighter(make.strap, 0.45))
    _head(rng, sheet, make)
    return sheet

"""Decoding an uploaded picture to RGB, and the copies made from it. Trusts no file name, no
pixel count and no client: the whole picture is decoded before it counts as one.

`classifier/images.py` decodes the same bytes to the same RGB; a test holds the two equal."""

from __future__ import annotations

import io
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.Image import Resampling

from .errors import Rejected

# MPO, which phones write for portraits, is a JPEG with more pictures behind it.
FORMATS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "HEIF": "heic",
}
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8")
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
DAMAGED = "The file is damaged or incomplete; save the photo again."
# What Pillow's decoders raise on damaged input, besides its own UnidentifiedImageError.
DECODING_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError,
    MemoryError, NotImplementedError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
LARGE = 12_500_000
"""Pixels: what a phone takes is not yet; from here on a picture waits its turn."""
DISPLAY_SIDE = 1600
DESK_SIDE = 640
THUMBNAIL_SIDE = 320
THUMBNAIL_MAX_BYTES = 15_000
MOST_SCANS = 50
"""Of a JPEG. A progressive one comes in about ten; each is one more pass over all pixels, however
few bytes it takes."""
MOST_SEGMENTS = 1000
"""Of a JPEG, scans among them. Pillow copies the EXIF it has for every segment that adds to it."""
SCAN, END = b"\xff\xda", b"\xff\xd9"
MARKER = re.compile(rb"\xff[^\x00\x01\xc8\xd0-\xd8\xf0-\xfd\xff]")
"""Those of a JPEG that stand before a segment, and its end."""
MULTI_PROCESS = b"mpet"
"""Marks the multi-process elements of an ICC profile: as many as it likes, each used as often."""
MAX_RATIO = 20
MIN_SIDE = 16
MIN_SIDE_WORDS = f"The picture is smaller than {MIN_SIDE} pixels; send the original photo."

try:
    import pillow_heif
except ImportError:
    HEIC_READABLE = False
else:
    pillow_heif.register_heif_opener()
    HEIC_READABLE = True


_large = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A fully decoded upload."""

    rgb: Image.Image
    format: str
    """File extension without dot, from the content: jpg, png, webp, gif or heic."""


def read(data: bytes, *, max_pixels: int) -> Picture:
    """Decode `data` whole; Rejected with a sentence for the merchant if it is no usable photo."""
    _require_picture_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own bomb warning: the cap below decides
            with Image.open(io.BytesIO(data), formats=_openable()) as opened:
                _require_size(opened, max_pixels)
                opened.seek(0)
                opened.load()
                return Picture(to_rgb(opened), FORMATS[opened.format or "JPEG"])
    except UnidentifiedImageError as error:
        raise Rejected(_unknown(data)) from error
    except Image.DecompressionBombError as error:
        raise Rejected(_too_many_pixels(max_pixels)) from error
    except DECODING_ERRORS as error:
        raise Rejected(DAMAGED) from error


@contextmanager
def in_turn(data: bytes) -> Iterator[None]:
    """Around all the work on one picture. Of large ones, at 12 bytes a pixel and more, this process
    works on one at a time; the next waits."""
    with _large if _pixels(data) > LARGE else nullcontext():
        yield


def _pixels(data: bytes) -> int:
    """As the header has it; 0 of what `read` will refuse."""
    try:
        _require_few_segments(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_openable()) as opened:
                return opened.width * opened.height
    except (Rejected, Image.DecompressionBombError, *DECODING_ERRORS):
        return 0


def _openable() -> list[str]:
    """Pillow's names of the formats; its JPEG reader is the one that opens MPO."""
    without = {"MPO"} if HEIC_READABLE else {"MPO", "HEIF"}
    return [name for name in FORMATS if name not in without]


def format_names() -> str:
    """As people read them."""
    return "JPEG, PNG, WebP, GIF or HEIC" if HEIC_READABLE else "JPEG, PNG, WebP or GIF"


def _unknown(data: bytes) -> str:
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    known = webp or data.startswith(SIGNATURES) or _is_heic(data)
    return DAMAGED if known else f"This is not a {format_names()} photo."


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS


def _require_picture_bytes(data: bytes) -> None:
    if not data:
        raise Rejected("The file is empty.")
    head = data[:1024].lstrip().lower()
    if _is_heic(data):
        if not HEIC_READABLE:
            raise Rejected(
                "HEIC photos cannot be read here. On an iPhone choose Settings › Camera › Formats "
                "› Most Compatible, or export the photo as JPEG."
            )
    elif head.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")):
        raise Rejected("This is a drawing or a web page, not a photo; send a JPEG, PNG or WebP.")
    _require_few_segments(data)


def _require_size(opened: Image.Image, max_pixels: int) -> None:
    width, height = opened.size
    if width * height > max_pixels:
        raise Rejected(_too_many_pixels(max_pixels))
    if min(width, height) < MIN_SIDE:
        raise Rejected(MIN_SIDE_WORDS)
    if max(width, height) > MAX_RATIO * min(width, height):
        raise Rejected("The picture is far too long and thin to show a product.")


def _require_few_segments(data: bytes) -> None:
    """Of a JPEG, before Pillow opens it. What looks like a segment inside another, or behind the
    picture, is none."""
    segments, scans = 0, 0
    marker = MARKER.search(data, 2) if data.startswith(SIGNATURES[0]) else None
    while marker and not (scans and marker[0] == END):
        segments += 1
        scans += marker[0] == SCAN
        if segments > MOST_SEGMENTS or scans > MOST_SCANS:
            raise Rejected("The JPEG is put together from too many pieces; save the photo again.")
        length = int.from_bytes(data[marker.end() : marker.end() + 2])
        behind = marker.end() + (max(length, 2) if marker[0] != END else 0)
        marker = MARKER.search(data, behind)


def _too_many_pixels(max_pixels: int) -> str:
    return f"The picture has more than {max_pixels // 1_000_000} megapixels; send a smaller copy."


def to_rgb(opened: Image.Image) -> Image.Image:
    """8-bit sRGB: EXIF orientation applied, 16 bits scaled to 8, an embedded colour profile
    converted, transparency laid on white."""
    image = _to_srgb(_to_eight_bits(_upright(opened)))
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        page = Image.new("RGB", layer.size, "white")
        page.paste(layer, mask=layer)
        return page
    return image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image  # where nothing is to be turned, Pillow would copy
        return ImageOps.exif_transpose(image)
    except DECODING_ERRORS:
        return image  # damaged EXIF: the pixels are good, show them as they lie


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "I":
        values: np.ndarray[Any, Any] = np.asarray(image)
        values = values // 256 if values.max(initial=0) > 255 else values
        return Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        return Image.fromarray(np.asarray(image).clip(0, 255).astype(np.uint8))
    return image


def _to_srgb(image: Image.Image) -> Image.Image:
    """The profile describes the colours alone: transparency is set aside and laid on again."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    grey, alpha = image.mode in {"L", "LA"}, None
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
    if image.mode != "CMYK":
        image = image.convert("L" if grey else "RGB")
    image = _converted(image, profile)
    if alpha is not None:
        image = image.convert("RGB")
        image.putalpha(alpha)
    return image


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """`image` of mode RGB, L or CMYK as sRGB; a broken or unfitting profile is ignored, and one of
    steps without number: a kilobyte of it can take hours and all memory there is."""
    if MULTI_PROCESS in profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, *DECODING_ERRORS):
        return image
    return cast("Image.Image", converted)


def display_copy(rgb: Image.Image) -> bytes:
    """JPEG of at most DISPLAY_SIDE pixels a side, without any metadata. Not progressive: that would
    save 3% of its bytes, and the worker, which reads it in place of a large photo, would decode it
    in twice the time."""
    copy = rgb.copy()
    copy.thumbnail((DISPLAY_SIDE, DISPLAY_SIDE), Resampling.LANCZOS, reducing_gap=2.0)
    copy.info.clear()
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=86, optimize=True)
    return out.getvalue()


def desk_copy(display: bytes) -> bytes:
    """What the review desk shows of a display copy: JPEG of at most DESK_SIDE pixels a side, which
    a browser fetches and decodes in a fraction of the time."""
    with Image.open(io.BytesIO(display)) as image:
        image.draft("RGB", (DESK_SIDE, DESK_SIDE))
        image.thumbnail((DESK_SIDE, DESK_SIDE), Resampling.BICUBIC, reducing_gap=2.0)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=84)
    return out.getvalue()


def thumbnail_copy(rgb: Image.Image) -> tuple[bytes, int, int]:
    """(WebP of at most 15 KB, width, height)."""
    copy = rgb.copy()
    for side in (THUMBNAIL_SIDE, THUMBNAIL_SIDE * 3 // 4, THUMBNAIL_SIDE // 2):
        copy.thumbnail((side, side), Resampling.LANCZOS, reducing_gap=2.0)
        copy.info.clear()
        for quality in (80, 65, 45, 25, 5):
            out = io.BytesIO()
            copy.save(out, "WEBP", quality=quality, method=4)
            if out.tell() <= THUMBNAIL_MAX_BYTES:
                return out.getvalue(), copy.width, copy.height
    return out.getvalue(), copy.width, copy.height


def difference_hashes(rgb: Image.Image) -> tuple[int, int]:
    """Two signed 64-bit hashes: is each cell of a small grey copy brighter than its left
    neighbour, and than the one above (dHash, Neal Krawetz 2013)."""
    grey = rgb.convert("L")
    across = np.asarray(grey.resize((9, 8), Resampling.BOX), dtype=np.int16)
    down = np.asarray(grey.resize((8, 9), Resampling.BOX), dtype=np.int16)
    return _as_signed(across[:, 1:] > across[:, :-1]), _as_signed(down[1:, :] > down[:-1, :])


def mean_colours(rgb: Image.Image) -> bytes:
    """48 bytes: the mean colours of a 4 × 4 grid, row by row, RGB."""
    return rgb.resize((4, 4), Resampling.BOX).tobytes()


def brightness(colours: bytes) -> int:
    """The mean of `mean_colours`, 0 to 255."""
    return round(sum(colours) / len(colours)) if colours else 0


def _as_signed(bits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), signed=True)


def bands(hash_across: int) -> tuple[int, int, int, int]:
    """The four 16-bit quarters of a hash, for indexed search."""
    value = hash_across & 0xFFFF_FFFF_FFFF_FFFF
    return (value >> 48, value >> 32 & 0xFFFF, value >> 16 & 0xFFFF, value & 0xFFFF)

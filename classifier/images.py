"""Bytes to RGB pixels: the one path photos take, in training and in serving.

`decode` follows these steps, in this order:

1. open, first frame, decode it fully (a truncated file is refused);
2. turn it upright by its EXIF orientation;
3. bring 16-bit, 32-bit and float pixels down to 8 bits;
4. convert an embedded ICC profile that is not sRGB to sRGB (a broken or endless one is ignored);
5. lay transparency on white;
6. convert to RGB.

`to_array` then makes it square, half by cutting and half by stretching: of the longer side it keeps
the middle, as long as the geometric mean of both sides and never less than LEAST_KEPT of it.
docs/training.md has what that is worth.

`load` does both, for the network. Nearly every photo is an upright JPEG without a profile, and of
such a one it takes a short cut: the JPEG is decoded at as many eighths of its size as the network
sees, which the format allows at a fraction of the work, and what is left to shrink, less than
MARGIN times, is interpolated. docs/engines.md has what that saves, and that the answers stay. Other
large JPEGs are decoded at a half, a quarter or an eighth, with both sides MARGIN times what the
network sees.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from classifier.errors import UnreadableImage

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]
MARGIN = 2
LEAST_KEPT = 0.75
MULTI_PROCESS = b"mpet"
"""Marks the multi-process elements of an ICC profile: as many as it likes, each used as often."""
# What decoders raise on damaged input, besides Pillow's own UnidentifiedImageError.
_DECODING_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError,
    MemoryError, NotImplementedError, struct.error, zlib.error,
)  # fmt: skip

try:
    import pillow_heif
except ImportError:  # HEIC is optional: without the package such files are refused by name
    pillow_heif = None
else:
    pillow_heif.register_heif_opener()
    FORMATS.append("HEIF")

cv2.setNumThreads(1)  # photos are read side by side: one of them has nothing to share out


def decode(source: bytes | Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The photo as an upright 8-bit sRGB image of mode RGB; UnreadableImage with the reason."""
    return _rgb(_decoded(_open(_bytes(source), max_pixels)))


def to_array(image: Image.Image, size: int) -> Pixels:
    """The middle of an RGB image, (size, size, 3) uint8 RGB, antialiased."""
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, _middle(*image.size)))


def _middle(width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what the network sees, in pixels."""
    mean = math.sqrt(width * height)
    across, down = (max(min(side, mean), LEAST_KEPT * side) for side in (width, height))
    left, top = (width - across) / 2, (height - down) / 2
    return left, top, left + across, top + down


def load(source: bytes | Path, size: int, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """(size, size, 3) uint8 RGB of bytes or a file; UnreadableImage with the reason."""
    data = _bytes(source)
    image = _open(data, max_pixels)
    pixels = _by_short_cut(data, image, size)
    if pixels is None:
        pixels = to_array(_rgb(_decoded(image, least=MARGIN * size)), size)
    return pixels


def _by_short_cut(data: bytes, image: Image.Image, size: int) -> Pixels | None:
    """What `load` gives of an upright JPEG without a profile; None of other files and of damaged
    ones: Pillow knows what is wrong with them."""
    plain = image.format in ("JPEG", "MPO") and image.mode == "RGB"
    if not plain or image.info.get("icc_profile") or _orientation(image) != 1:
        return None
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data, min_height=size, min_width=size)
        left, top, right, bottom = map(round, _middle(int(width), int(height)))
        if max(right - left, bottom - top) >= MARGIN * size:
            return None  # interpolation looks at neighbours alone and would pass over pixels
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=size, min_width=size)
    except _DECODING_ERRORS:
        return None
    middle = pixels[top:bottom, left:right]
    return np.asarray(cv2.resize(middle, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _bytes(source: bytes | Path) -> bytes:
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"The file cannot be read: {error.strerror or error}.") from error
    if not data:
        raise UnreadableImage("The file is empty.")
    return data


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Not decoded yet, its size checked against the cap."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadableImage(_unknown_format(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImage(_too_large(max_pixels)) from None
    except _DECODING_ERRORS as error:
        raise UnreadableImage(_damaged(error)) from error
    if image.width * image.height > max_pixels:
        raise UnreadableImage(_too_large(max_pixels))
    return image


def _decoded(image: Image.Image, *, least: int | None = None) -> Image.Image:
    """First frame, to its end; a JPEG may come smaller, but no side below `least`."""
    try:
        image.seek(0)
        if least is not None:
            image.draft(None, (least, least))  # JPEG and MPO; other formats ignore it
        image.load()
    except _DECODING_ERRORS as error:
        raise UnreadableImage(_damaged(error)) from error
    return image


def _rgb(image: Image.Image) -> Image.Image:
    try:
        image = _to_srgb(_to_eight_bits(_upright(image)))
        if image.has_transparency_data:
            layer = image if image.mode == "RGBA" else image.convert("RGBA")
            image = Image.new("RGB", layer.size, "white")
            image.paste(layer, mask=layer)
        return image if image.mode == "RGB" else image.convert("RGB")
    except _DECODING_ERRORS as error:
        raise UnreadableImage(_damaged(error)) from error


def _upright(image: Image.Image) -> Image.Image:
    if _orientation(image) == 1:
        return image  # where nothing is to be turned, Pillow would copy
    try:
        return ImageOps.exif_transpose(image)
    except _DECODING_ERRORS:
        return image


def _orientation(image: Image.Image) -> int:
    """By EXIF, 1 for upright; damaged EXIF says nothing, the pixels are shown as they lie."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _DECODING_ERRORS:
        return 1


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "I":
        values: npt.NDArray[Any] = np.asarray(image)
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
    grey, alpha = image.mode in ("L", "LA"), None
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
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(embedded):
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, embedded, target, outputMode="RGB")
    except (ImageCms.PyCMSError, *_DECODING_ERRORS):
        return image
    return converted or image


def _unknown_format(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if start.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")):
        return "This is a web page or drawing, not a photo. Send a JPEG, PNG or WebP."
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "HEIC photos cannot be read here. Send a JPEG."
    return "This is not a photo that can be read. Send a JPEG, PNG or WebP."


def _too_large(max_pixels: int) -> str:
    return f"The photo has more than {max_pixels / 1e6:g} megapixels. Send a smaller copy."


def _damaged(error: BaseException) -> str:
    return f"The file is damaged or cut short ({error}). Send it again."

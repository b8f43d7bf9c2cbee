"""Bytes to RGB pixels: the one path photos take, in training and in serving.

`decode` follows these steps, in this order:

1. open, first frame, decode it fully (a truncated file is refused);
2. turn it upright by its EXIF orientation;
3. bring 16-bit, 32-bit and float pixels down to 8 bits;
4. convert an embedded ICC profile that is not sRGB to sRGB (a broken profile is ignored);
5. lay transparency on white;
6. convert to RGB.

`to_array` then makes it square, half by cutting and half by stretching: of the longer side it keeps
the middle, as long as the geometric mean of both sides and never less than LEAST_KEPT of it.
docs/training.md has what that is worth.

`load` does both, for the network. It has a large JPEG decoded at a half, a quarter or an eighth of
its size, as the format allows at a fraction of the work, where both sides stay MARGIN times what
the network sees.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from classifier.errors import UnreadableImage

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]
MARGIN = 2
LEAST_KEPT = 0.75
# What Pillow's decoders raise on damaged input, besides its own UnidentifiedImageError.
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


def decode(source: bytes | Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The photo as an upright 8-bit sRGB image of mode RGB; UnreadableImage with the reason."""
    return _rgb(_open(_bytes(source), max_pixels))


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
    return to_array(_rgb(_open(_bytes(source), max_pixels, least=MARGIN * size)), size)


def _bytes(source: bytes | Path) -> bytes:
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"The file cannot be read: {error.strerror or error}.") from error
    if not data:
        raise UnreadableImage("The file is empty.")
    return data


def _open(data: bytes, max_pixels: int, *, least: int | None = None) -> Image.Image:
    """First frame, decoded to its end, after its size was checked against the cap; a JPEG may come
    smaller, but no side below `least`."""
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
            page = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(page, image.convert("RGBA"))
        return image if image.mode == "RGB" else image.convert("RGB")
    except _DECODING_ERRORS as error:
        raise UnreadableImage(_damaged(error)) from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image  # where nothing is to be turned, Pillow would copy
        return ImageOps.exif_transpose(image)
    except _DECODING_ERRORS:
        return image  # damaged EXIF: the pixels are good, show them as they lie


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
    """`image` of mode RGB, L or CMYK as sRGB; a broken or unfitting profile is ignored."""
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

"""Every kind of file a merchant may send gives the RGB pixels a person would see, or a reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from classifier.errors import UnreadableImage
from classifier.images import decode, load, to_array
from tests.classifier.factories import encoded, pixels


def photo() -> Image.Image:
    return Image.fromarray(pixels())


def assert_close(image: Image.Image, expected: Image.Image, *, within: float) -> None:
    """Mean difference per channel in 8-bit steps."""
    assert image.mode == "RGB"
    assert image.size == expected.size
    a, b = np.asarray(image, np.int64), np.asarray(expected.convert("RGB"), np.int64)
    assert np.abs(a - b).mean() <= within


@pytest.mark.parametrize(("kind", "within"), [("JPEG", 3), ("PNG", 0), ("WEBP", 6)])
def test_the_common_formats_are_read(kind: str, within: float) -> None:
    assert_close(decode(encoded(photo(), kind)), photo(), within=within)


def test_a_heic_photo_is_read_where_the_package_is_installed() -> None:
    pytest.importorskip("pillow_heif")
    assert_close(decode(encoded(photo(), "HEIF", quality=95)), photo(), within=6)


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(photo(), "PNG"))
    assert_close(decode(path), photo(), within=0)


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    data = encoded(photo().convert("CMYK"), "JPEG", quality=95)
    assert_close(decode(data), photo(), within=4)


def test_a_wide_gamut_profile_is_converted_to_srgb() -> None:
    data = encoded(photo(), "PNG", icc_profile=swapped_primaries())
    red, green, _ = np.asarray(decode(data), np.int64).reshape(-1, 3).mean(axis=0)
    plain_red, plain_green, _ = pixels().reshape(-1, 3).mean(axis=0)
    assert abs(red - plain_green) < abs(red - plain_red) + 40
    assert np.abs(np.asarray(decode(data), np.int64) - pixels()).mean() > 5
    assert np.isfinite(green)


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_close(decode(encoded(photo(), "PNG", icc_profile=profile)), photo(), within=0)


def test_a_broken_profile_is_ignored() -> None:
    data = encoded(photo(), "PNG", icc_profile=b"not a profile")
    assert_close(decode(data), photo(), within=0)


def test_a_16_bit_png_is_scaled_down_to_8_bits() -> None:
    grey = np.asarray(photo().convert("L")).astype(np.uint16) * 256 + 77
    data = encoded(Image.fromarray(grey), "PNG")
    assert_close(decode(data), photo().convert("L"), within=0)


def test_a_greyscale_jpeg_has_three_equal_channels() -> None:
    image = np.asarray(decode(encoded(photo().convert("L"), "JPEG")))
    assert (image[..., 0] == image[..., 1]).all()
    assert (image[..., 0] == image[..., 2]).all()


def test_a_one_bit_png_is_black_and_white() -> None:
    image = decode(encoded(photo().convert("1"), "PNG"))
    assert set(np.unique(np.asarray(image))) <= {0, 255}


def test_a_palette_with_a_transparent_colour_is_laid_on_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 200, 30, 30])
    image.paste(1, (0, 0, 4, 8))
    decoded = decode(encoded(image, "PNG", transparency=0))
    assert decoded.getpixel((0, 0)) == (200, 30, 30)
    assert decoded.getpixel((7, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_is_laid_on_white(kind: str) -> None:
    image = Image.new("RGBA", (8, 8), (200, 30, 30, 0))
    image.paste((200, 30, 30, 255), (0, 0, 4, 8))
    decoded = decode(encoded(image, kind, lossless=True))
    assert decoded.getpixel((0, 0)) == (200, 30, 30)
    assert decoded.getpixel((7, 0)) == (255, 255, 255)


def test_half_transparent_black_on_white_is_grey() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert decode(encoded(image, "PNG")).getpixel((3, 3)) == (127, 127, 127)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_shows_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, **options)
    assert decode(data).getpixel((8, 8)) == (255, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_taken_sideways_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo(), "PNG", exif=exif)
    tagged = Image.open(io.BytesIO(data))
    assert_close(decode(data), ImageOps.exif_transpose(tagged), within=0)
    assert decode(data).size == ((48, 40) if orientation >= 5 else (40, 48))


def test_a_truncated_jpeg_is_refused() -> None:
    data = encoded(photo(), "JPEG", quality=95)
    with pytest.raises(UnreadableImage, match="damaged or cut short"):
        decode(data[: len(data) * 2 // 3])


def test_a_truncated_png_is_refused() -> None:
    data = encoded(photo(), "PNG")
    with pytest.raises(UnreadableImage, match="damaged or cut short"):
        decode(data[: len(data) // 2])


def test_zero_bytes_are_refused() -> None:
    with pytest.raises(UnreadableImage, match="empty"):
        decode(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><img src=x></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><svg/>',
    ],
)
def test_a_web_page_or_drawing_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match="not a photo"):
        decode(data)


@pytest.mark.parametrize("data", [b"hello", b"\xff\xd8\xff", b"%PDF-1.7", bytes(100)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode(data)


def test_a_missing_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="No such file"):
        decode(tmp_path / "gone.jpg")


def test_a_photo_over_the_pixel_cap_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(UnreadableImage, match=r"more than 0.001 megapixels"):
        decode(encoded(photo(), "PNG"), max_pixels=1000)


def test_a_decompression_bomb_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    body = b"IHDR" + header
    chunk = struct.pack(">I", len(header)) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(UnreadableImage, match="megapixels"):
        decode(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT\x35\xaf\x06\x1e")


def test_a_photo_becomes_a_square(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    photo().save(path)
    array = load(path, 32)
    assert array.shape == (32, 32, 3)
    assert array.dtype == np.uint8
    assert (array == to_array(photo(), 32)).all()


@pytest.mark.parametrize(
    ("width", "height", "cut"),
    [
        pytest.param(300, 400, 26, id="halfway to a square"),  # of (400 - sqrt(300 * 400)) / 2
        pytest.param(100, 1000, 125, id="a quarter at the most"),
        pytest.param(200, 200, 0, id="a square stays whole"),
    ],
)
def test_the_middle_of_the_longer_side_is_kept(width: int, height: int, cut: int) -> None:
    def seen(edge: int) -> bool:
        """Whether anything shows of red edges so wide on a white photo."""
        tall = np.full((height, width, 3), 255, np.uint8)
        tall[:edge, :, 1:] = tall[height - edge :, :, 1:] = 0
        arrays = (to_array(Image.fromarray(side), 64) for side in (tall, tall.swapaxes(0, 1)))
        red = {bool((array[..., 1] < 255).any()) for array in arrays}
        assert len(red) == 1, "a wide photo is cut like a tall one"
        return red.pop()

    assert not seen(cut - cut // 4)  # the resampling looks a little beyond the edge
    assert seen(cut + 8)


def jpeg(width: int = 1500, height: int = 2000, *, mode: str = "RGB", **options: Any) -> bytes:
    image = Image.fromarray(pixels(width=width, height=height)).convert(mode)
    return encoded(image, "JPEG", **{"quality": 92} | options)


def assert_looks_the_same(data: bytes, *, within: float = 1) -> None:
    """As the network reads it and as it is when it is decoded whole."""
    whole = to_array(decode(data), 64)
    assert np.abs(load(data, 64).astype(int) - whole).mean() < within


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"mode": "L"}, {"mode": "CMYK"}],
    ids=lambda options: str(options or "baseline"),
)
def test_a_large_jpeg_is_read_smaller_and_looks_the_same(options: dict[str, Any]) -> None:
    assert_looks_the_same(jpeg(**options))


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(400, 533, id="a web shop's"),
        pytest.param(533, 400, id="wide"),
        pytest.param(65, 65, id="hardly larger"),
        pytest.param(40, 48, id="smaller than needed"),
        pytest.param(200, 3000, id="long and narrow"),
    ],
)
def test_a_jpeg_of_any_shape_looks_the_same(width: int, height: int) -> None:
    assert_looks_the_same(jpeg(width, height), within=1.5)


def test_fine_stripes_on_a_long_photo_are_averaged() -> None:
    striped = np.zeros((3000, 200, 3), np.uint8)
    striped[::10] = 255
    read = load(encoded(Image.fromarray(striped), "JPEG", quality=95), 64)
    assert np.ptp(read) < 60, "some stripes were passed over"


def test_a_large_photo_taken_sideways_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert_looks_the_same(jpeg(exif=exif))


def test_the_profile_of_a_large_jpeg_counts() -> None:
    assert_looks_the_same(jpeg(icc_profile=swapped_primaries()))


def test_a_photo_with_a_profile_that_is_not_much_larger_than_needed_is_read_whole() -> None:
    data = jpeg(255, 400, icc_profile=swapped_primaries())
    assert (load(data, 64) == to_array(decode(data), 64)).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_large_jpeg_with_damaged_exif_is_read() -> None:
    assert_looks_the_same(jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))


def test_a_large_truncated_jpeg_is_refused() -> None:
    data = jpeg(quality=95)
    with pytest.raises(UnreadableImage, match="damaged or cut short"):
        load(data[: len(data) * 2 // 3], 64)


def swapped_primaries() -> bytes:
    """An sRGB profile whose red and green primaries have changed places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = data[green : green + 4], data[red : red + 4]
    return bytes(data).replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be"))

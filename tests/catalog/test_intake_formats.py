"""What becomes of each kind of file a merchant may send, with real files of each kind. Intake and
the classifier must see the same pixels."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, features

from catalog import pictures
from catalog.errors import Rejected
from classifier.errors import UnreadableImage
from classifier.images import decode

Pixels = npt.NDArray[np.uint8]
MAX_PIXELS = 50_000_000
SIZE = (96, 64)
RED, WHITE = (220, 30, 40), (255, 255, 255)
SRGB = ImageCms.createProfile("sRGB")


def colours(size: tuple[int, int] = SIZE) -> Image.Image:
    """Soft areas of many colours, that JPEG keeps."""
    coarse = np.random.default_rng(5).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(data: bytes) -> Image.Image:
    return pictures.read(data, max_pixels=MAX_PIXELS).rgb


def refusal(data: bytes, *, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(Rejected) as caught:
        pictures.read(data, max_pixels=max_pixels)
    return str(caught.value)


def corner(image: Image.Image) -> tuple[int, ...]:
    pixel = image.getpixel((2, 2))
    assert isinstance(pixel, tuple)
    return pixel


def png_chunk(kind: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


def wide_gamut_profile() -> bytes:
    """An RGB profile whose red and green are swapped: nobody could take its colours for sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(SRGB).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace(b"s\0R\0G\0B", b"o\0d\0d\0!")


def profile_of_steps(count: int) -> bytes:
    """An RGB profile of so many steps, each of them the same curves, 8 bytes in the file."""
    curve = b"curf\0\0\0\0" + struct.pack(">HH", 1, 0)
    curve += b"parf\0\0\0\0" + struct.pack(">HH4f", 0, 0, 1.7, 1, 0, 0)
    curves = b"cvst\0\0\0\0" + struct.pack(">HH", 3, 3) + struct.pack(">II", 36, 36) * 3 + curve
    place = struct.pack(">II", 16 + 8 * count, len(curves))
    steps = b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, count) + place * count + curves
    srgb = ImageCms.ImageCmsProfile(SRGB).tobytes()
    profile = bytearray(srgb.replace(b"s\0R\0G\0B", b"o\0d\0d\0!"))
    tag = profile.index(b"chrm")
    profile[tag : tag + 12] = b"D2B0" + struct.pack(">II", len(profile), len(steps))
    profile += steps
    profile[:4] = struct.pack(">I", len(profile))
    return bytes(profile)


def cmyk_profile_free(image: Image.Image) -> bytes:
    return encoded(image.convert("CMYK"), "JPEG", quality=95)


def palette_with_transparency() -> bytes:
    flat = Image.new("P", SIZE, 0)
    flat.putpalette([*RED, 0, 0, 255])
    flat.paste(1, (0, 0, 40, 40))
    return encoded(flat, "PNG", transparency=1)


def half_transparent(mode: str) -> Image.Image:
    image = colours().convert(mode)
    image.putalpha(Image.linear_gradient("L").resize(SIZE))
    return image


def animation(kind: str) -> bytes:
    first, second = Image.new("RGB", SIZE, RED), Image.new("RGB", SIZE, (0, 0, 255))
    return encoded(first, kind, save_all=True, append_images=[second], duration=50)


def sixteen_bit_colour_png() -> bytes:
    """Pillow writes none: 16 bits a channel, RGB."""
    row = b"\0" + b"".join(struct.pack(">3H", 60000, 30000, 1000) for _ in range(SIZE[0]))
    head = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(row * SIZE[1]))
    return b"\x89PNG\r\n\x1a\n" + body + png_chunk(b"IEND", b"")


def sixteen_bit_grey_png() -> bytes:
    values = np.linspace(0, 65535, SIZE[0] * SIZE[1]).astype(np.uint16)
    return encoded(Image.fromarray(values.reshape(SIZE[1], SIZE[0])), "PNG")


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(colours(), "JPEG", quality=95, exif=exif)


def with_broken_exif() -> bytes:
    return encoded(colours(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xffbroken")


def portrait_of_a_phone() -> bytes:
    """MPO: two JPEGs in one file."""
    return encoded(colours(), "MPO", save_all=True, append_images=[colours()], quality=95)


GOOD: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(colours(), "JPEG", quality=95),
    "progressive jpeg": lambda: encoded(colours(), "JPEG", progressive=True),
    "grey jpeg": lambda: encoded(colours().convert("L"), "JPEG"),
    "cmyk jpeg": lambda: cmyk_profile_free(colours()),
    "mpo": portrait_of_a_phone,
    "png": lambda: encoded(colours(), "PNG"),
    "grey png": lambda: encoded(colours().convert("L"), "PNG"),
    "1-bit png": lambda: encoded(colours().convert("1"), "PNG"),
    "16-bit grey png": sixteen_bit_grey_png,
    "16-bit colour png": sixteen_bit_colour_png,
    "palette png": lambda: encoded(colours().quantize(32), "PNG"),
    "palette png, one colour transparent": palette_with_transparency,
    "palette png, alpha per colour": lambda: encoded(
        half_transparent("RGB").quantize(32, method=Image.Quantize.FASTOCTREE), "PNG"
    ),
    "rgb png, one colour transparent": lambda: encoded(
        Image.new("RGB", SIZE, RED), "PNG", transparency=RED
    ),
    "rgba png": lambda: encoded(half_transparent("RGB"), "PNG"),
    "la png": lambda: encoded(half_transparent("L"), "PNG"),
    "srgb profile": lambda: encoded(
        colours(), "PNG", icc_profile=ImageCms.ImageCmsProfile(SRGB).tobytes()
    ),
    "foreign profile": lambda: encoded(colours(), "PNG", icc_profile=wide_gamut_profile()),
    "foreign profile in a jpeg": lambda: encoded(
        colours(), "JPEG", quality=95, icc_profile=wide_gamut_profile()
    ),
    "foreign profile with alpha": lambda: encoded(
        half_transparent("RGB"), "PNG", icc_profile=wide_gamut_profile()
    ),
    "foreign profile with a palette": lambda: encoded(
        colours().quantize(32), "PNG", icc_profile=wide_gamut_profile()
    ),
    "profile of another kind in a cmyk jpeg": lambda: encoded(
        colours().convert("CMYK"), "JPEG", icc_profile=wide_gamut_profile()
    ),
    "rgb profile in a grey jpeg": lambda: encoded(
        colours().convert("L"), "JPEG", icc_profile=wide_gamut_profile()
    ),
    "broken profile": lambda: encoded(colours(), "PNG", icc_profile=b"not a profile at all"),
    "broken exif": with_broken_exif,
    "webp": lambda: encoded(colours(), "WEBP", quality=95),
    "webp with alpha": lambda: encoded(half_transparent("RGB"), "WEBP", lossless=True),
    "animated gif": lambda: animation("GIF"),
    "animated webp": lambda: animation("WEBP"),
    "animated png": lambda: animation("PNG"),
    "long and thin": lambda: encoded(colours((1000, 60)), "JPEG"),
    **{f"turned {n}": partial(oriented, n) for n in range(1, 9)},
}

PNG, JPEG, WEBP = (encoded(colours((400, 300)), kind) for kind in ("PNG", "JPEG", "WEBP"))
DAMAGED = {
    "truncated jpeg": JPEG[: len(JPEG) // 2],
    "truncated progressive jpeg": encoded(colours((400, 300)), "JPEG", progressive=True)[:3000],
    "jpeg of a header alone": JPEG[:20],
    "truncated png": PNG[: len(PNG) // 2],
    "png with a wrong checksum": PNG[:40] + bytes(255 - b for b in PNG[40:60]) + PNG[60:],
    "truncated webp": WEBP[: len(WEBP) // 2],
    "gif that is html": b"GIF89a/*<html><script>alert(1)</script>*/=1;" + b" " * 100,
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("name", GOOD)
def test_intake_and_classifier_see_the_same_pixels(name: str) -> None:
    data = GOOD[name]()

    ours, theirs = read(data), decode(data)

    assert (ours.mode, theirs.mode) == ("RGB", "RGB")
    assert ours.size == theirs.size
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_with_what_to_do(name: str) -> None:
    assert refusal(DAMAGED[name]) == pictures.DAMAGED
    with pytest.raises(UnreadableImage):
        decode(DAMAGED[name])


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PPM", "TGA"])
def test_other_picture_formats_are_refused(kind: str) -> None:
    assert refusal(encoded(colours(), kind)) == f"This is not a {pictures.format_names()} photo."


@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.7\n%\xe2\xe3\n1 0 obj <<>> endobj", b"PK\x03\x04 archive", b"hello", b"\0" * 5000],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refusal(data) == f"This is not a {pictures.format_names()} photo."


@pytest.mark.parametrize("heic", [True, False])
def test_a_refusal_names_every_format_that_the_upload_page_offers(
    monkeypatch: pytest.MonkeyPatch, heic: bool
) -> None:
    monkeypatch.setattr(pictures, "HEIC_READABLE", heic)
    offered = "JPEG, PNG, WebP, GIF or HEIC" if heic else "JPEG, PNG, WebP or GIF"
    assert refusal(b"hello") == f"This is not a {offered} photo."


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"") == "The file is empty."


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<?xml version="1.0"?><svg/>',
        b"  \n<!DOCTYPE html><script>alert(1)</script>",
    ],
)
def test_drawings_and_pages_are_refused_by_name(data: bytes) -> None:
    assert "drawing or a web page" in refusal(data)


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    rows = zlib.compress((b"\0" + b"\0" * 2500) * 20_000, 9)
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows)
    bomb += png_chunk(b"IEND", b"")
    assert len(bomb) < 60_000

    assert refusal(bomb) == "The picture has more than 50 megapixels; send a smaller copy."
    with pytest.raises(UnreadableImage):
        decode(bomb)


def progressive(*, scans: int = 0) -> bytes:
    """A JPEG whose last scan is there so many times more."""
    data = encoded(colours().convert("L"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + data[-2:]


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded() -> None:
    assert "too many pieces" in refusal(progressive(scans=pictures.MOST_SCANS))


@pytest.mark.parametrize("hiding", [b"", b"\xff\xd8", b"\xff\xd9", b"\xff\xf0", b"\xff\xc8"])
def test_a_jpeg_of_endless_segments_is_refused_before_it_is_opened(hiding: bytes) -> None:
    """Two million that each add a byte to the EXIF take minutes to open."""
    plain = encoded(colours(), "JPEG")
    more = b"\xff\xe1\x00\x09Exif\0\0a" * pictures.MOST_SEGMENTS

    assert "too many pieces" in refusal(plain[:2] + hiding + more + plain[2:])


def test_what_only_looks_like_scans_does_not_cost_a_good_photo() -> None:
    plain = progressive()
    many = pictures.SCAN * 2 * pictures.MOST_SCANS
    comment = b"\xff\xfe" + struct.pack(">H", len(many) + 2) + many
    decorated = plain[:2] + comment + plain[2:] + many
    assert read(decorated).tobytes() == read(plain).tobytes()


def test_the_pixel_cap_counts_pixels_not_bytes() -> None:
    data = encoded(Image.new("RGB", (1100, 1000)), "PNG")

    assert "more than 1 megapixels" in refusal(data, max_pixels=1_000_000)
    assert pictures.read(data, max_pixels=1_100_000).rgb.size == (1100, 1000)


def test_tiny_and_endless_pictures_are_refused() -> None:
    assert "smaller than 16 pixels" in refusal(encoded(Image.new("RGB", (15, 200)), "PNG"))
    assert "too long and thin" in refusal(encoded(Image.new("RGB", (2000, 90)), "PNG"))


@pytest.mark.parametrize(
    ("kind", "extension"),
    [("JPEG", "jpg"), ("MPO", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif")],
)
def test_the_content_names_the_format(kind: str, extension: str) -> None:
    picture = pictures.read(encoded(colours(), kind), max_pixels=MAX_PIXELS)

    assert picture.format == extension


@pytest.mark.parametrize("name", ["turned 3", "turned 6", "turned 8"])
def test_a_turned_photo_stands_upright(name: str) -> None:
    upright = read(encoded(colours(), "JPEG", quality=95))
    turns = {"turned 3": 180, "turned 6": 270, "turned 8": 90}
    expected = upright.rotate(turns[name], expand=True)

    assert np.array_equal(np.asarray(read(GOOD[name]())), np.asarray(expected))


def test_broken_exif_does_not_cost_a_good_photo() -> None:
    assert np.array_equal(np.asarray(read(with_broken_exif())), np.asarray(read(GOOD["jpeg"]())))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(mode: str) -> None:
    image = Image.new(mode, SIZE)

    assert corner(read(encoded(image, "PNG"))) == WHITE


def test_the_transparent_colour_of_a_palette_lies_on_white() -> None:
    photo = read(palette_with_transparency())

    assert corner(photo) == WHITE
    assert photo.getpixel((80, 50)) == RED


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_counts(kind: str) -> None:
    red, _, blue = corner(read(animation(kind)))

    assert red > 150
    assert blue < 100


def test_sixteen_bits_become_eight() -> None:
    grey = np.asarray(read(sixteen_bit_grey_png()))

    assert grey.min() == 0
    assert grey.max() == 255
    assert corner(read(sixteen_bit_colour_png())) == (234, 117, 3)


def every_alpha_over_every_value() -> Image.Image:
    value, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    return Image.fromarray(np.stack([value, 255 - value, value ^ 85, alpha], -1))


def test_every_transparency_is_laid_on_white_to_the_last_bit() -> None:
    glass = every_alpha_over_every_value()
    white = Image.new("RGBA", glass.size, "white")
    expected = Image.alpha_composite(white, glass).convert("RGB").tobytes()
    for data in (encoded(glass, "PNG"), encoded(glass, "WEBP", lossless=True, exact=True)):
        assert read(data).tobytes() == decode(data).tobytes() == expected


def test_every_value_of_16_bits_is_cut_to_its_upper_eight() -> None:
    values = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    data = encoded(Image.fromarray(values), "PNG")
    expected = Image.fromarray((values // 256).astype(np.uint8)).convert("RGB").tobytes()
    assert read(data).tobytes() == decode(data).tobytes() == expected


def test_values_over_255_of_a_32_bit_picture_are_scaled() -> None:
    values = np.array([[0, 256 * 100], [65535, 256]], dtype=np.int32)

    assert np.asarray(pictures.to_rgb(Image.fromarray(values)))[..., 0].tolist() == [
        [0, 100],
        [255, 1],
    ]


def test_an_srgb_profile_changes_nothing() -> None:
    assert np.array_equal(np.asarray(read(GOOD["srgb profile"]())), np.asarray(colours()))


@pytest.mark.parametrize("name", ["foreign profile", "foreign profile with a palette"])
def test_a_foreign_profile_is_converted(name: str) -> None:
    plain = np.asarray(colours()).astype(int)

    assert np.abs(np.asarray(read(GOOD[name]())).astype(int) - plain).mean() > 10


def test_a_profile_of_steps_without_number_is_ignored() -> None:
    """5,000 of them take minutes and half a gigabyte, in a file of a kilobyte."""
    data = encoded(colours(), "PNG", icc_profile=profile_of_steps(20))

    assert np.array_equal(np.asarray(read(data)), np.asarray(colours()))
    assert np.array_equal(np.asarray(decode(data)), np.asarray(colours()))


def test_a_foreign_profile_keeps_transparency() -> None:
    clear = Image.new("RGBA", SIZE, (10, 200, 30, 0))

    assert corner(read(encoded(clear, "PNG", icc_profile=wide_gamut_profile()))) == WHITE


def test_cmyk_looks_as_it_did() -> None:
    """Adobe's inverted CMYK, which Pillow writes and reads."""
    red, green, blue = corner(read(cmyk_profile_free(Image.new("RGB", SIZE, RED))))

    assert abs(red - RED[0]) < 8
    assert abs(green - RED[1]) < 8
    assert abs(blue - RED[2]) < 8


def test_served_copies_carry_no_metadata_and_nothing_that_was_hidden_in_the_file() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-DESCRIPTION"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    script = b"<script>alert('polyglot')</script>"
    data = encoded(colours(), "JPEG", exif=exif, comment=script) + b"<html>" + script
    assert b"polyglot" in data

    photo = read(data)

    for copy in (pictures.display_copy(photo), pictures.thumbnail_copy(photo)[0]):
        assert b"SECRET" not in copy
        assert b"polyglot" not in copy
        assert b"Exif" not in copy
        opened = Image.open(io.BytesIO(copy))
        assert not opened.getexif()
        assert not opened.info.get("comment")
        assert not opened.info.get("icc_profile")


@pytest.mark.parametrize("size", [(320, 320), (1500, 1000), (40, 640), (20, 20)])
def test_a_thumbnail_has_at_most_15_kb_and_tells_its_size(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)

    data, width, height = pictures.thumbnail_copy(Image.fromarray(noise))

    assert len(data) <= 15_000
    opened = Image.open(io.BytesIO(data))
    assert (opened.format, opened.size) == ("WEBP", (width, height))


def test_the_display_copy_is_a_jpeg_of_at_most_1600_pixels() -> None:
    copy = Image.open(io.BytesIO(pictures.display_copy(Image.new("RGB", (3000, 1500)))))

    assert (copy.format, copy.size) == ("JPEG", (1600, 800))


def test_heic_is_read_where_it_can_be() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    data = encoded(colours(), "HEIF", quality=90)

    picture = pictures.read(data, max_pixels=MAX_PIXELS)

    assert picture.format == "heic"
    assert np.array_equal(np.asarray(picture.rgb), np.asarray(decode(data)))
    assert refusal(data[: len(data) // 2]) == pictures.DAMAGED


def test_where_heic_cannot_be_read_the_answer_says_how_to_send_jpeg(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "HEIC_READABLE", False)

    assert "Most Compatible" in refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200)


def test_this_pillow_can_read_and_write_webp() -> None:
    assert features.check("webp")

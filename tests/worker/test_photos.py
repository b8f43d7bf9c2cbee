"""What a network reads of a stored photo: the photo, or the display copy of a large one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from catalog import intake
from catalog.models import ProductImage
from classifier import images
from tests import factories
from worker import photos

pytestmark = pytest.mark.django_db


def stored(width: int, height: int, *, noise: int) -> ProductImage:
    """A photo of soft colours; with `noise` its file is large."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (6, 6, 3)).astype(np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = random.integers(-noise, noise + 1, (height, width, 1))
    out = io.BytesIO()
    pixels = (smooth + grain).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return intake.add(out.getvalue(), merchant=factories.merchant(), name="a.jpg", sku="A")


def test_a_small_file_is_read_itself_and_a_large_one_by_its_display_copy() -> None:
    small, large = stored(800, 600, noise=0), stored(2400, 1800, noise=12)
    assert large.size > photos.LARGE_BYTES > small.size

    assert photos.source_of(small.file) == small.file
    assert photos.source_of(large.file) == large.display

    read = photos.read(large.file, 224)
    with default_storage.open(large.file) as file:
        whole = images.to_array(images.decode(file.read()), 224)
    assert not isinstance(read, str)
    assert np.abs(read.astype(int) - whole).mean() < 1


def test_a_large_photo_whose_copy_is_gone_or_shows_too_little_is_read_itself() -> None:
    gone, damaged, narrow = (
        stored(2400, 1800, noise=12),
        stored(2500, 1700, noise=12),
        stored(6000, 800, noise=12),
    )
    default_storage.delete(gone.display)
    default_storage.delete(damaged.display)
    default_storage.save(damaged.display, ContentFile(b"no picture"))

    for image in (gone, damaged, narrow):
        assert image.size > photos.LARGE_BYTES
        assert photos.source_of(image.file) == image.file
        assert not isinstance(photos.read(image.file, 224), str)


def test_a_missing_photo_is_said_in_words() -> None:
    image = stored(100, 100, noise=0)
    default_storage.delete(image.file)

    assert "missing on the server" in str(photos.read(image.file, 32))

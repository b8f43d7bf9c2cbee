"""Photos from the storage as pixels, a few at a time in threads."""

from __future__ import annotations

import logging
import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from django.core.files.storage import default_storage
from PIL import Image

from catalog.intake import display_of
from classifier import images
from classifier.errors import UnreadableImage
from classifier.images import Pixels

logger = logging.getLogger(__name__)

THREADS = min(8, os.cpu_count() or 1)
LARGE_BYTES = 1_000_000
SHORT_SIDE = 640


def source_of(file: str) -> str:
    """What a network reads of a stored photo, in training and in serving: the photo itself, or its
    display copy where the photo has more than LARGE_BYTES, as decoding takes its time by the byte.
    A copy with a side under SHORT_SIDE, of a long narrow photo, shows too little of it."""
    copy = display_of(file)
    try:
        if default_storage.size(file) <= LARGE_BYTES:
            return file
        with default_storage.open(copy) as handle, Image.open(handle, formats=["JPEG"]) as picture:
            return copy if min(picture.size) >= SHORT_SIDE else file
    except (OSError, Image.DecompressionBombError):
        return file  # whoever reads it says what is wrong


def path_of(file: str) -> Path:
    """Where what a network reads of a stored photo lies on this host."""
    return Path(default_storage.path(source_of(file)))


def read(file: str, size: int) -> Pixels | str:
    """(size, size, 3) uint8 RGB of a stored photo, or why it cannot be had, for people."""
    try:
        with default_storage.open(source_of(file)) as handle:
            data = handle.read()
        return images.load(data, size)
    except FileNotFoundError:
        return "The photo's file is missing on the server; upload the photo again."
    except UnreadableImage as error:
        return str(error)
    except OSError as error:
        return f"The photo's file cannot be read ({error.strerror or error})."


def read_soon(file: str, size: int) -> Future[Pixels | str]:
    """`read` in another thread."""
    return _readers().submit(read, file, size)


@lru_cache(maxsize=1)
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="decode")

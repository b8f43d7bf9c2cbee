"""Photos from the storage as pixels, a few at a time in threads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.core.files.storage import default_storage

from classifier.errors import UnreadableImage
from classifier.images import Pixels, decode, to_array

logger = logging.getLogger(__name__)

THREADS = min(8, os.cpu_count() or 1)


def path_of(file: str) -> Path:
    """Where a stored photo lies on this host."""
    return Path(default_storage.path(file))


def read(file: str, size: int) -> Pixels | str:
    """(size, size, 3) uint8 RGB of a stored photo, or why it cannot be had, for people."""
    try:
        with default_storage.open(file) as handle:
            data = handle.read()
        return to_array(decode(data), size)
    except FileNotFoundError:
        return "The photo's file is missing on the server; upload the photo again."
    except UnreadableImage as error:
        return str(error)
    except OSError as error:
        return f"The photo's file cannot be read ({error.strerror or error})."


def read_all(files: Sequence[str], size: int) -> Iterator[Pixels | str]:
    """`read` of each, in order."""
    if len(files) == 1:
        yield read(files[0], size)
        return
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        yield from pool.map(lambda file: read(file, size), files)

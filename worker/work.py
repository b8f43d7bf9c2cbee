"""Photos on their way through a network, a few at a time: read, then computed.

Each step runs while others work on other photos: they are decoded in threads of their own, the
network computes in one more, and the database belongs to the thread that claimed them."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from classifier.images import Pixels

from . import photos

logger = logging.getLogger(__name__)

Vector = npt.NDArray[np.float16]
Embed = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float16]]
"""uint8 RGB (N, s, s, 3) to (N, 2048)."""


class Work(ABC):
    """Claimed photos and the network they are for. The steps come in this order, each once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """How long the network was busy with it; known once it is written."""
        self._reads: dict[int, Future[Pixels | str]] = {}
        self._computed: Future[tuple[dict[int, Vector], dict[int, str]]]

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def is_urgent(self) -> bool:
        """Somebody waits for one of them."""

    @property
    @abstractmethod
    def is_suspect(self) -> bool:
        """A photo that may have ended a worker before: nothing else is to be in hand with it."""

    @abstractmethod
    def read(self) -> None:
        """Start decoding."""

    @abstractmethod
    def write(self) -> None:
        """Wait for the network, then write down what came of it."""

    @abstractmethod
    def release(self) -> None:
        """Hand back, unspent, what is not written."""

    @abstractmethod
    def _embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]: ...

    def compute(self) -> None:
        """As soon as it is decoded and the engine is free."""
        self._computed = _engine().submit(self._compute)

    def wait(self) -> None:
        """Until the network is done with it, well or not."""
        futures.wait([self._computed])

    def _read(self, files: Mapping[int, str], size: int) -> None:
        """`files` by image id."""
        self._reads = {pk: photos.read_soon(file, size) for pk, file in files.items()}

    def _compute(self) -> tuple[dict[int, Vector], dict[int, str]]:
        """{image id: embedding} and {image id: why not}."""
        started = time.monotonic()
        reads, self._reads = self._reads, {}
        found = {image_id: read.result() for image_id, read in reads.items()}
        reasons = {image_id: read for image_id, read in found.items() if isinstance(read, str)}
        pixels = {image_id: read for image_id, read in found.items() if not isinstance(read, str)}
        vectors = _embedded(pixels, self._embed)
        self.seconds = time.monotonic() - started
        return vectors, reasons


def _embedded(pixels: dict[int, Pixels], embed: Embed) -> dict[int, Vector]:
    """All in one call; where that fails, one by one, so that only the culprit goes without."""
    if not pixels:
        return {}
    try:
        return dict(zip(pixels, embed(np.stack(list(pixels.values()))), strict=True))
    except Exception:
        logger.exception("a batch could not be embedded", extra={"images": list(pixels)})
    vectors = {}
    for image_id, photo in pixels.items():
        try:
            vectors[image_id] = embed(photo[np.newaxis])[0]
        except Exception:
            logger.exception("a photo could not be embedded", extra={"image": image_id})
    return vectors


@lru_cache(maxsize=1)
def _engine() -> ThreadPoolExecutor:
    """One thread: an engine answers one call at a time."""
    return ThreadPoolExecutor(1, thread_name_prefix="engine")

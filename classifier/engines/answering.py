"""What all engines do alike: batches of fixed shapes, and answers from embeddings. numpy only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from classifier.engines import batch_plan
from classifier.feature_files import EMBEDDING_SIZE


def in_batches(
    images: npt.NDArray[np.uint8], size: int, infer: Callable[[npt.NDArray[np.uint8]], Any]
) -> npt.NDArray[np.float16]:
    """`infer` of uint8 RGB (N, size, size, 3) in batches of the planned shapes, filled up with
    zeros: float16 (N, 2048); any N, also 0."""
    if images.shape[1:] != (size, size, 3):
        raise ValueError(f"expected (N, {size}, {size}, 3) pixels, got {images.shape}")
    embeddings = np.empty((len(images), EMBEDDING_SIZE), np.float16)
    start = 0
    for shape in batch_plan(len(images)):
        batch = images[start : start + shape]
        if len(batch) < shape:
            batch = np.pad(batch, ((0, shape - len(batch)), (0, 0), (0, 0), (0, 0)))
        embeddings[start : start + shape] = infer(batch)[: len(images) - start]
        start += shape
    return embeddings


class Embedder(Protocol):
    """A backbone that can be asked."""

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]: ...

    def warm(self) -> None: ...


E = TypeVar("E", bound=Embedder)


class Answering(ABC, Generic[E]):
    """A version ready to answer: a backbone, classes and calibration; the head is the engine's own.

    The head reads the embeddings as they are stored (float16), so that a photo's answer is the same
    from its pixels and from its embedding.
    """

    def __init__(self, embedder: E, classes: tuple[str, ...], temperature: float) -> None:
        self.embedder = embedder
        self.classes = classes
        self.temperature = temperature

    def predict(
        self, images: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float16]]:
        """uint8 RGB (N, s, s, 3) to calibrated probabilities (N, C) and embeddings (N, 2048)."""
        embeddings = self.embed(images)
        return self.predict_embeddings(embeddings), embeddings

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """uint8 RGB (N, s, s, 3) to float16 embeddings (N, 2048)."""
        return self.embedder.embed(images)

    def predict_embeddings(self, embeddings: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        """float16 embeddings (N, 2048) to calibrated probabilities (N, C)."""
        if len(embeddings) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        return self._calibrated(embeddings)

    def warm(self) -> None:
        """Run every batch shape once, so that the first photo does not wait for it."""
        self.embedder.warm()
        self.predict_embeddings(np.zeros((1, EMBEDDING_SIZE), np.float16))

    @abstractmethod
    def _calibrated(self, embeddings: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        """The head and the softmax, of at least one row."""

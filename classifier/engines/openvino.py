"""The engine for CPU hosts: a backbone exported to OpenVINO, and the head in numpy."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

from classifier.engines import BATCH_SHAPES, batch_plan
from classifier.errors import EngineError
from classifier.evaluation import softmax
from classifier.feature_files import EMBEDDING_SIZE
from classifier.head import Head

_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    # The precision is what the export says. Without this a CPU with bfloat16 would round where the
    # CPU that wrote the report did not.
    "INFERENCE_PRECISION_HINT": "f32",
    # A worker decodes at the same time and shares its host with others: threads may move.
    "ENABLE_CPU_PINNING": False,
}


class Embedder:
    """An exported backbone, compiled for this CPU. Threads wait for each other: one may warm up a
    new head on it while another still answers with the old one."""

    def __init__(self, model: Path | Any, *, sha256: str, image_size: int, precision: str) -> None:
        """`model` is the path of an .xml file or an openvino.Model; EngineError if it cannot run
        here."""
        self.sha256 = sha256
        self.image_size = image_size
        self.precision = precision
        try:
            compiled = ov.Core().compile_model(model, "CPU", _SETTINGS)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot run {model}: {_first_line(error)} Set CLASSIFIER_ENGINE=keras."
            ) from error
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """uint8 RGB (N, s, s, 3) to float16 (N, 2048); any N, also 0."""
        size = self.image_size
        if images.shape[1:] != (size, size, 3):
            raise ValueError(f"expected (N, {size}, {size}, 3) pixels, got {images.shape}")
        embeddings = np.empty((len(images), EMBEDDING_SIZE), np.float16)
        start = 0
        for shape in batch_plan(len(images)):
            batch = images[start : start + shape]
            if len(batch) < shape:
                missing = ((0, shape - len(batch)), (0, 0), (0, 0), (0, 0))
                batch = np.pad(batch, missing)
            with self._lock:
                answer = self._request.infer([np.ascontiguousarray(batch)], share_inputs=True)[0]
            embeddings[start : start + shape] = answer[: len(images) - start]
            start += shape
        return embeddings

    def warm(self) -> None:
        """Every shape is compiled when it first comes; no other ever comes."""
        for shape in BATCH_SHAPES:
            self.embed(np.zeros((shape, self.image_size, self.image_size, 3), np.uint8))


class Classifier:
    """A version ready to answer: exported backbone, head, classes and calibration.

    The head reads the embeddings as they are stored (float16), so that a photo's answer is the same
    from its pixels and from its embedding.
    """

    def __init__(
        self, embedder: Embedder, head: Head, classes: tuple[str, ...], temperature: float
    ) -> None:
        self.embedder = embedder
        self.head = head
        self.classes = classes
        self.temperature = temperature

    @property
    def name(self) -> str:
        return f"OpenVINO {self.embedder.precision}"

    @property
    def image_size(self) -> int:
        return self.embedder.image_size

    @property
    def backbone_sha256(self) -> str:
        return self.embedder.sha256

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
        logits = self.head.logits(embeddings)
        answer: npt.NDArray[np.float32] = softmax(logits / self.temperature).astype(np.float32)
        return answer

    def warm(self) -> None:
        """Run every batch shape once, so that the first photo does not wait for it."""
        self.embedder.warm()
        self.predict_embeddings(np.zeros((1, EMBEDDING_SIZE), np.float16))


def _first_line(error: RuntimeError) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__

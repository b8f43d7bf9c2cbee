"""The engine for CPU hosts: a backbone exported to OpenVINO, and the head in numpy."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

from classifier.engines import BATCH_SHAPES
from classifier.engines.answering import Answering, in_batches
from classifier.errors import EngineError
from classifier.evaluation import softmax
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
        return in_batches(images, self.image_size, self._infer)

    def warm(self) -> None:
        """Every shape is compiled when it first comes; no other ever comes."""
        for shape in BATCH_SHAPES:
            self.embed(np.zeros((shape, self.image_size, self.image_size, 3), np.uint8))

    def _infer(self, batch: npt.NDArray[np.uint8]) -> Any:
        with self._lock:
            return self._request.infer([np.ascontiguousarray(batch)], share_inputs=True)[0]


class Classifier(Answering[Embedder]):
    """With the head in numpy."""

    def __init__(
        self, embedder: Embedder, head: Head, classes: tuple[str, ...], temperature: float
    ) -> None:
        super().__init__(embedder, classes, temperature)
        self.head = head

    @property
    def name(self) -> str:
        return f"OpenVINO {self.embedder.precision}"

    @property
    def image_size(self) -> int:
        return self.embedder.image_size

    @property
    def backbone_sha256(self) -> str:
        return self.embedder.sha256

    def _calibrated(self, embeddings: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        logits = self.head.logits(embeddings)
        answer: npt.NDArray[np.float32] = softmax(logits / self.temperature).astype(np.float32)
        return answer


def _first_line(error: RuntimeError) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__

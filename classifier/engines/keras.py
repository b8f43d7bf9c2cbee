"""The reference engine: Keras through compiled TensorFlow functions of fixed batch shapes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier.engines import BATCH_SHAPES
from classifier.engines.answering import Answering, in_batches
from classifier.network import EMBEDDING_SIZE, Backbone


class Embedder:
    """A backbone compiled once per batch shape. `predict()` in a loop leaks; this does not.

    The backbone's network is asked for when the first photo comes: a run whose photos are all known
    needs none. `xla` pays on a GPU. On a CPU it takes as long per batch and much longer to start.
    """

    def __init__(self, backbone: Backbone, *, xla: bool = False) -> None:
        self.backbone = backbone
        self._xla = xla
        self._compiled: dict[int, Any] = {}

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """uint8 RGB (N, s, s, 3) to float16 (N, 2048); any N, also 0."""
        return in_batches(
            images,
            self.backbone.image_size,
            lambda batch: self._of_shape(len(batch))(tf.constant(batch)).numpy(),
        )

    def warm(self) -> None:
        size = self.backbone.image_size
        for shape in BATCH_SHAPES:
            self._of_shape(shape)(tf.zeros((shape, size, size, 3), tf.uint8))

    @cached_property
    def _traced(self) -> Any:
        model = self.backbone.model

        def embed(images: Any) -> Any:
            return tf.cast(model(tf.cast(images, tf.float32), training=False), tf.float16)

        return tf.function(embed, jit_compile=self._xla)

    def _of_shape(self, shape: int) -> Any:
        """Compiled on first use."""
        if shape not in self._compiled:
            size = self.backbone.image_size
            pixels = tf.TensorSpec((shape, size, size, 3), tf.uint8)
            self._compiled[shape] = self._traced.get_concrete_function(pixels)
        return self._compiled[shape]


class Classifier(Answering[Embedder]):
    """With the head in Keras. One thread at a time."""

    def __init__(
        self, embedder: Embedder, head: Any, classes: tuple[str, ...], temperature: float
    ) -> None:
        super().__init__(embedder, classes, temperature)

        def calibrated(embeddings: Any) -> Any:
            logits = head(tf.cast(embeddings, tf.float32), training=False)
            return tf.nn.softmax(logits / temperature)

        spec = tf.TensorSpec((None, EMBEDDING_SIZE), tf.float16)
        self._compiled = tf.function(calibrated, input_signature=[spec])

    @property
    def name(self) -> str:
        policy = self.embedder.backbone.model.get_layer("resnet50").dtype_policy
        return f"Keras {policy.compute_dtype}"

    @property
    def image_size(self) -> int:
        return self.embedder.backbone.image_size

    @property
    def backbone_sha256(self) -> str:
        return self.embedder.backbone.sha256

    def _calibrated(self, embeddings: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        answer: npt.NDArray[np.float32] = self._compiled(tf.constant(embeddings)).numpy()
        return answer

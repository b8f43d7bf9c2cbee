"""The reference engine: Keras through compiled TensorFlow functions of fixed batch shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier.engines import BATCH_SHAPES, batch_plan
from classifier.network import EMBEDDING_SIZE, Backbone


class Embedder:
    """A backbone compiled once per batch shape. `predict()` in a loop leaks; this does not.

    `xla` pays on a GPU. On a CPU it takes as long per batch and much longer to start.
    """

    def __init__(self, backbone: Backbone, *, xla: bool = False) -> None:
        self.backbone = backbone
        model = backbone.model

        def embed(images: Any) -> Any:
            return tf.cast(model(tf.cast(images, tf.float32), training=False), tf.float16)

        self._traced = tf.function(embed, jit_compile=xla)
        self._compiled: dict[int, Any] = {}

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """uint8 RGB (N, s, s, 3) to float16 (N, 2048); any N, also 0."""
        size = self.backbone.image_size
        if images.shape[1:] != (size, size, 3):
            raise ValueError(f"expected (N, {size}, {size}, 3) pixels, got {images.shape}")
        embeddings = np.empty((len(images), EMBEDDING_SIZE), np.float16)
        start = 0
        for shape in batch_plan(len(images)):
            batch = images[start : start + shape]
            padded = np.zeros((shape, size, size, 3), np.uint8)
            padded[: len(batch)] = batch
            answer = self._of_shape(shape)(tf.constant(padded))
            embeddings[start : start + len(batch)] = answer.numpy()[: len(batch)]
            start += len(batch)
        return embeddings

    def warm(self) -> None:
        size = self.backbone.image_size
        for shape in BATCH_SHAPES:
            self._of_shape(shape)(tf.zeros((shape, size, size, 3), tf.uint8))

    def _of_shape(self, shape: int) -> Any:
        """Compiled on first use: a run whose photos are all known needs none of them."""
        if shape not in self._compiled:
            size = self.backbone.image_size
            pixels = tf.TensorSpec((shape, size, size, 3), tf.uint8)
            self._compiled[shape] = self._traced.get_concrete_function(pixels)
        return self._compiled[shape]


class Classifier:
    """A version ready to answer: backbone, head, classes and calibration. One thread at a time.

    The head reads the embeddings as they are stored (float16), so that a photo's answer is the same
    from its pixels and from its embedding.
    """

    def __init__(
        self, embedder: Embedder, head: Any, classes: tuple[str, ...], temperature: float
    ) -> None:
        self.embedder = embedder
        self.classes = classes
        self.temperature = temperature

        def calibrated(embeddings: Any) -> Any:
            logits = head(tf.cast(embeddings, tf.float32), training=False)
            return tf.nn.softmax(logits / temperature)

        spec = tf.TensorSpec((None, EMBEDDING_SIZE), tf.float16)
        self._calibrated = tf.function(calibrated, input_signature=[spec])

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
        answer: npt.NDArray[np.float32] = self._calibrated(tf.constant(embeddings)).numpy()
        return answer

    def warm(self) -> None:
        """Run every batch shape once, so that the first photo does not wait for it."""
        self.embedder.warm()
        self.predict_embeddings(np.zeros((1, EMBEDDING_SIZE), np.float16))

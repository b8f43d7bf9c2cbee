"""The network: a ResNet50 backbone and the head on top of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from classifier.errors import WeightsError
from classifier.feature_files import EMBEDDING_SIZE as EMBEDDING_SIZE
from classifier.weights import ARCHITECTURE as ARCHITECTURE
from classifier.weights import Weights


@dataclass(frozen=True)
class Backbone:
    """A ResNet50 without its top.

    `model` maps float32 (N, image_size, image_size, 3) RGB 0–255 to float32 (N, 2048); the
    preprocessing (BGR, mean-subtracted) is part of it. `source` names the pretrained weights it
    came from; `sha256` identifies its weights and image size together.
    """

    model: Any  # keras.Model
    image_size: int
    source: str
    sha256: str

    @property
    def base(self) -> Any:
        """The keras.applications ResNet50 inside, whose layers are frozen and unfrozen."""
        return self.model.get_layer("resnet50")


class UnopenedBackbone(Backbone):
    """A stored backbone whose network is built when its model is first asked for: a quick run whose
    photos are all known never does."""

    def __init__(
        self, sha256: str, image_size: int, source: str, opened: Callable[[], Backbone]
    ) -> None:
        for name, value in (("sha256", sha256), ("image_size", image_size), ("source", source)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_opened", opened)

    def __getattr__(self, name: str) -> Any:
        """Called for what is not set yet: the model, once."""
        if name != "model":
            raise AttributeError(name)
        model = self._opened().model
        object.__setattr__(self, "model", model)
        return model


def build_backbone(weights_path: Path | None, image_size: int) -> Any:
    """The Keras model of a Backbone; random where `weights_path` is None.

    WeightsError if the file is not a ResNet50's.
    """
    try:
        base = keras.applications.ResNet50(
            include_top=False,
            weights=None if weights_path is None else str(weights_path),
            pooling="avg",
            input_shape=(image_size, image_size, 3),
            name="resnet50",
        )
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            f"{weights_path} does not hold the weights of a ResNet50 without its top: {error}"
        ) from error
    rgb = keras.Input((image_size, image_size, 3), name="rgb")
    prepared = keras.applications.resnet50.preprocess_input(rgb)
    # training=False keeps batch normalisation in inference mode, also while fine-tuning.
    return keras.Model(rgb, base(prepared, training=False), name="backbone")


def load_backbone(weights: Weights, *, image_size: int | None = None) -> Backbone:
    """The pretrained backbone, at `image_size` or the size its weights learned at."""
    size = image_size or weights.image_size
    return identified(build_backbone(weights.path, size), size, weights.source)


def identified(model: Any, image_size: int, source: str) -> Backbone:
    """The model as a Backbone, with the checksum of its weights."""
    digest = hashlib.sha256(f"{ARCHITECTURE} {image_size}".encode())
    for name, array in named_weights(model):
        digest.update(f"{name} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array, np.float32).tobytes())
    return Backbone(model, image_size, source, digest.hexdigest())


def named_weights(model: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Each weight with its path, in the model's fixed order."""
    for weight in model.weights:
        yield weight.path, np.asarray(weight)


def copy_backbone(backbone: Backbone) -> Backbone:
    """The same weights in a model of its own, so that training leaves the original alone."""
    model = build_backbone(None, backbone.image_size)
    model.set_weights(backbone.model.get_weights())
    return Backbone(model, backbone.image_size, backbone.source, backbone.sha256)


def build_head(classes: int, *, units: int, dropout: float, room: bool = False) -> Any:
    """Dense ReLU, dropout, dense: float32 (N, 2048) embeddings to (N, classes) logits.

    Softmax is applied outside, with the temperature; the loss takes logits for accuracy's sake.
    With `room`, what a photo looks like raises the logits of chosen others, by a kernel that does
    not learn (`inheritance.make_room`).
    """
    embedding = keras.Input((EMBEDDING_SIZE,), name="embedding")
    hidden = keras.layers.Dense(units, activation="relu", name="hidden")(embedding)
    kept = keras.layers.Dropout(dropout, name="dropout")(hidden)
    logits = keras.layers.Dense(classes, name="logits")(kept)
    if room:
        shares = keras.layers.Softmax(name="shares")(logits)
        raising = keras.layers.Dense(classes, use_bias=False, trainable=False, name="room")
        logits = keras.layers.Add(name="raised")([logits, raising(shares)])
    return keras.Model(embedding, logits, name="head")


def unfreeze_from(backbone: Backbone, prefix: str) -> int:
    """Let every layer from the first whose name starts with `prefix` learn; how many can.

    Batch normalisation stays frozen. ValueError if no layer has that name.
    """
    layers = backbone.base.layers
    starts = [index for index, layer in enumerate(layers) if layer.name.startswith(prefix)]
    if not starts:
        raise ValueError(f"ResNet50 has no layer named {prefix}…; use for example conv5_block1.")
    backbone.model.trainable = True
    for index, layer in enumerate(layers):
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = index >= starts[0] and not normalises
    return sum(1 for layer in layers if layer.trainable and layer.weights)

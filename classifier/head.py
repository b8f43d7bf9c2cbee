"""A head without Keras: its layers in numpy, read from the file that Keras wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from classifier.errors import StoreError
from classifier.evaluation import softmax
from classifier.feature_files import EMBEDDING_SIZE

Floats = npt.NDArray[np.float32]

ROOM = "layers/dense_2/vars/0"


@dataclass(frozen=True)
class Head:
    """What `network.build_head` builds, in inference: dropout does nothing there."""

    hidden_kernel: Floats
    hidden_bias: Floats
    logits_kernel: Floats
    logits_bias: Floats
    room: Floats | None = None
    """(C, C): how much a photo that looks like the row's category gains for the column's."""

    @property
    def weights(self) -> list[Floats]:
        """As the Keras model has them."""
        return [array for array in vars(self).values() if array is not None]

    @classmethod
    def of(cls, model: Any) -> Self:
        """The same head as a Keras model."""
        return cls(*(np.asarray(array) for array in model.get_weights()))

    @classmethod
    def read(cls, path: Path, *, units: int, classes: int) -> Self:
        """From `head.weights.h5`; StoreError if it holds another network."""
        shapes = [(EMBEDDING_SIZE, units), (units,), (units, classes), (classes,)]
        try:
            with h5py.File(path) as file:
                arrays = [
                    np.asarray(file[f"layers/{layer}/vars/{place}"], np.float32)
                    for layer in ("dense", "dense_1")
                    for place in (0, 1)
                ]
                if ROOM in file:
                    arrays.append(np.asarray(file[ROOM], np.float32))
                    shapes.append((classes, classes))
        except (OSError, KeyError) as error:
            raise StoreError(f"{path} does not fit the network: {error}") from error
        found = [array.shape for array in arrays]
        if found != shapes:
            raise StoreError(f"{path} does not fit the network: {found} where {shapes} belong.")
        return cls(*arrays)

    def logits(self, embeddings: npt.NDArray[np.float16]) -> Floats:
        """(N, 2048) to (N, classes)."""
        return self.of_hidden(self.hidden(embeddings))

    def hidden(self, embeddings: npt.NDArray[np.float16]) -> Floats:
        """(N, 2048) to the activations (N, units) between the two layers."""
        activations: Floats = np.maximum(
            embeddings.astype(np.float32) @ self.hidden_kernel + self.hidden_bias, 0
        )
        return activations

    def of_hidden(self, activations: Floats) -> Floats:
        """Activations (N, units) to logits (N, classes)."""
        dense = self._dense(activations)
        return dense if self.room is None else dense + _shares(dense) @ self.room

    def shares(self, activations: Floats) -> Floats:
        """How much a photo looks like each category, (N, classes): by these it has its `room`."""
        return _shares(self._dense(activations))

    def _dense(self, activations: Floats) -> Floats:
        dense: Floats = activations @ self.logits_kernel + self.logits_bias
        return dense


def _shares(logits: Floats) -> Floats:
    return softmax(logits).astype(np.float32)

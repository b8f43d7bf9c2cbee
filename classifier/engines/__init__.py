"""Engines give the same answers at different speeds."""

from typing import Protocol

import numpy as np
import numpy.typing as npt


class Engine(Protocol):
    """What a worker needs of a loaded version. `classes` are category slugs, in column order."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def image_size(self) -> int: ...

    @property
    def backbone_sha256(self) -> str: ...

    @property
    def temperature(self) -> float: ...

    def predict(
        self, images: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float16]]:
        """uint8 RGB (N, s, s, 3) to calibrated probabilities (N, C) and embeddings (N, 2048)."""
        ...

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """uint8 RGB (N, s, s, 3) to embeddings (N, 2048)."""
        ...

    def predict_embeddings(self, embeddings: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        """Embeddings (N, 2048) to calibrated probabilities (N, C)."""
        ...

    def warm(self) -> None:
        """Compile every batch shape, so that the first photo does not wait for it."""
        ...

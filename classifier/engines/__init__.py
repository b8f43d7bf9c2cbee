"""Engines give the same answers at different speeds: Keras, the reference, and OpenVINO.

Neither is imported here. A process that serves with OpenVINO never loads TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from classifier.errors import EngineError

AUTO, KERAS, OPENVINO = "auto", "keras", "openvino"
ENGINES = (AUTO, KERAS, OPENVINO)

BATCH_SHAPES = (1, 8, 32)
# Without one of these TensorFlow sees no GPU, and need not be loaded to be asked.
_GPU_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


# OpenVINO and NNCF report their use to their makers, unless this package of theirs is not there.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # forbids the import


class Engine(Protocol):
    """What a worker needs of a loaded version. `classes` are category slugs, in column order."""

    @property
    def name(self) -> str:
        """Engine and precision for people, such as "OpenVINO int8"."""
        ...

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


def batch_plan(count: int) -> list[int]:
    """The batch shapes that together hold `count` images with little padding.

    >>> batch_plan(41)
    [32, 8, 1]
    """
    plan = []
    while count > 0:
        shape = 32 if count > 24 else 8 if count > 2 else 1
        plan.append(shape)
        count -= shape
    return plan


def choose(setting: str) -> str:
    """`keras` or `openvino`: `auto` is Keras where TensorFlow sees a GPU, else OpenVINO.

    EngineError if `setting` names no engine.
    """
    if setting not in ENGINES:
        known = ", ".join(ENGINES)
        raise EngineError(f"There is no engine {setting!r}. Set CLASSIFIER_ENGINE to {known}.")
    if setting == AUTO:
        return KERAS if has_gpu() else OPENVINO
    return setting


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU; it is loaded only where a device hints at one."""
    if not any(device.exists() for device in _GPU_DEVICES):
        return False
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))

"""The Adam optimizer on numpy arrays (Kingma & Ba 2015), for heads too small to need Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FADING, FADING_OF_SQUARES = 0.9, 0.999
LEAST = 1e-8


class Adam:
    """Remembers the slopes of one array of values."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._mean, self._square = np.zeros_like(values), np.zeros_like(values)
        self._steps = 0

    def change(self, slope: npt.NDArray[Any], rate: Any) -> npt.NDArray[Any]:
        """What to take off the values at this step; `rate` is one number or one for each."""
        self._steps += 1
        self._mean = FADING * self._mean + (1 - FADING) * slope
        self._square = FADING_OF_SQUARES * self._square + (1 - FADING_OF_SQUARES) * slope**2
        size = np.sqrt(self._square / (1 - FADING_OF_SQUARES**self._steps)) + LEAST
        change: npt.NDArray[Any] = rate * self._mean / (1 - FADING**self._steps) / size
        return change

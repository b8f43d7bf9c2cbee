"""Weights between those that fine-tuning began with and those it came to.

On the straight line between the two, networks answer unseen photos better than at either end
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from classifier.features import Progress

MIXING = "mixing"
Weights = list[npt.NDArray[np.float32]]


def weights_of(model: Any) -> Weights:
    """Copies of the trainable weights."""
    return [np.array(variable) for variable in model.trainable_variables]


def interpolate(
    model: Any, began: Weights, validation: Any, *, between: int, progress: Progress
) -> float:
    """Leave in `model` the weights with the least loss on `validation` of `began`, its own, and
    `between` mixtures of the two at equal distances.

    Comes to the share of its own that they have, 0 to 1; of equal losses to the smaller share, so
    that training which gains nothing changes nothing.
    """
    ended = weights_of(model)
    shares: list[float] = np.linspace(0.0, 1.0, between + 2).tolist()
    steps = len(shares) * len(validation)
    done = 0

    def judged(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras names them
        nonlocal done
        done += 1
        progress(MIXING, done, steps)

    reporting = keras.callbacks.LambdaCallback(on_test_batch_end=judged)
    losses = {}
    for share in shares:
        _set(model, began, ended, share)
        found = model.evaluate(validation, callbacks=[reporting], verbose=0, return_dict=True)
        losses[share] = found["loss"]
    best = min(shares, key=lambda share: float(losses[share]))
    _set(model, began, ended, best)
    return best


def _set(model: Any, began: Weights, ended: Weights, share: float) -> None:
    for variable, a, b in zip(model.trainable_variables, began, ended, strict=True):
        variable.assign(a if share == 0.0 else a + np.float32(share) * (b - a))

"""Of the weights between two ends, those that answer the validation photos best are taken."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from classifier.features import silent
from classifier.interpolation import MIXING, interpolate, weights_of

SAMPLES, BATCH = 40, 16
BATCHES = 3


@pytest.fixture
def model() -> Any:
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def data(weights: list[Any]) -> Any:
    """Batches to which exactly these weights answer right."""
    inputs = np.random.default_rng(0).normal(size=(SAMPLES, 3)).astype(np.float32)
    right = inputs @ weights[0] + weights[1]
    return tf.data.Dataset.from_tensor_slices((inputs, right)).batch(BATCH)


def ends() -> tuple[list[Any], list[Any]]:
    generator = np.random.default_rng(1)
    began, ended = (
        [generator.normal(size=(3, 1)).astype(np.float32), np.full(1, n, np.float32)]
        for n in range(2)
    )
    return began, ended


def mixed(share: float) -> list[Any]:
    return [a + np.float32(share) * (b - a) for a, b in zip(*ends(), strict=True)]


@pytest.mark.parametrize("right", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_mixture_that_answers_best_is_left_in_the_model(model: Any, right: float) -> None:
    began, ended = ends()
    model.set_weights(ended)

    share = interpolate(model, began, data(mixed(right)), between=3, progress=silent)

    assert share == right
    for left, wanted in zip(model.get_weights(), mixed(right), strict=True):
        np.testing.assert_allclose(left, wanted, atol=1e-6)


def test_with_none_between_it_is_the_better_end(model: Any) -> None:
    began, ended = ends()
    model.set_weights(ended)

    assert interpolate(model, began, data(mixed(0.4)), between=0, progress=silent) == 0.0
    for left, wanted in zip(model.get_weights(), began, strict=True):
        assert (left == wanted).all()


def test_training_that_changed_nothing_keeps_a_share_of_nothing(model: Any) -> None:
    began = weights_of(model)

    assert interpolate(model, began, data(mixed(0.5)), between=3, progress=silent) == 0.0


def test_it_can_be_stopped_and_tells_how_far_it_is(model: Any) -> None:
    began, ended = ends()
    model.set_weights(ended)
    seen: list[tuple[str, int, int]] = []

    def progress(phase: str, done: int, total: int, message: str = "") -> None:
        seen.append((phase, done, total))
        if done == 2 * BATCHES:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interpolate(model, began, data(mixed(0.5)), between=3, progress=progress)

    assert seen == [(MIXING, n, 5 * BATCHES) for n in range(1, 2 * BATCHES + 1)]

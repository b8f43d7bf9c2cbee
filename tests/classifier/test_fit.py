"""What fine-tuning adds to a fit: the learning rate falls from epoch to epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from classifier.features import silent
from classifier.fit import FINE_TUNE, HEAD, Fit, History
from classifier.recipe import Recipe

STEPS = 6


class Batches:
    """The same `STEPS` batches of four in each epoch."""

    epoch = 0
    batches = STEPS

    def __call__(self) -> Iterator[tuple[Any, Any, Any]]:
        generator = np.random.default_rng(0)
        for _ in range(STEPS):
            inputs = generator.normal(size=(4, 3)).astype(np.float32)
            yield inputs, inputs.sum(axis=1, keepdims=True), np.ones(4, np.float32)


def model(optimizer: Any) -> Any:
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    made.compile(optimizer, "mse")
    return made


def data() -> Any:
    signature = (tf.TensorSpec((4, 3)), tf.TensorSpec((4, 1)), tf.TensorSpec(4))
    batches = tf.data.Dataset.from_generator(Batches(), output_signature=signature)
    return batches.apply(tf.data.experimental.assert_cardinality(STEPS))


def fit(phase: str, epochs: int, made: Any, *, plateau: int = 9) -> History:
    recipe = Recipe(plateau_patience=plateau, plateau_factor=0.5)
    history, _ = Fit(phase, epochs, 9, recipe, None, None, silent).run(
        made, Batches(), data(), None
    )
    return history


def test_the_learning_rate_falls_along_a_half_cosine() -> None:
    rates = fit(FINE_TUNE, 4, model(keras.optimizers.Adam(0.1)))["learning_rate"]

    np.testing.assert_allclose(rates, [0.1, 0.0854, 0.05, 0.0146], rtol=0.01)


def test_what_a_plateau_took_from_the_rate_stays_taken() -> None:
    stuck = model(keras.optimizers.SGD(0.0))
    stuck.optimizer.learning_rate = 1e-12  # too little to lower the loss
    rates = fit(FINE_TUNE, 4, stuck, plateau=1)["learning_rate"]

    np.testing.assert_allclose(np.array(rates) * 1e12, [1, 0.854, 0.25, 0.0366], rtol=0.01)


def test_the_rate_of_a_head_does_not_fall_of_itself() -> None:
    rates = fit(HEAD, 4, model(keras.optimizers.Adam(0.1)))["learning_rate"]

    np.testing.assert_allclose(rates, [0.1] * 4)

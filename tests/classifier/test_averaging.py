"""An epoch of a fit whose optimizer averages ends as the moving average of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from classifier.features import silent
from classifier.fit import FINE_TUNE, Fit
from classifier.recipe import Recipe

STEPS = 6
MOMENTUM = 0.75


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


def after_each_step() -> list[Any]:
    plain, weights = model(keras.optimizers.Adam(0.1)), []

    def batch_ended(batch: int, logs: Any = None) -> None:
        weights.append(plain.get_weights()[0])

    noting = keras.callbacks.LambdaCallback(on_train_batch_end=batch_ended)
    plain.fit(data(), callbacks=[noting], shuffle=False, verbose=0)
    return weights


def fitted(epochs: int, optimizer: Any) -> Any:
    made = model(optimizer)
    Fit(FINE_TUNE, epochs, 9, Recipe(), None, None, silent).run(made, Batches(), data(), None)
    return made.get_weights()[0]


def test_an_epoch_ends_as_the_average_of_its_weights() -> None:
    steps = after_each_step()
    expected = steps[0]
    for weights in steps[1:]:
        expected = MOMENTUM * expected + (1 - MOMENTUM) * weights

    averaged = fitted(1, keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=MOMENTUM))

    np.testing.assert_allclose(averaged, expected, rtol=1e-5)
    assert np.abs(averaged - steps[-1]).max() > 0.05


def test_the_next_epoch_goes_on_from_the_average() -> None:
    first, second = (
        fitted(epochs, keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.999))
        for epochs in (1, 2)
    )

    # So long an average hardly moves: an epoch that went on from the last step would be far away.
    np.testing.assert_allclose(second, first, atol=0.02)
    assert not np.array_equal(second, first)


def test_an_optimizer_that_does_not_average_leaves_the_last_step() -> None:
    np.testing.assert_allclose(fitted(1, keras.optimizers.Adam(0.1)), after_each_step()[-1])

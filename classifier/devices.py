"""On which devices of this machine training runs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def strategy() -> Any:
    """A copy of the network on each GPU where there are several, on equal shares of every batch;
    else TensorFlow's default. Without a GPU, several logical CPU devices count the same."""
    names = [device.name for device in tf.config.list_logical_devices("GPU")]
    names = names or [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(names) > 1:
        return tf.distribute.MirroredStrategy(names)
    return tf.distribute.get_strategy()

"""The network sees what keras.applications' ResNet50 weights were trained on, and only once."""

from __future__ import annotations

import numpy as np

from classifier.network import Backbone
from tests.classifier.factories import pixels

IMAGENET_BGR_MEAN = (103.939, 116.779, 123.68)


def batch() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rows = [pixels(seed=seed, width=32, height=32) for seed in range(3)]
    return np.stack(rows).astype(np.float32)


def test_rgb_0_to_255_reaches_the_network_as_bgr_minus_the_imagenet_mean(
    backbone: Backbone,
) -> None:
    by_hand = batch()[..., ::-1] - np.array(IMAGENET_BGR_MEAN, np.float32)
    expected = np.asarray(backbone.base(by_hand, training=False))
    np.testing.assert_allclose(np.asarray(backbone.model(batch())), expected, rtol=1e-4)


def test_pixels_scaled_to_0_to_1_are_not_what_the_network_expects(backbone: Backbone) -> None:
    right = np.asarray(backbone.model(batch()))
    wrong = np.asarray(backbone.base(batch() / 255, training=False))
    assert np.abs(right - wrong).max() > 0.1 * np.abs(right).max()

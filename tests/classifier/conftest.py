"""One small random network for all tests here: building one takes a second."""

from __future__ import annotations

import pytest

from classifier.engines.keras import Embedder
from classifier.network import Backbone, build_backbone, identified


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """Random weights at 32 px. Tests leave it as it is."""
    import keras

    keras.utils.set_random_seed(1)
    return identified(build_backbone(None, 32), 32, "random")


@pytest.fixture(scope="session")
def embedder(backbone: Backbone) -> Embedder:
    return Embedder(backbone)

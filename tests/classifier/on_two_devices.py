"""Fine-tunes a small random network on so many logical CPU devices; run by test_several_devices.

python -m tests.classifier.on_two_devices DEVICES FOLDER     prints one JSON object"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tensorflow as tf

DEVICES, FOLDER = int(sys.argv[1]), Path(sys.argv[2])
PHOTOS = 4

if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * DEVICES
    )
    import keras
    import numpy as np

    from classifier import devices
    from classifier.engines.keras import Embedder
    from classifier.network import build_backbone, build_head, identified
    from classifier.recipe import Recipe
    from classifier.training import fine_tune
    from tests.classifier.factories import write_catalog

    keras.utils.set_random_seed(1)
    backbone = identified(build_backbone(None, 32), 32, "random")
    head = build_head(2, units=8, dropout=0.0)
    paths, labels = write_catalog(FOLDER, {"red-hats": PHOTOS, "blue-hats": PHOTOS})
    pairs = [(path, int(label == "red-hats")) for path, label in zip(paths, labels, strict=True)]
    recipe = Recipe(
        fine_tune_epochs=1,
        fine_tune_batch_size=4,
        fine_tune_learning_rate=1e-5,
        fine_tune_from="conv5_block3",
    )
    tuned = fine_tune(backbone, head, pairs, pairs[::3], classes=2, recipe=recipe)
    pixels = np.full((3, 32, 32, 3), 90, np.uint8)
    answer = {
        "replicas": devices.strategy().num_replicas_in_sync,
        "history": {name: list(map(float, values)) for name, values in tuned.history.items()},
        "embedding": np.asarray(Embedder(tuned.backbone).embed(pixels)[0], float).tolist(),
        "changed": tuned.backbone.sha256 != backbone.sha256,
    }
    sys.stdout.write(json.dumps(answer) + "\n")

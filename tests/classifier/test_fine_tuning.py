"""Fine-tuning makes a new backbone: the top learns, the rest and the original stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from classifier.network import Backbone, build_head, copy_backbone, unfreeze_from
from classifier.recipe import Recipe
from classifier.run import Trained
from classifier.training import fine_tune
from tests.classifier.factories import write_catalog

RECIPE = Recipe(
    fine_tune_epochs=1,
    fine_tune_batch_size=4,
    fine_tune_learning_rate=1e-3,
    fine_tune_from="conv5_block3",
)
TOO_FAR = replace(RECIPE, fine_tune_learning_rate=3e-2, fine_tune_between=0)


def photos(folder: Path, count: int) -> list[tuple[Path, int]]:
    paths, labels = write_catalog(folder, {"red-hats": count, "blue-hats": count})
    return [(path, int(label == "red-hats")) for path, label in zip(paths, labels, strict=True)]


def layer_changed(before: Backbone, after: Backbone, name: str) -> bool:
    old, new = (b.base.get_layer(name).get_weights() for b in (before, after))
    return any((a != b).any() for a, b in zip(old, new, strict=True))


def test_the_top_layers_learn(backbone: Backbone, trained: Trained) -> None:
    assert layer_changed(backbone, trained.backbone, "conv5_block3_3_conv")


def test_frozen_layers_do_not_change(backbone: Backbone, trained: Trained) -> None:
    for name in ("conv1_conv", "conv4_block6_3_conv", "conv5_block2_3_conv"):
        assert not layer_changed(backbone, trained.backbone, name)


def test_batch_norm_keeps_its_statistics(backbone: Backbone, trained: Trained) -> None:
    for layer in backbone.base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert not layer_changed(backbone, trained.backbone, layer.name)


def test_the_new_backbone_is_another_one_with_a_checksum_of_its_own(
    backbone: Backbone, trained: Trained
) -> None:
    assert trained.backbone.sha256 != backbone.sha256
    assert trained.backbone.source == backbone.source
    assert trained.backbone.image_size == backbone.image_size


def test_training_that_makes_things_worse_changes_nothing(
    backbone: Backbone, tmp_path: Path
) -> None:
    head = build_head(2, units=8, dropout=0.0)
    undecided = [np.zeros_like(weights) for weights in head.get_layer("logits").get_weights()]
    head.get_layer("logits").set_weights(undecided)
    train = photos(tmp_path, 2)
    wrong = [(path, 1 - column) for path, column in train]
    result = fine_tune(backbone, head, train, wrong, classes=2, recipe=RECIPE)
    assert result.share == 0.0
    assert result.backbone.sha256 == backbone.sha256


@pytest.mark.parametrize("validated", [True, False])
def test_without_an_epoch_nothing_changes(
    backbone: Backbone, tmp_path: Path, *, validated: bool
) -> None:
    train = photos(tmp_path, 2)
    head = build_head(2, units=8, dropout=0.0)
    recipe = replace(RECIPE, fine_tune_epochs=0)
    result = fine_tune(backbone, head, train, train * validated, classes=2, recipe=recipe)
    assert (result.share, result.history) == (0.0, {})
    assert result.backbone.sha256 == backbone.sha256


def test_unfreezing_starts_at_the_named_layer(backbone: Backbone) -> None:
    copy = copy_backbone(backbone)
    unfreeze_from(copy, "conv5_block3")
    learning = {weight.path.split("/")[-2] for weight in copy.model.trainable_weights}
    assert learning == {f"conv5_block3_{n}_conv" for n in (1, 2, 3)}
    with pytest.raises(ValueError, match="no layer named conv9"):
        unfreeze_from(copy, "conv9")


def test_half_way_is_taken_where_all_of_it_is_too_far(backbone: Backbone, tmp_path: Path) -> None:
    """One step of so high a rate overshoots: the photos are answered best on the way there."""
    train = photos(tmp_path, 4)
    keras.utils.set_random_seed(1)
    head = build_head(2, units=8, dropout=0.0)
    ends, ways = (
        fine_tune(backbone, head, train, train, classes=2, recipe=recipe)
        for recipe in (TOO_FAR, replace(TOO_FAR, fine_tune_between=9))
    )
    assert ends.share in (0.0, 1.0)
    assert 0.0 < ways.share < 1.0
    assert ways.history == ends.history
    assert layer_changed(backbone, ways.backbone, "conv5_block3_3_conv")
    assert layer_changed(ends.backbone, ways.backbone, "conv5_block3_3_conv")

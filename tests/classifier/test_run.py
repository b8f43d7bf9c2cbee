"""A whole run on drawn photos: learn, calibrate, judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import Diverged, NotEnoughData
from classifier.network import Backbone
from classifier.recipe import Recipe
from classifier.run import LabelledPhotos, Trained, train
from tests.classifier.factories import write_catalog

COUNTS = {"red-hats": 6, "blue-hats": 6}


def test_it_learns_to_tell_the_categories_apart(trained: Trained) -> None:
    assert trained.classes == ("blue-hats", "red-hats")
    judged = trained.judgements["test"]
    right = [p == label for p, label in zip(judged.predicted, judged.labels, strict=True)]
    assert sum(right) == 7


def test_a_category_it_never_saw_is_wrong_and_named(trained: Trained) -> None:
    report = trained.judgements["test"].report
    assert report["images"] == 8
    assert report["unknown_categories"] == ["green-hats"]


def test_every_readable_photo_has_an_embedding_of_the_new_backbone(
    trained: Trained, backbone: Backbone
) -> None:
    assert trained.backbone.sha256 != backbone.sha256
    assert trained.share
    assert trained.judgements["train"].kept.tolist() == list(range(1, 17))
    for judged in trained.judgements.values():
        assert judged.embeddings.shape == (len(judged.kept), 2048)


def test_an_unreadable_photo_is_skipped_and_named(trained: Trained) -> None:
    assert list(trained.skipped.values()) == ["The file is empty."]


def test_curves_and_times_of_both_phases_are_kept(trained: Trained) -> None:
    assert set(trained.histories) == {"head", "fine-tune"}
    assert set(trained.seconds) == {"features", "head", "fine-tune"}


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_network_that_answers_no_numbers_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    photos = {
        split: LabelledPhotos(*write_catalog(tmp_path / split, counts))
        for split, counts in {"train": COUNTS, "validation": {}, "test": COUNTS}.items()
    }
    steep = ["fine_tune_learning_rate=1.0", "fine_tune_epochs=1", "fine_tune_from=conv5_block1"]
    recipe = Recipe().with_overrides(["head_units=8", "head_epochs=1", "views=0", *steep])

    with pytest.raises(Diverged, match="lower learning rates"):
        train(photos, backbone=backbone, recipe=recipe, full=True)


def test_one_category_is_not_enough(backbone: Backbone, tmp_path: Path) -> None:
    paths, labels = write_catalog(tmp_path, {"red-hats": 6})
    photos = {"train": LabelledPhotos(paths, labels)}
    with pytest.raises(NotEnoughData, match="Label more"):
        train(photos, backbone=backbone, recipe=Recipe(), full=False)

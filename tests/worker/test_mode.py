"""A run that may choose says why it is a quick or a full one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from catalog.models import Backbone, ModelVersion, RunMode, TrainingRun
from classifier.weights import STARTER_SHA256
from tests import factories
from worker.beginning import Beginning, begin

from .conftest import RECIPE, Stored

pytestmark = pytest.mark.django_db


def begun(labels: int = 100, mode: RunMode = RunMode.AUTO) -> Beginning:
    return begin(TrainingRun(mode=mode, overrides=RECIPE), labels=labels)


def made_from(labels: int, live: ModelVersion, weights: str = STARTER_SHA256) -> None:
    live.run = factories.run(label_count=labels)
    live.recipe = {"weights": {"source": "starter", "sha256": weights}}
    live.save()


def test_without_a_live_model_it_is_full(models_dir: object) -> None:
    assert (begun().full, begun().why) == (True, "There is no live model yet.")


def test_with_a_live_model_its_head_learns(live_version: ModelVersion) -> None:
    made_from(60, live_version)

    assert not begun().full
    assert begun().why == f"The backbone of version {live_version.pk} serves on; its head learns."


def test_twice_the_labels_make_a_new_backbone(live_version: ModelVersion) -> None:
    made_from(50, live_version)

    assert begun(labels=100).full
    assert begun(labels=100).why.endswith("from 50 labelled photos, and there are 100.")
    assert not begun(labels=100, mode=RunMode.HEAD).full


def test_other_pretrained_weights_make_a_new_backbone(live_version: ModelVersion) -> None:
    made_from(100, live_version, weights="0" * 64)

    assert begun().full
    assert begun().why.startswith("The live backbone was made from other pretrained weights.")


def test_weights_that_cannot_be_had_at_the_moment_are_no_reason_for_a_new_backbone(
    live_version: ModelVersion,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    made_from(100, live_version, weights="0" * 64)  # ImageNet's, that day
    settings.CLASSIFIER_WEIGHTS = "imagenet"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there

    assert not begun().full
    assert begun(mode=RunMode.FULL).weights_in_words.endswith("the starter weights are used.")


def test_a_backbone_that_is_gone_is_made_anew(
    live_version: ModelVersion, stored_model: Stored
) -> None:
    Backbone.objects.update(directory="backbones/" + "0" * 64)

    assert begun().full
    assert "cannot be read" in begun().why

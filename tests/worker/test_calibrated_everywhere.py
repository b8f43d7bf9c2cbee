"""Wherever a confidence is shown, it is the calibrated one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from catalog.models import Category, ModelVersion, ProductImage, Role, VersionState
from classifier.evaluation import softmax
from classifier.recipe import Recipe
from tests import factories
from worker import embeddings
from worker.classify import Classifying

from . import pictures
from .conftest import RECIPE, Stored

pytestmark = pytest.mark.django_db
TEMPERATURE = 5.0


@pytest.fixture
def cooled(
    stored_model: Stored, models_dir: Path, make_version: Callable[..., ModelVersion]
) -> ModelVersion:
    """The session's network, live, whose logits are to be divided by five."""
    from classifier import store

    directory = store.save_version(
        models_dir,
        "cooled",
        head=store.open_head(stored_model.root, stored_model.directory),
        backbone_sha256=stored_model.sha256,
        classes=list(stored_model.classes),
        temperature=TEMPERATURE,
        recipe=Recipe().with_overrides(RECIPE),
        metrics={},
        fingerprint="",
    )
    return make_version(VersionState.LIVE, directory)


@pytest.fixture
def answered(cooled: ModelVersion, worker: Classifying, tints: dict[str, Category]) -> ProductImage:
    image = pictures.add(factories.merchant(), "lamps", 500)
    worker.drain()
    image.refresh_from_db()
    return image


def calibrated(image: ProductImage, stored_model: Stored, *, temperature: float) -> float:
    """What the first answer's confidence has to be, worked out from the stored embedding."""
    from classifier import store
    from classifier.training import head_logits

    assert image.version is not None
    head = store.open_head(stored_model.root, stored_model.directory)
    vector = embeddings.known([image.pk], image.version.backbone_id)[image.pk]
    return float(softmax(head_logits(head, vector[np.newaxis]) / temperature).max())


def test_what_the_worker_writes_is_calibrated(answered: ProductImage, stored_model: Stored) -> None:
    expected = calibrated(answered, stored_model, temperature=TEMPERATURE)
    assert calibrated(answered, stored_model, temperature=1) - expected > 0.05
    assert answered.confidence == pytest.approx(expected, abs=1e-4)
    answer = answered.predictions.get()
    assert answer.confidence == answer.top[0][1] == answered.confidence


def test_pages_and_the_list_show_what_the_worker_wrote(
    client: Client, answered: ProductImage
) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    assert answered.confidence is not None
    percent = f"{answered.confidence:.0%}"
    card = client.get(reverse("review-next")).json()["cards"][0]["html"]
    assert f"<span data-share>{percent}</span>" in card
    assert f">{percent}</span>" in client.get(reverse("image", args=[answered.pk])).content.decode()
    exported = b"".join(client.get(reverse("images-csv")))
    [row] = csv.DictReader(io.StringIO(exported.decode("utf-8-sig")))
    assert row["confidence"] == f"{answered.confidence:.3f}"


def test_the_classify_command_shows_the_same(
    answered: ProductImage, tmp_path: Path, backbone_in_memory: None
) -> None:
    file = tmp_path / "lamp.jpg"
    file.write_bytes(pictures.picture("lamps", 500))
    out = StringIO()
    call_command("classify", str(file), "--json", stdout=out, stderr=StringIO())
    [result] = json.loads(out.getvalue().splitlines()[-1])["results"]
    assert result["top"][0]["confidence"] == pytest.approx(answered.confidence, abs=1e-3)


def test_evaluate_measures_the_calibrated_confidence(
    answered: ProductImage, tmp_path: Path, backbone_in_memory: None
) -> None:
    folder = tmp_path / "dataset"
    (folder / "lamps").mkdir(parents=True)
    (folder / "lamps" / "a.jpg").write_bytes(pictures.picture("lamps", 500))
    out = StringIO()
    call_command("evaluate", "--dataset", str(folder), "--json", stdout=out, stderr=StringIO())
    found = json.loads(out.getvalue().splitlines()[-1])
    assert answered.confidence is not None
    assert found["temperature"] == TEMPERATURE
    assert found["ece"] == pytest.approx(1 - answered.confidence, abs=1e-3)
    assert found["ece_before"] < found["ece"] - 0.05
    assert found["coverage"][0]["threshold"] == pytest.approx(answered.confidence, abs=1e-3)

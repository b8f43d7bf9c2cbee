"""The page of a version says which engine answers for it, and how that was decided."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import ModelVersion, WorkerStatus
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("manager")]

REPORT = {
    "precision": "int8",
    "reason": "int8 gave 99.7% of 1000 photos the same first answer as Keras.",
    "compared": 1000,
    "agreement": 0.997,
    "validation": 341,
    "accuracy_keras": 0.824,
    "accuracy_int8": 0.821,
}


def page(client: Client, version: ModelVersion) -> str:
    answer = client.get(reverse("model", args=[version.pk]))
    return " ".join(answer.content.decode().split())


def test_the_precision_stands_with_its_evidence(client: Client) -> None:
    text = page(client, factories.version(backbone=factories.backbone(export=REPORT)))
    assert "OpenVINO with 8-bit whole numbers (int8)" in text
    assert "int8 gave 99.7% of 1000 photos the same first answer as Keras." in text
    assert "On 341 validation photos Keras is right 82.4%, int8 82.1%." in text
    assert "no more photos" not in text


def test_fewer_photos_than_a_thousand_are_said_to_be_few(client: Client) -> None:
    few = REPORT | {"compared": 240}
    text = page(client, factories.version(backbone=factories.backbone(export=few)))
    assert "There were no more photos outside the test split." in text


def test_a_backbone_that_was_never_exported_is_served_by_keras(client: Client) -> None:
    assert "Keras, since its backbone was never exported" in page(client, factories.version())


def test_a_failed_export_shows_its_reason(client: Client) -> None:
    failed = factories.backbone(export={"error": "RuntimeError: no such operation"})
    text = page(client, factories.version(backbone=failed))
    assert "Keras, since the export to OpenVINO failed. " in text
    assert "RuntimeError: no such operation" in text


def test_the_workers_that_hold_it_say_what_they_answer_with(client: Client) -> None:
    version = factories.version()
    WorkerStatus.objects.create(name="classify@one", version=version, engine="OpenVINO int8")
    assert "OpenVINO int8 in classify@one" in page(client, version)

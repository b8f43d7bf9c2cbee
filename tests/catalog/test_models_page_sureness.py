"""What a version's page says of its confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import ModelVersion
from classifier.certainty import certainty
from classifier.evaluation import report
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reviewer")]


def page(client: Client, version: ModelVersion) -> str:
    answer = client.get(reverse("model", args=[version.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def judged(*, boast: float = 0.0, photos: int = 300) -> dict[str, Any]:
    """The report of a version that claims `boast` more than it keeps."""
    slugs = [factories.category(name).slug for name in ("Hats", "Shoes")]
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.6, 1, photos)
    right = generator.random(photos) < confidence - boast
    labels = [slugs[0] if hit else slugs[1] for hit in right]
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    return report(probabilities, labels, slugs) | certainty(
        probabilities, labels, slugs, temperature=2.0
    )


def test_honest_confidence_is_called_honest_and_drawn(client: Client) -> None:
    text = page(client, factories.version(metrics=judged(photos=2000)))
    assert "Its confidence is honest: off by" in text
    assert "Before it was calibrated on validation photos it was off by" in text
    assert "On 2,000 photos even perfect confidence would seem off by" in text
    assert "Is its confidence honest?" in text
    assert "How right are its surest answers?" in text
    assert "<circle" in text
    assert 'class="whisker"' in text


def test_too_few_photos_to_tell_are_said_to_be_too_few(client: Client) -> None:
    metrics = judged(photos=60)
    metrics["ece"], metrics["ece_by_chance"] = 0.08, {"mean": 0.07, "high": 0.12}
    text = page(client, factories.version(metrics=metrics))
    assert "So few test photos cannot tell that from honest" in text


def test_a_boastful_version_is_called_so(client: Client) -> None:
    text = page(client, factories.version(metrics=judged(boast=0.3)))
    assert "more than chance explains" in text


def test_each_figure_has_its_interval(client: Client) -> None:
    metrics = judged()
    text = page(client, factories.version(metrics=metrics))
    low, high = metrics["intervals"]["per_class"]["hats"]["recall"]
    assert f"{low * 100:.1f} to {high:.1%}" in text
    low, high = metrics["intervals"]["accuracy"]
    assert f"95% within {low * 100:.1f} to {high:.1%}" in text


def test_a_version_of_earlier_times_has_a_page_without_it(client: Client) -> None:
    metrics = judged()
    for key in ("intervals", "ece_before", "ece_by_chance", "coverage", "reliability"):
        del metrics[key]
    text = page(client, factories.version(metrics=metrics))
    assert "Not measured" in text
    assert "95% within" not in text


@pytest.mark.parametrize(
    "broken",
    [
        {"reliability": 3, "coverage": "x", "intervals": [1], "ece_by_chance": None},
        {"reliability": [{}], "coverage": [{"images": 1}], "ece_before": "high"},
        {"intervals": {"accuracy": [0.5], "per_class": {"hats": 1}}, "coverage": [3]},
    ],
)
def test_broken_parts_of_a_report_are_left_out(client: Client, broken: dict[str, Any]) -> None:
    page(client, factories.version(metrics=judged() | broken))


def test_the_plots_carry_no_inline_style(client: Client) -> None:
    assert " style=" not in page(client, factories.version(metrics=judged()))

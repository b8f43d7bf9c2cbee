"""Pages of versions stay light with very many categories: a report then has megabytes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from django.test import Client

from catalog.models import ModelVersion, VersionState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("manager")]

KINDS = 200
MEGABYTE = 1_000_000


def report() -> dict[str, Any]:
    """Of photos that were all put into the first of 200 categories."""
    labels = [f"kind-{n}" for n in range(KINDS)]
    return {
        "images": KINDS,
        "accuracy": 0.25,
        "macro_f1": 0.125,
        "confusion": {"labels": labels, "matrix": [[1] + [0] * (KINDS - 1)] * KINDS},
    }


@pytest.fixture
def versions() -> list[ModelVersion]:
    """The live one, those before it, and one that waits."""
    made = [factories.version(VersionState.RETIRED, metrics=report()) for _ in range(10)]
    made.append(factories.version(VersionState.LIVE, metrics=report()))
    compared = report() | {"baseline": report() | {"version": made[-1].pk}}
    return [*made, factories.version(metrics=compared)]


@pytest.mark.parametrize(
    "path",
    [
        "/models/{0}/",
        "/models/{0}/changes/",
        "/models/",
        "/models/compare/",
        "/models/compare/?first={0}&second={1}",
    ],
)
def test_a_page_takes_few_megabytes(
    client: Client, versions: list[ModelVersion], path: str
) -> None:
    address = path.format(versions[-1].pk, versions[-2].pk)
    client.get(address)  # loads templates

    tracemalloc.start()
    client.get(address)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3 * MEGABYTE


def test_the_figures_and_the_commonest_mix_ups_are_there(
    client: Client, versions: list[ModelVersion]
) -> None:
    listed = " ".join(client.get("/models/").content.decode().split())
    assert listed.count('data-label="Answered right">25.0%') == 12
    assert listed.count('data-label="Balanced">12.5%') == 12
    assert listed.count(f'data-label="Test photos">{KINDS}') == 12

    text = client.get(f"/models/{versions[0].pk}/").content.decode()
    assert f"With {KINDS} categories a full table would be unreadable" in text
    assert text.count('<span class="muted">taken for</span> kind-0') == 10

"""Categories that are merged or parted while a run learns are one for both models it compares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle, reshaping
from catalog.models import (
    Category,
    CategoryChange,
    Merchant,
    ModelVersion,
    ProductImage,
    Role,
    RunState,
    Serving,
    Split,
    TrainingRun,
    User,
    VersionState,
)
from tests import factories
from worker import embeddings, train

from .test_training_run import start

pytestmark = pytest.mark.django_db

CENTRES = np.random.default_rng(1).random((4, 2048))
NOISE = np.random.default_rng(2)
LOOKS = {"cups": 0, "standing lamps": 1, "hanging lamps": 2, "plants": 3}


def photos(look: str, category: Category, split: Split, count: int) -> list[ProductImage]:
    """Labelled photos without files, of which only the embeddings are known."""
    merchant, _ = Merchant.objects.get_or_create(name="Imported")
    images = [factories.image(merchant=merchant, stored=False) for _ in range(count)]
    for image in images:
        lifecycle.import_label(image, category, split=split)
        noise = 0.2 * NOISE.standard_normal(2048)
        vector = (CENTRES[LOOKS[look]] + noise).astype(np.float16)
        embeddings.store(Serving.objects.get().live.backbone, [image.pk], vector[np.newaxis])  # type: ignore[union-attr]  # a version is live
    return images


@pytest.fixture
def good(live_version: ModelVersion, tints: dict[str, Category]) -> ModelVersion:
    """A live version that answers every test photo right."""
    cups, lamps, plants = (tints[slug] for slug in ("cups", "lamps", "plants"))
    for look, category in (("cups", cups), ("plants", plants)):
        photos(look, category, Split.TRAIN, 12)
        photos(look, category, Split.VALIDATION, 2)
        photos(look, category, Split.TEST, 10)
    for look in ("standing lamps", "hanging lamps"):
        photos(look, lamps, Split.TRAIN, 6)
        photos(look, lamps, Split.TEST, 5)
    photos("standing lamps", lamps, Split.VALIDATION, 2)
    version = ModelVersion.objects.get(run=learn())
    assert version.metrics["accuracy"] == 1
    return version


def learn(promote: str = "always", meanwhile: Callable[[], object] | None = None) -> TrainingRun:
    """One run, in the middle of which something happens once."""
    pending = [meanwhile] if meanwhile else []

    def watch(phase: str, done: int, total: int, message: str = "") -> None:
        if phase == "head" and pending:
            pending.pop()()

    run = train.execute(start(promote=promote, settings=["quick_from_live=no"]), progress=watch)
    assert run.state == RunState.SUCCEEDED, run.reason
    assert not pending
    return run


def take_hanging_lamps_for_plants(tints: dict[str, Category]) -> None:
    """From now on the training photos teach a mistake."""
    lamps = ProductImage.objects.filter(label=tints["lamps"], product__split=Split.TRAIN)
    hanging = lamps.order_by("-pk").values_list("pk", flat=True)[:6]
    ProductImage.objects.filter(pk__in=list(hanging)).update(withdrawn_at=timezone.now())
    photos("hanging lamps", tints["plants"], Split.TRAIN, 6)


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


def test_a_worse_model_is_rejected_when_categories_are_merged_meanwhile(
    good: ModelVersion, tints: dict[str, Category], manager: User, client: Client
) -> None:
    take_hanging_lamps_for_plants(tints)

    run = learn("auto", lambda: reshaping.merge(tints["lamps"], tints["cups"], by=manager))

    _assert_rejected_for_five_lost(run, good)
    client.force_login(manager)
    cell = f"{reverse('model-confusion', args=[run.versions.get().pk])}?true=cups&predicted=plants"
    assert client.get(cell).content.decode().count('"photo-card"') == 5


def test_a_worse_model_is_rejected_when_a_merge_is_undone_meanwhile(
    good: ModelVersion, tints: dict[str, Category], manager: User
) -> None:
    take_hanging_lamps_for_plants(tints)
    change: CategoryChange = reshaping.merge(tints["lamps"], tints["cups"], by=manager)

    run = learn("auto", lambda: reshaping.undo(change, by=manager))

    _assert_rejected_for_five_lost(run, good)


def _assert_rejected_for_five_lost(run: TrainingRun, good: ModelVersion) -> None:
    rejected = ModelVersion.objects.get(run=run)
    assert rejected.state == VersionState.REJECTED, rejected.reason
    assert "Cups lost 5 photos it used to get right" in rejected.reason
    assert Serving.current().live == good
    assert rejected.metrics["baseline"]["accuracy"] == 1
    assert rejected.metrics["accuracy"] == pytest.approx(25 / 30)
    assert sorted(rejected.metrics["per_class"]) == ["cups", "plants"]
    assert sorted(rejected.metrics["baseline"]["per_class"]) == ["cups", "plants"]

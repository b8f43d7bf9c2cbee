"""A recipe whose learning comes apart costs a run nothing but what it would have gained."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Merchant, ModelVersion, Role, RunMode, RunState
from tests import factories
from worker import train

from .test_training_run import start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backbone_in_memory")]


def test_a_run_that_diverges_ends_with_the_weights_it_began_from(
    labelled: Merchant, client: Client
) -> None:
    steep = ["fine_tune_learning_rate=1.0", "fine_tune_epochs=2", "fine_tune_batch_size=3"]

    run = train.execute(start(RunMode.FULL, settings=[*steep, "fine_tune_from=conv5_block1"]))

    assert run.state == RunState.SUCCEEDED, run.reason
    version = ModelVersion.objects.get(run=run)
    assert version.metrics["fine_tune_share"] == 0
    assert version.metrics["accuracy"] > 0.9
    assert run.history["fine-tune"]["val_loss"] == [None, None]
    client.force_login(factories.user(Role.MANAGER))
    assert client.get(reverse("run", args=[run.pk])).status_code == 200

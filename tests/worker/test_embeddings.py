"""What a backbone makes of photos is written down while merchants withdraw some of them."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

import numpy as np
import pytest

from catalog import lifecycle
from catalog.models import Embedding
from classifier.feature_files import EMBEDDING_SIZE
from tests import factories
from tests.slowly import beside
from worker import embeddings


@pytest.mark.django_db(transaction=True)
def test_a_photo_withdrawn_in_that_moment_leaves_no_embedding_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backbone, by = factories.backbone(), factories.user()
    image = factories.image(stored=False, merchant=by.merchant)
    rows, about_to_write = Embedding.objects, Event()
    write = rows.bulk_create

    def late(*arguments: Any, **named: Any) -> list[Embedding]:
        about_to_write.set()
        time.sleep(0.3)
        return write(*arguments, **named)

    def store() -> None:
        embeddings.store(backbone, [image.pk], np.zeros((1, EMBEDDING_SIZE), np.float16))

    monkeypatch.setattr(rows, "bulk_create", late)
    with beside(store) as stored:
        about_to_write.wait(10)
        lifecycle.withdraw(image, by=by)
        stored.result(timeout=60)

    assert not Embedding.objects.exists()

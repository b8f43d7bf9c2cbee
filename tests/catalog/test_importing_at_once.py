"""A folder is imported while a merchant uploads one of its photos and reviewers decide."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import connection

from catalog import folders, importing, intake, lifecycle
from catalog.intake import DuplicateBytes
from catalog.models import Category, Merchant, ProductImage, Role

from .. import factories


@pytest.mark.django_db(transaction=True)
def test_an_import_an_upload_of_the_same_photo_and_a_decision_all_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload holds the product that the decision is about, and waits for the import's photo."""
    hats, merchant, data = factories.category("Hats"), factories.merchant(), factories.photo_bytes()
    (tmp_path / "hats").mkdir()
    (tmp_path / "hats/bowler.jpg").write_bytes(data)
    other = factories.image(stored=False, merchant=merchant, sku="S-1")
    import_label, recorded = lifecycle.import_label, Event()

    def slowly(image: ProductImage, category: Category, **named: Any) -> bool:
        recorded.set()
        time.sleep(0.5)
        return import_label(image, category, **named)

    def upload(stored: intake.Stored, merchant: Merchant) -> bool:
        try:
            recorded.wait(10)
            intake.record(stored, merchant=merchant, name="bowler.jpg", sku="S-1", title="Bowler")
        except DuplicateBytes:
            return False
        finally:
            connection.close()
        return True

    def decide() -> None:
        by = factories.user(Role.REVIEWER)
        try:
            recorded.wait(10)
            time.sleep(0.2)
            lifecycle.decide_category(other, hats, by=by, revision=other.revision)
        finally:
            connection.close()

    monkeypatch.setattr(lifecycle, "import_label", slowly)
    with ThreadPoolExecutor(2) as pool:
        uploaded = pool.submit(upload, intake.prepare(data), merchant)
        decided = pool.submit(decide)
        imported = importing.import_folder(folders.scan(tmp_path), merchant=merchant)
        decided.result(timeout=60)

        assert not uploaded.result(timeout=60)
    assert (imported.added, imported.rejected) == (1, [])
    other.refresh_from_db()
    assert other.label == hats

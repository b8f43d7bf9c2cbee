"""Somebody says that a label is right while another look through the labels ends."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction

from catalog import doubts
from catalog.doubts import Found
from catalog.models import LabelDoubt, Role

from .. import factories


@pytest.mark.django_db(transaction=True)
def test_a_label_called_right_in_that_moment_is_not_doubted_again() -> None:
    shirts, hats, by = factories.category(), factories.category(), factories.user(Role.REVIEWER)
    image = factories.labelled_image(shirts, by, stored=False)
    found = [Found(image.pk, shirts.pk, hats.pk, 0.97, 0.004)]

    def look() -> None:
        check = doubts.claim(doubts.request().pk)
        assert check is not None
        assert doubts.finish(check, found, labels=1)

    look()
    said = Event()

    def dismiss() -> None:
        try:
            with transaction.atomic():
                doubts.dismiss(LabelDoubt.objects.get().pk, by=by)
                said.set()
                time.sleep(0.3)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        dismissed = pool.submit(dismiss)
        said.wait(10)
        look()
        dismissed.result(timeout=60)

    assert LabelDoubt.objects.get().dismissed_by == by

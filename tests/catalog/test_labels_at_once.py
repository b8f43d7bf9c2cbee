"""Somebody says that a label is right while another look through the labels ends."""

from __future__ import annotations

from threading import Event

import pytest
from django.db import transaction

from catalog import doubts
from catalog.doubts import Found
from catalog.models import LabelDoubt, Role

from .. import factories
from ..slowly import beside, slowly


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

    @transaction.atomic
    def dismiss() -> None:
        slowly(doubts.dismiss, said)(LabelDoubt.objects.get().pk, by=by)

    with beside(dismiss) as dismissed:
        said.wait(10)
        look()
        dismissed.result(timeout=60)

    assert LabelDoubt.objects.get().dismissed_by == by

"""A look at a version that waits, while others ask for one or decide the version."""

from __future__ import annotations

from threading import Event

import pytest

from catalog import enqueue, golive, previews
from catalog.models import ChangedAnswer, ModelVersion, Preview, VersionState
from catalog.previews import Part, PreviewUnderWay

from .. import factories
from ..slowly import beside, slowly

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting() -> ModelVersion:
    factories.version(state=VersionState.LIVE)
    return factories.version()


def test_of_two_who_ask_at_once_one_is_told_that_it_is_under_way(
    waiting: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Event()
    monkeypatch.setattr(enqueue, "preview_soon", slowly(enqueue.preview_soon, asked))

    def ask() -> None:
        asked.wait(10)
        previews.request(waiting)

    with beside(ask) as second:
        previews.request(waiting)

        with pytest.raises(PreviewUnderWay):
            second.result(timeout=60)


def test_a_version_is_rejected_while_the_trainer_writes_down_what_it_would_change(
    waiting: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = factories.category(), factories.category()
    image = factories.answered_image(before, stored=False)
    preview = previews.claim(previews.request(waiting).pk)
    assert preview is not None
    written = Event()
    answers = ChangedAnswer.objects
    monkeypatch.setattr(answers, "bulk_create", slowly(answers.bulk_create, written))

    def look() -> None:
        changed = ChangedAnswer(
            preview=preview, image=image, is_test=False, before=before, after=after, confidence=0.5
        )
        previews.add(preview, Part(), [changed])

    with beside(look) as looked:
        written.wait(10)
        golive.reject(waiting, reason="Too many mistakes.")
        looked.result(timeout=60)

    assert not Preview.objects.exists()
    waiting.refresh_from_db()
    assert waiting.state == VersionState.REJECTED

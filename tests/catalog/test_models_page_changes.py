"""A version that waits, beside the live one: what it would change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog import categories, golive, previews, reshaping
from catalog.errors import NotAllowed
from catalog.models import (
    Category,
    ChangedAnswer,
    ModelVersion,
    Preview,
    ProductImage,
    User,
    VersionState,
)
from catalog.previews import OPEN, TEST, Part
from tests import factories
from tests.catalog.model_reports import judged_version, metrics

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("manager")]


@pytest.fixture
def live(hats: Category, shoes: Category) -> ModelVersion:
    return factories.version(VersionState.LIVE, [hats.slug, shoes.slug])


@pytest.fixture
def candidate(live: ModelVersion, hats: Category, shoes: Category) -> ModelVersion:
    """Right on three of four test photos, where the live one was on two."""
    better = [(hats, hats)] * 3 + [(hats, shoes)]
    version = judged_version(better)
    version.metrics["baseline"] = metrics([(hats, hats)] * 2 + [(hats, shoes)] * 2) | {
        "version": live.pk
    }
    version.metrics["gate"] = {"reason": "", "macro_f1_lower_bound": -0.02}
    version.save()
    return version


def page(client: Client, version: ModelVersion) -> str:
    answer = client.get(reverse("model-changes", args=[version.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def worked_out(
    version: ModelVersion, changes: list[tuple[ProductImage, Category, Category]], key: str = OPEN
) -> Preview:
    preview = previews.claim(previews.request(version).pk)
    assert preview is not None
    part = Part(compared=len(changes) + 1, unseen=2)
    previews.add(
        preview,
        part,
        [
            ChangedAnswer(
                preview=preview,
                image=image,
                is_test=key == TEST,
                before=before,
                after=after,
                confidence=0.9,
            )
            for image, before, after in changes
        ],
    )
    previews.finish(preview, {TEST: Part(), OPEN: Part(), key: part})
    return preview


def test_both_versions_stand_side_by_side_with_intervals(
    client: Client, candidate: ModelVersion
) -> None:
    text = page(client, candidate)

    assert "50.0%" in text
    assert "75.0%" in text
    assert "15.0 to 85.0%" in text  # Wilson's interval of 2 in 4
    assert "+25.0 points" in text
    assert "no less than -2.0 points" in text


def test_mix_ups_say_how_many_more_or_fewer_there_are(
    client: Client, candidate: ModelVersion
) -> None:
    text = page(client, candidate)

    assert 'Hats <span class="muted">taken for</span> Shoes' in text
    assert "1 fewer" in text


def test_changed_photos_are_grouped_and_open(
    client: Client, candidate: ModelVersion, hats: Category, shoes: Category
) -> None:
    images = [factories.answered_image(shoes) for _ in range(2)]
    worked_out(candidate, [(image, shoes, hats) for image in images])

    text = page(client, candidate)
    assert "2 of 3 photos would be answered otherwise" in text
    assert "2 more were not compared" in text

    query = {"set": "open", "before": str(shoes.pk), "after": str(hats.pk)}
    photos = client.get(reverse("changed-photos", args=[candidate.pk]), query).content.decode()
    assert all(image.original_name in photos for image in images)


def test_a_test_photo_says_whether_it_would_be_right(
    client: Client, candidate: ModelVersion, hats: Category, shoes: Category
) -> None:
    image = factories.labelled_image(hats, suggested=shoes)
    worked_out(candidate, [(image, shoes, hats)], TEST)

    query = {"set": "test", "before": str(shoes.pk), "after": str(hats.pk)}
    photos = client.get(reverse("changed-photos", args=[candidate.pk]), query).content.decode()

    assert "would be right" in photos


def test_a_page_that_was_never_worked_out_says_so_and_asks_for_it(
    client: Client, candidate: ModelVersion
) -> None:
    assert "Not worked out yet" in page(client, candidate)

    client.post(reverse("model-preview", args=[candidate.pk]))

    assert "waits for the trainer" in page(client, candidate)
    again = client.post(reverse("model-preview", args=[candidate.pk]), follow=True)
    assert "being looked at already" in again.content.decode()


def test_a_failure_is_told_and_can_be_asked_for_again(
    client: Client, candidate: ModelVersion
) -> None:
    preview = previews.claim(previews.request(candidate).pk)
    assert preview is not None
    previews.fail(preview, "The head is damaged.")

    assert "The head is damaged." in page(client, candidate)
    previews.request(candidate)


def test_another_live_version_makes_it_outdated(
    client: Client, candidate: ModelVersion, live: ModelVersion
) -> None:
    worked_out(candidate, [])
    other = factories.version()
    golive.promote(other, reason="", by_hand=True)

    text = page(client, candidate)

    assert f"compared with version {live.pk}, which is not live any more" in text


def test_what_was_found_is_shown_no_longer_once_a_category_was_merged(
    client: Client, candidate: ModelVersion, manager: User, hats: Category, shoes: Category
) -> None:
    caps = factories.category("Caps")
    image = factories.labelled_image(caps, suggested=shoes)
    worked_out(candidate, [(image, shoes, caps)], TEST)
    query = {"set": "test", "before": str(shoes.pk), "after": str(caps.pk)}
    assert "→</span> Caps" in page(client, candidate)

    made = reshaping.merge(caps, hats, by=manager)

    photos = client.get(reverse("changed-photos", args=[candidate.pk]), query, follow=True)
    for text in (page(client, candidate), photos.content.decode()):
        assert "The categories changed since this was asked for" in text
        assert "→</span> Caps" not in text
        assert "wrong either way" not in text

    worked_out(candidate, [(image, shoes, hats)], TEST)
    assert "→</span> Hats" in page(client, candidate)

    reshaping.undo(made, by=manager)
    assert "→</span> Hats" not in page(client, candidate)


def test_a_new_name_leaves_what_was_found_as_it_is(
    client: Client, candidate: ModelVersion, manager: User, hats: Category, shoes: Category
) -> None:
    worked_out(candidate, [(factories.answered_image(shoes), shoes, hats)])

    categories.rename(hats, "Headwear", by=manager)

    assert "→</span> Headwear" in page(client, candidate)


def test_what_was_worked_out_goes_once_the_version_is_decided(candidate: ModelVersion) -> None:
    worked_out(candidate, [])

    golive.promote(candidate, reason="", by_hand=True)

    assert not Preview.objects.exists()
    with pytest.raises(NotAllowed, match="live already"):
        previews.request(candidate)


def test_the_models_page_points_to_a_version_that_waits(
    client: Client, candidate: ModelVersion
) -> None:
    text = client.get(reverse("models")).content.decode()

    assert f"Version {candidate.pk} waits for a manager" in text


def test_so_many_photos_of_a_kind_are_kept_and_all_are_counted(
    client: Client,
    candidate: ModelVersion,
    hats: Category,
    shoes: Category,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(previews, "KEPT", 2)
    images = [factories.image(stored=False) for _ in range(3)]

    preview = worked_out(candidate, [(image, shoes, hats) for image in images])

    assert preview.answers.count() == 2
    assert "3 × Shoes" in page(client, candidate)

"""The grid: look-alikes of one suggestion, confirmed by the page, except the flagged ones."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from catalog import grid, lifecycle, queue, training_set
from catalog.errors import NotAllowed
from catalog.models import (
    BlindLook,
    Category,
    Decision,
    LabelState,
    Origin,
    ProductImage,
    Role,
    Serving,
    Split,
    User,
)
from tests import embeddings, factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_dir(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path


def answered(category: Category, confidence: float = 0.8, **columns: Any) -> ProductImage:
    columns = {"drawn": False, "stored": False} | columns
    return factories.answered_image(category, confidence, **columns)


def state(image: ProductImage) -> LabelState:
    return LabelState(ProductImage.objects.values_list("label_state", flat=True).get(pk=image.pk))


def seen(images: list[ProductImage]) -> dict[int, int]:
    return {image.pk: image.revision for image in images}


def ids(images: Any) -> list[int]:
    return [image.pk for image in images]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_page_is_the_surest_photo_and_those_most_like_it(shirts: Category, rita: User) -> None:
    kinds = [[answered(shirts, 0.5 + k / 10) for _ in range(3)] for k in range(3)]
    live = Serving.current().live
    assert live is not None
    for kind, images in enumerate(kinds):
        for image in images:
            embeddings.store(image, live.backbone, kind)
    embeddings.index(live.backbone)

    page = grid.open_grid(rita)

    assert page.category == shirts
    assert ids(page.images)[0] == kinds[2][2].pk
    assert set(ids(page.images)[:3]) == set(ids(kinds[2]))
    assert len(page.images) == page.left == 9


def test_without_an_index_the_surest_photos_come(shirts: Category, rita: User) -> None:
    unsure, sure = answered(shirts, 0.4), answered(shirts, 0.9)

    assert ids(grid.open_grid(rita).images) == [sure.pk, unsure.pk]


def test_the_category_with_most_photos_comes_unless_another_is_asked_for(
    shirts: Category, rita: User
) -> None:
    hats = factories.category("Hats")
    hat = answered(hats)
    for _ in range(2):
        answered(shirts)

    assert grid.open_grid(rita, hats).images == [hat]
    found = grid.open_grid(rita)
    assert found.category == shirts
    assert found.categories == [(shirts, 2), (hats, 1)]


def test_what_is_to_be_looked_at_by_itself_stays_out(shirts: Category, rita: User) -> None:
    answered(shirts, drawn=True)
    answered(shirts, label_state=LabelState.UNUSABLE, unusable_reason="blurred")
    queue.skip(rita, answered(shirts))
    lifecycle.withdraw(answered(shirts), by=factories.user(Role.MANAGER))
    BlindLook.objects.create(image=answered(shirts), reviewer=rita)
    reported = answered(shirts)
    vera = factories.user(Role.MERCHANT, reported.merchant)
    lifecycle.complain(reported, by=vera, category=None, note="")

    assert grid.open_grid(rita).images == []


def test_two_reviewers_get_different_photos(shirts: Category, rita: User) -> None:
    for _ in range(grid.TILES + 3):
        answered(shirts)

    hers = grid.open_grid(rita).images
    his = grid.open_grid(factories.user(Role.REVIEWER)).images

    assert (len(hers), len(his)) == (grid.TILES, 3)
    assert not set(ids(hers)) & set(ids(his))
    assert grid.open_grid(rita, shirts, exclude=ids(hers)).images == []


def test_what_a_reviewers_desk_held_a_moment_ago_comes_too(shirts: Category, rita: User) -> None:
    image = answered(shirts)
    assert queue.lease(rita, image)

    assert grid.open_grid(rita).images == [image]


def test_the_page_is_confirmed_and_flagged_tiles_go_to_the_desk_first(
    shirts: Category, rita: User
) -> None:
    images = [answered(shirts, 0.9) for _ in range(4)]
    answered(factories.category("Hats"), 0.1)
    page = list(grid.open_grid(rita, shirts).images)
    batch = uuid.uuid4()

    flags = [images[1].pk]
    saved = grid.save(rita, shirts, seen=seen(page), flagged=flags, batch=batch)
    again = grid.save(rita, shirts, seen=seen(page), flagged=flags, batch=batch)

    assert (saved.confirmed, saved.flagged, saved.refused) == (3, 1, [])
    assert again.confirmed == 3
    assert Decision.objects.count() == 3
    assert [state(image) for image in images] == ["confirmed", "unlabelled", *2 * ["confirmed"]]
    assert ids(queue.next_images(rita)) == [images[1].pk]
    assert grid.open_grid(rita, shirts).images == []


def test_tiles_that_changed_meanwhile_are_named_and_left_as_they_are(
    shirts: Category, rita: User
) -> None:
    changed, lost, drawn, fine = (answered(shirts) for _ in range(4))
    page = list(grid.open_grid(rita).images)
    ben = factories.user(Role.REVIEWER, name="ben")
    hats = factories.category("Hats")
    ProductImage.objects.filter(pk=drawn.pk).update(drawn=True)
    ProductImage.objects.filter(pk__in=[changed.pk, lost.pk]).update(reviewer=None)
    lifecycle.decide_category(changed, hats, by=ben, revision=0)
    queue.lease(ben, lost)

    saved = grid.save(rita, shirts, seen=seen(page), flagged=[], batch=uuid.uuid4())

    assert saved.confirmed == 1
    assert {image.pk: why for image, why in saved.refused} == {
        changed.pk: "Nothing was saved: ben chose “Hats”.",
        lost.pk: "Another reviewer has this photo on the screen now.",
        drawn.pk: "This photo is to be looked at by itself.",
    }
    assert state(fine) == "confirmed"
    assert state(lost) == state(drawn) == "unlabelled"
    assert state(changed) == "corrected"


def test_one_undo_takes_the_whole_page_back(shirts: Category, rita: User) -> None:
    images = [answered(shirts) for _ in range(3)]
    page = list(grid.open_grid(rita).images)
    grid.save(rita, shirts, seen=seen(page), flagged=[], batch=uuid.uuid4())
    token = uuid.uuid4()

    back, outcome = grid.take_back(rita, token=token)
    again, _ = grid.take_back(rita, token=token)

    assert len(outcome.decisions) == 3
    assert back.category == again.category == shirts
    assert sorted(ids(back.images)) == sorted(ids(again.images)) == ids(images)
    assert {state(image) for image in images} == {LabelState.UNLABELLED}
    assert queue.renew(factories.user(Role.REVIEWER), ids(images)) == {}
    assert Decision.objects.count() == 6


def test_a_photo_that_cannot_be_taken_back_does_not_hide_the_page_before(
    shirts: Category, rita: User
) -> None:
    batches = [uuid.uuid4(), uuid.uuid4()]
    pages = []
    for batch in batches:
        pages.append([answered(shirts) for _ in range(2)])
        grid.save(rita, shirts, seen=seen(pages[-1]), flagged=[], batch=batch)
    lifecycle.withdraw(pages[1][0], by=rita)

    last, _ = grid.take_back(rita)
    before, _ = grid.take_back(rita)

    assert ids(last.images) == ids(pages[1][1:])
    assert sorted(ids(before.images)) == ids(pages[0])
    with pytest.raises(NotAllowed, match="withdrawn"):
        grid.take_back(rita)


def test_a_page_of_somebody_else_cannot_be_taken_back(shirts: Category, rita: User) -> None:
    answered(shirts)
    batch = uuid.uuid4()
    page = list(grid.open_grid(rita).images)
    grid.save(rita, shirts, seen=seen(page), flagged=[], batch=batch)
    client = signed_in(factories.user(Role.REVIEWER))

    answer = client.post(
        reverse("grid-undo"), {"batch": batch}, headers={"X-Requested-With": "fetch"}
    )

    assert answer.status_code == 409
    assert "no page of yours" in answer.json()["message"]


def test_what_the_grid_confirmed_only_ever_trains(shirts: Category, rita: User) -> None:
    merchant = factories.merchant()
    for n in range(40):
        answered(shirts, merchant=merchant, sku=f"S-{n}", sha256=f"{n:064}")
    for split in (Split.VALIDATION, Split.TEST):
        product = factories.product(merchant, sku=f"in {split}", split=split)
        answered(shirts, merchant=merchant, sku=product.sku)
    while page := list(grid.open_grid(rita).images):
        grid.save(rita, shirts, seen=seen(page), flagged=[], batch=uuid.uuid4())

    origins = set(Decision.objects.values_list("origin", flat=True))
    assert origins == {Origin.GRID}
    assert ProductImage.objects.filter(label_origin=Origin.GRID).count() == 42
    counted = training_set.build()
    assert len(counted.of(Split.TRAIN)) == 40
    assert counted.of(Split.VALIDATION) == counted.of(Split.TEST) == []


def test_the_page_works_without_scripts(shirts: Category, rita: User) -> None:
    images = [answered(shirts) for _ in range(2)]
    client = signed_in(rita)
    html = client.get(reverse("review-grid")).content.decode()
    batch = re.findall(r'name="batch" value="([^"]+)"', html)[0]
    shown = re.findall(r'name="seen" value="([^"]+)"', html)

    form = {"category": shirts.pk, "batch": batch, "seen": shown, "flag": [images[0].pk]}
    saved = client.post(reverse("grid-save"), form, follow=True).content.decode()
    undone = client.post(reverse("grid-undo"), {}, follow=True).content.decode()

    assert "1 photo confirmed as “Shirts”. 1 photo for you on the review desk." in saved
    assert "1 photo taken back." in undone
    assert {state(image) for image in images} == {LabelState.UNLABELLED}


def test_an_empty_grid_says_where_to_go_on(shirts: Category, rita: User) -> None:
    client = signed_in(rita)
    assert "Nothing waits for a grid" in client.get(reverse("review-grid")).content.decode()
    answered(factories.category("Hats"))

    url = f"{reverse('review-grid')}?category={shirts.pk}"
    html = client.get(url).content.decode()

    assert "No more photos of “Shirts” for now" in html
    assert "Hats (1)" in html


def test_a_retired_category_has_no_grid_and_cannot_be_confirmed(
    shirts: Category, rita: User
) -> None:
    image = answered(shirts)
    Category.objects.filter(pk=shirts.pk).update(retired_at=image.created_at)
    assert grid.open_grid(rita).images == []

    form = {"category": shirts.pk, "batch": uuid.uuid4(), "seen": f"{image.pk}:0"}
    answer = signed_in(rita).post(reverse("grid-save"), form, headers={"X-Requested-With": "fetch"})

    assert answer.status_code == 409
    assert "cannot be chosen" in answer.json()["message"]

"""/models/labels/: what is doubted, deciding again, and saying that a label is right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import doubts, lifecycle
from catalog.doubts import CheckUnderWay, DoubtGone, Found
from catalog.models import Category, CheckState, LabelCheck, LabelDoubt, ProductImage, Role, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reviewer(client: Client) -> User:
    rita = factories.user(Role.REVIEWER, name="rita")
    client.force_login(rita)
    return rita


def looked(*found: Found, labels: int = 100) -> LabelCheck:
    """A look that ended with these doubts."""
    check = doubts.claim(doubts.request().pk)
    assert check is not None
    assert doubts.finish(check, found, labels=labels)
    return check


def doubted(image: ProductImage, suggested: Category, own: float = 0.004) -> Found:
    assert image.label_id is not None
    return Found(image.pk, image.label_id, suggested.pk, 0.97, own)


def page(client: Client) -> str:
    answer = client.get(reverse("labels"))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_before_the_first_look_the_page_says_when_it_comes(client: Client) -> None:
    assert "Nobody has looked yet" in page(client)


def test_doubtful_labels_are_listed_with_what_the_model_would_say(
    client: Client, hats: Category, shoes: Category
) -> None:
    first, second = (factories.labelled_image(hats, stored=False, name=n) for n in ("a", "b"))
    looked(doubted(first, shoes, own=0.03), doubted(second, shoes, own=0.001))
    text = page(client)
    assert "through 100 labels: 2 doubtful" in text
    assert text.index(">b</a>") < text.index(">a</a>")
    assert '<dt>Labelled</dt><dd>Hats <span class="muted">&lt;1%</span>' in text
    assert '<strong>Shoes</strong> <span class="muted">97%</span>' in text
    assert f'href="{reverse("image", args=[first.pk])}"' in text


def test_nothing_doubtful_is_said(client: Client) -> None:
    looked()
    assert "Nothing doubtful" in page(client)


def test_a_label_called_right_is_not_doubted_again(
    client: Client, reviewer: User, hats: Category, shoes: Category
) -> None:
    image = factories.labelled_image(hats, stored=False)
    looked(doubted(image, shoes))
    doubt = LabelDoubt.objects.get()
    answer = client.post(reverse("label-dismiss", args=[doubt.pk]), follow=True)
    assert "Noted: the label is right." in answer.content.decode()
    doubt.refresh_from_db()
    assert doubt.dismissed_by == reviewer
    looked(doubted(image, shoes))
    assert not doubts.standing().exists()


def test_once_the_label_changed_it_may_be_doubted_anew(
    client: Client, reviewer: User, hats: Category, shoes: Category
) -> None:
    image = factories.labelled_image(hats, stored=False)
    looked(doubted(image, shoes))
    doubts.dismiss(LabelDoubt.objects.get().pk, by=reviewer)
    lifecycle.decide_category(image, shoes, by=reviewer, revision=image.revision)
    image.refresh_from_db()
    looked(doubted(image, hats))
    assert doubts.standing().get().label == shoes


def test_a_photo_decided_again_leaves_the_list(
    client: Client, reviewer: User, hats: Category, shoes: Category
) -> None:
    image = factories.labelled_image(hats, stored=False)
    looked(doubted(image, shoes))
    lifecycle.decide_category(image, shoes, by=reviewer, revision=image.revision)
    assert not doubts.standing().exists()
    answer = client.post(reverse("label-dismiss", args=[LabelDoubt.objects.get().pk]), follow=True)
    assert "This label changed" in answer.content.decode()


def test_a_withdrawn_photo_leaves_the_list(hats: Category, shoes: Category) -> None:
    image = factories.labelled_image(hats, stored=False)
    looked(doubted(image, shoes))
    lifecycle.withdraw(image, by=factories.user(Role.MANAGER))
    assert not doubts.standing().exists()


def test_a_manager_asks_for_a_look_once(client: Client) -> None:
    assert client.post(reverse("label-check")).status_code == 403
    client.force_login(factories.user(Role.MANAGER, name="mira"))
    for _ in range(2):
        client.post(reverse("label-check"))
    check = LabelCheck.objects.get()
    assert check.requested_by is not None
    assert check.requested_by.username == "mira"
    text = page(client)
    assert "waits for the trainer" in text
    assert "being looked through already" in text
    assert "Look through the labels</button>" not in text


def test_a_look_whose_trainer_died_is_given_up(client: Client) -> None:
    check = doubts.claim(doubts.request().pk)
    assert check is not None
    with pytest.raises(CheckUnderWay):
        doubts.request()
    LabelCheck.objects.update(seen_at=timezone.now() - timedelta(minutes=6))
    assert "The trainer stopped on the way. Look again." in page(client)
    assert not doubts.finish(check, [], labels=5)
    assert doubts.request().state == CheckState.QUEUED


def test_a_look_is_taken_up_once() -> None:
    check = doubts.request()
    assert doubts.waiting() == check.pk
    assert doubts.claim(check.pk) is not None
    assert doubts.claim(check.pk) is None
    assert doubts.waiting() is None


def test_no_more_are_kept_than_anybody_reads(
    hats: Category, shoes: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubts, "KEPT", 2)
    images = [factories.labelled_image(hats, stored=False) for _ in range(3)]
    check = looked(*(doubted(image, shoes, own=n / 100) for n, image in enumerate(images)))
    check.refresh_from_db()
    assert check.found == doubts.standing().count() == 2


def test_the_models_page_counts_them(client: Client, hats: Category, shoes: Category) -> None:
    looked(doubted(factories.labelled_image(hats, stored=False), shoes))
    text = " ".join(client.get("/models/").content.decode().split())
    assert "1 checked photo carries a label that the others contradict." in text


def test_a_merchant_may_not_look(client: Client) -> None:
    client.force_login(factories.user(Role.MERCHANT))
    assert client.get(reverse("labels")).status_code == 403


def test_the_page_asks_no_more_queries_for_more_doubts(
    client: Client, hats: Category, shoes: Category
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries(photos: int) -> int:
        images = [factories.labelled_image(hats, stored=False) for _ in range(photos)]
        looked(*(doubted(image, shoes) for image in images))
        with CaptureQueriesContext(connection) as captured:
            page(client)
        return len(captured)

    assert queries(2) == queries(10)


# One after the other


def at_the_queue(client: Client, address: str = "") -> str:
    answer = client.get(address or reverse("label-queue"))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_queue_shows_the_most_doubtful_and_goes_on_to_the_next(
    client: Client, reviewer: User, hats: Category, shoes: Category
) -> None:
    images = [factories.labelled_image(hats, stored=False, name=n) for n in ("a.jpg", "b.jpg")]
    looked(*(doubted(image, shoes, own=n / 100) for n, image in enumerate(images, start=1)))
    first = LabelDoubt.objects.get(image=images[0])
    assert "a.jpg" in at_the_queue(client)

    answer = client.post(reverse("label-keep", args=[first.pk]))
    text = at_the_queue(client, answer["Location"])

    assert "b.jpg" in text
    assert "1 left" in text
    first.refresh_from_db()
    assert first.dismissed_by == reviewer


def test_changing_a_label_and_taking_it_back_brings_the_photo_back(
    client: Client, hats: Category, shoes: Category
) -> None:
    images = [factories.labelled_image(hats, stored=False, name=n) for n in ("a.jpg", "b.jpg")]
    looked(*(doubted(image, shoes, own=n / 100) for n, image in enumerate(images, start=1)))
    doubt = LabelDoubt.objects.get(image=images[0])

    fields = {"category": shoes.pk, "revision": images[0].revision}
    answer = client.post(reverse("label-relabel", args=[doubt.pk]), fields)
    images[0].refresh_from_db()
    assert images[0].label == shoes
    shown = client.get(answer["Location"])
    assert shown.context["doubt"].image == images[1]

    undo = {"decided": shown.context["decided"], "at": shown.context["came_from"]}
    back = client.post(reverse("label-undo"), undo)
    images[0].refresh_from_db()
    assert images[0].label == hats
    assert "a.jpg" in at_the_queue(client, back["Location"])


def test_taking_back_that_a_label_is_right_doubts_it_again(
    client: Client, hats: Category, shoes: Category
) -> None:
    image = factories.labelled_image(hats, stored=False)
    looked(doubted(image, shoes))
    doubt = LabelDoubt.objects.get()
    client.post(reverse("label-keep", args=[doubt.pk]))
    assert "No label is doubted now" in at_the_queue(client)

    client.post(reverse("label-undo"), {"kept": doubt.pk, "at": doubt.pk})

    assert doubts.standing().get() == doubt


def test_what_another_person_said_is_not_taken_back(
    client: Client, hats: Category, shoes: Category
) -> None:
    looked(doubted(factories.labelled_image(hats, stored=False), shoes))
    doubt = LabelDoubt.objects.get()
    doubts.dismiss(doubt.pk, by=factories.user(Role.REVIEWER))

    answer = client.post(reverse("label-undo"), {"kept": doubt.pk}, follow=True)

    assert "nothing of yours to take back" in answer.content.decode()


def test_a_label_that_changed_meanwhile_is_refused_with_what_happened(
    client: Client, hats: Category, shoes: Category
) -> None:
    image = factories.labelled_image(hats, stored=False)
    looked(doubted(image, shoes))
    doubt = LabelDoubt.objects.get()
    other = factories.user(Role.REVIEWER, name="ralf")
    lifecycle.decide_category(image, factories.category("Caps"), by=other, revision=1)

    fields = {"category": shoes.pk, "revision": 1}
    answer = client.post(reverse("label-relabel", args=[doubt.pk]), fields, follow=True)

    assert "ralf chose “Caps”" in answer.content.decode()


def test_skipping_goes_round(client: Client, hats: Category, shoes: Category) -> None:
    images = [factories.labelled_image(hats, stored=False, name=n) for n in ("a.jpg", "b.jpg")]
    looked(*(doubted(image, shoes, own=n / 100) for n, image in enumerate(images, start=1)))
    first, last = (LabelDoubt.objects.get(image=image) for image in images)

    queue = reverse("label-queue")
    assert "b.jpg" in at_the_queue(client, f"{queue}?after={first.pk}")
    assert "a.jpg" in at_the_queue(client, f"{queue}?after={last.pk}")


def test_calling_a_label_right_that_another_look_no_longer_doubts_is_refused(
    reviewer: User, hats: Category, shoes: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look ends between reading the doubt and saying so."""
    image = factories.labelled_image(shoes)
    looked(doubted(image, hats))
    doubt = LabelDoubt.objects.get()
    monkeypatch.setattr(doubts, "require_in_sight", lambda *_seen: looked(doubted(image, hats)))

    with pytest.raises(DoubtGone, match="nothing was saved"):
        doubts.dismiss(doubt.pk, by=reviewer)


def test_what_was_removed_during_the_look_is_left_out(hats: Category, shoes: Category) -> None:
    image = factories.labelled_image(shoes)
    absent = ProductImage(pk=image.pk + 1, label=shoes)

    looked(
        doubted(absent, hats),
        Found(image.pk, shoes.pk, hats.pk + shoes.pk, 0.97, 0.004),
        doubted(image, hats),
    )

    assert LabelDoubt.objects.get().suggested == hats
    connection.check_constraints()

"""What was decided is found again, taken back one by one or as a range, and downloaded."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import decisions, history, lifecycle
from catalog.models import Category, Decision, ProductImage, Role, UnusableReason, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia() -> User:
    return factories.user(Role.MANAGER, name="mia")


def photo(name: str) -> ProductImage:
    return factories.image(stored=False, name=name, machine="classified", drawn=False)


def decide(image: ProductImage, category: Category, by: User) -> Decision:
    image.refresh_from_db()
    return lifecycle.decide_category(image, category, by=by, revision=image.revision)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(user: User, **query: Any) -> str:
    answer = signed_in(user).get(reverse("review-history"), query)
    return str(answer.content.decode())


def undo(user: User, *chosen: Decision, **query: Any) -> str:
    address = reverse("review-history-undo-now", query=query)
    ids = ",".join(str(decision.pk) for decision in chosen)
    return str(signed_in(user).post(address, {"ids": ids}, follow=True).content.decode())


def test_a_reviewer_sees_what_they_decided_and_a_manager_everything(
    ada: User, ben: User, mia: User, shirts: Category
) -> None:
    decide(photo("of-ada.jpg"), shirts, ada)
    decide(photo("of-ben.jpg"), shirts, ben)

    for_ada, for_mia = shown(ada), shown(mia)

    assert "of-ada.jpg" in for_ada
    assert "of-ben.jpg" not in for_ada
    assert for_mia.index("of-ben.jpg") < for_mia.index("of-ada.jpg")


def test_filters_by_reviewer_category_kind_photo_and_day(
    ada: User, ben: User, mia: User, shirts: Category, hats: Category
) -> None:
    first, second, third = photo("a.jpg"), photo("b.jpg"), photo("c.jpg")
    old = decide(first, shirts, ada)
    decide(second, hats, ben)
    lifecycle.decide_unusable(third, UnusableReason.BLURRED, by=ben, revision=0)
    long_ago = timezone.now() - timedelta(days=10)
    Decision.objects.filter(pk=old.pk).update(at=long_ago)
    today, then = timezone.localdate().isoformat(), timezone.localtime(long_ago).date().isoformat()

    asked: dict[str, dict[str, Any]] = {
        "a": {"since": then, "until": then},
        "b": {"category": hats.pk},
        "c": {"kind": "unusable"},
        "bc": {"since": today},
        "ac": {"image": "nothing", "reviewer": ""},
    }
    found = {
        name: "".join(n for n in "abc" if f">{n}.jpg<" in shown(mia, **query))
        for name, query in asked.items()
    }

    assert found == {"a": "a", "b": "b", "c": "c", "bc": "bc", "ac": ""}
    assert ">a.jpg<" in shown(mia, reviewer=ada.pk)
    assert ">b.jpg<" not in shown(mia, reviewer=ada.pk)
    assert ">b.jpg<" in shown(mia, image="b.jpg")
    assert ">b.jpg<" in shown(mia, image=f"#{second.pk}")
    assert "No decision matches" in shown(mia, until="2001-01-01")


def test_a_filter_that_makes_no_sense_is_told_beside_its_field(mia: User) -> None:
    assert "Enter a valid date" in shown(mia, since="soon")


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31"])
@pytest.mark.parametrize("field", ["since", "until"])
def test_a_day_out_of_reach_is_told_beside_its_field(
    field: str, day: str, mia: User, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    assert "Choose a day from 2000 to 2199." in shown(mia, **{field: day})


def test_pages_are_walked_in_both_directions(
    ada: User, shirts: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "PAGE_SIZE", 2)
    made = [decide(photo(f"{n}.jpg"), shirts, ada) for n in range(5)]
    rows = decisions.matching(ada, decisions.Wanted())

    def ids(page: decisions.Page) -> list[int]:
        return [line.first.pk for line in page.lines]

    first = decisions.page(rows, {})
    second = decisions.page(rows, {"before": first.older})
    last = decisions.page(rows, {"before": second.older})
    back = decisions.page(rows, {"after": last.newer})

    newest_first = [decision.pk for decision in reversed(made)]
    assert [ids(first), ids(second), ids(last)] == [
        newest_first[:2],
        newest_first[2:4],
        newest_first[4:],
    ]
    assert ids(back) == ids(second)
    assert (first.newer, last.older) == (None, None)


def test_decisions_made_with_one_key_are_one_line_and_one_undo(ada: User, shirts: Category) -> None:
    images = [photo(f"{n}.jpg") for n in range(3)]
    seen = {image.pk: 0 for image in images}
    lifecycle.decide_many(seen, shirts, by=ada, batch=uuid4())

    page = shown(ada)
    (line,) = decisions.page(decisions.matching(ada, decisions.Wanted()), {}).lines
    answer = undo(ada, *line.decisions)

    assert "and 2 others" in page
    assert "Undo 3" in page
    assert "3 decisions undone" in answer
    assert not ProductImage.objects.labelled().exists()


def test_undoing_one_brings_back_what_stood_before(
    ada: User, shirts: Category, hats: Category
) -> None:
    image = photo("a.jpg")
    decide(image, shirts, ada)
    latest = decide(image, hats, ada)

    answer = undo(ada, latest)

    image.refresh_from_db()
    assert image.label == shirts
    assert "1 decision undone." in answer
    assert "Undid: Chose Hats" in answer


def test_undoing_all_that_is_filtered_asks_first_and_says_how_many(
    ada: User, mia: User, shirts: Category, hats: Category
) -> None:
    for n in range(3):
        decide(photo(f"{n}.jpg"), shirts, ada)
    decide(photo("kept.jpg"), hats, ada)
    query = {"category": shirts.pk}

    asked = signed_in(mia).get(reverse("review-history-undo"), query)
    ids = asked.context["ids"]
    address = reverse("review-history-undo-now", query=query)
    answer = signed_in(mia).post(address, {"ids": ids}, follow=True).content.decode()

    assert "Undo 3 decisions?" in asked.content.decode()
    assert "3 decisions undone." in answer
    assert list(ProductImage.objects.labelled()) == [ProductImage.objects.get(label=hats)]


def test_a_chain_on_one_photo_is_taken_back_to_its_beginning(
    ada: User, shirts: Category, hats: Category
) -> None:
    image = photo("a.jpg")
    chain = [decide(image, category, ada) for category in (shirts, hats, shirts)]

    assert "3 decisions undone." in undo(ada, *chain)
    image.refresh_from_db()
    assert image.label is None


def test_what_was_decided_again_or_withdrawn_stands_and_is_counted(
    ada: User, ben: User, mia: User, shirts: Category, hats: Category
) -> None:
    again, gone, free, held = (photo(f"{n}.jpg") for n in range(4))
    made = [decide(image, shirts, ada) for image in (again, gone, free, held)]
    decide(again, hats, ben)
    gone.refresh_from_db()
    lifecycle.withdraw(gone, by=mia)
    soon = timezone.now() + timedelta(minutes=5)
    ProductImage.objects.filter(pk=held.pk).update(reviewer=ben, review_lease_until=soon)

    answer = undo(ada, *made)

    assert "1 decision undone." in answer
    assert "1 decided again since" in answer
    assert "1 withdrawn or undone already" in answer
    assert "1 on another reviewer’s screen now" in answer
    again.refresh_from_db()
    assert again.label == hats


def test_a_reviewer_cannot_undo_what_somebody_else_decided(
    ada: User, ben: User, shirts: Category
) -> None:
    image = photo("a.jpg")
    decision = decide(image, shirts, ada)

    undo(ben, decision)

    image.refresh_from_db()
    assert image.label == shirts


def test_imports_are_not_undone_as_a_range(mia: User, shirts: Category) -> None:
    lifecycle.import_label(photo("a.jpg"), shirts)

    page = signed_in(mia).get(reverse("review-history-undo")).content.decode()

    assert "Nothing to undo" in page


def test_no_more_than_so_many_are_undone_at_once(
    ada: User, shirts: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "UNDO_AT_ONCE", 2)
    made = [decide(photo(f"{n}.jpg"), shirts, ada) for n in range(3)]

    found = decisions.to_undo(decisions.matching(ada, decisions.Wanted()))

    assert [decision.pk for decision in found] == [made[2].pk, made[1].pk]


def test_the_csv_holds_what_is_filtered_and_nothing_a_spreadsheet_would_run(
    ada: User, mia: User, shirts: Category
) -> None:
    decide(photo("=HYPERLINK(1).jpg"), shirts, ada)
    decide(photo("other.jpg"), shirts, mia)

    answer = signed_in(mia).get(reverse("review-history-csv"), {"reviewer": ada.pk})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    (row,) = csv.DictReader(io.StringIO(text))

    assert row["file"] == "'=HYPERLINK(1).jpg"
    assert (row["reviewer"], row["category"], row["undone"]) == ("ada", "Shirts", "no")


def test_the_history_is_read_through_indexes(
    ada: User, mia: User, shirts: Category, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(mia)
    for n in range(9):
        decide(photo(f"{n}.jpg"), shirts, ada)

    with django_assert_max_num_queries(8):
        client.get(reverse("review-history"))
    for wanted in (
        decisions.Wanted(reviewer=ada.pk),
        decisions.Wanted(category=shirts.pk),
        decisions.Wanted(kind="correct"),
        decisions.Wanted(since=timezone.localdate()),
    ):
        plan = decisions.matching(mia, wanted)[:50].explain()
        assert "SCAN catalog_decision\n" not in f"{plan}\n", wanted
        assert "TEMP B-TREE" not in plan, wanted


def test_the_desk_and_the_photo_word_a_decision_the_same(
    ada: User, shirts: Category, hats: Category
) -> None:
    image = photo("a.jpg")
    decide(image, shirts, ada)
    latest = decide(image, hats, ada)
    undo(ada, latest)

    lines = decisions.page(decisions.matching(ada, decisions.Wanted()), {}).lines

    image.refresh_from_db()
    on_photo = [event.what for event in history.of(image, reader=ada)]
    assert all(line.words in on_photo for line in lines)


def test_a_decision_names_only_once_what_it_stands_instead_of(
    ada: User, shirts: Category, hats: Category
) -> None:
    image = factories.answered_image(shirts, name="a.jpg")
    decide(image, hats, ada)

    assert len(re.findall(r">[^<]*instead of", shown(ada))) == 1

"""The page of one version: figures, mix-ups, curves, going live."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from catalog import golive
from catalog.models import Category, ModelVersion, Role, Serving, TrainingRun, VersionState
from tests import factories
from tests.catalog.model_reports import judged_version, metrics

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("manager")]


def page(client: Client, version: ModelVersion) -> str:
    answer = client.get(reverse("model", args=[version.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_each_category_has_its_figures(client: Client, hats: Category, shoes: Category) -> None:
    text = page(client, judged_version([(hats, hats)] * 3 + [(shoes, shoes), (shoes, hats)]))
    row = text[text.index('data-label="Category"><span>Hats') :]
    cells = row[: row.index("</tr>")].split('<td class="number" ')[1:]
    figures = [strip_tags(f"<td {cell}").strip() for cell in cells]
    assert figures == ["75.0%", "100.0%", "85.7%", "3"]


def test_a_cell_of_the_matrix_opens_its_photos(
    client: Client, hats: Category, shoes: Category
) -> None:
    version = judged_version([(hats, hats), (shoes, hats), (shoes, hats)])
    text = page(client, version)
    address = f"/models/{version.pk}/confusion/?true=shoes&amp;predicted=hats"
    assert address in text
    assert 'aria-label="2 of Shoes, answered Hats"' in text
    assert "2 × Shoes" in text
    assert client.get(address.replace("&amp;", "&")).status_code == 200


def test_no_mix_ups_are_said_to_be_none(client: Client, hats: Category) -> None:
    assert "every test photo was answered right" in page(client, judged_version([(hats, hats)]))


def test_a_matrix_of_very_many_categories_gives_way_to_the_list(client: Client) -> None:
    categories = [factories.category(f"Kind {n}") for n in range(41)]
    answers = [(c, c) for c in categories[1:]] + [(categories[0], categories[1])]
    version = factories.version(metrics=metrics(answers))
    text = page(client, version)
    assert "With 41 categories a full table would be unreadable" in text
    assert "1 × Kind 0" in text


def test_the_curves_are_drawn_and_written(client: Client, hats: Category) -> None:
    text = page(client, judged_version([(hats, hats)]))
    assert text.count("<polyline") >= 6
    assert "<title id=" in text
    assert "<desc id=" in text
    assert "Fine-tuning" in text
    assert "The same as a table" in text


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.25, "<dt>Fine-tuning</dt><dd>25% of what it changed was kept"),
        (1.0, "<dt>Fine-tuning</dt><dd>100% of what it changed was kept"),
        (0.0, "<dt>Fine-tuning</dt><dd>changed nothing"),
    ],
)
def test_how_much_of_the_fine_tuning_was_kept_is_told(
    client: Client, hats: Category, share: float, words: str
) -> None:
    kept = metrics([(hats, hats)]) | {"fine_tune_share": share}
    assert words in page(client, judged_version([(hats, hats)], metrics=kept))


@pytest.mark.parametrize("kept", [{}, {"fine_tune_share": None}])
def test_nothing_is_told_of_fine_tuning_where_there_was_none(
    client: Client, hats: Category, kept: dict[str, Any]
) -> None:
    version = judged_version([(hats, hats)], metrics=metrics([(hats, hats)]) | kept)
    assert "<dt>Fine-tuning</dt>" not in page(client, version)


def test_a_version_that_learned_new_categories_alone_says_so(
    client: Client, hats: Category
) -> None:
    kept = metrics([(hats, hats)]) | {"only_new": True}
    version = judged_version([(hats, hats)], metrics=kept)
    assert version.run is not None
    TrainingRun.objects.filter(pk=version.run.pk).update(history={"head": {}})

    text = page(client, version)

    assert "<dt>Learned</dt><dd>new categories only" in text
    assert "Only new categories were learned, which takes a moment" in text


def test_the_page_carries_no_inline_style_or_script(client: Client, hats: Category) -> None:
    text = page(client, judged_version([(hats, hats)]))
    assert " style=" not in text
    assert "<style" not in text
    assert "<script>" not in text


def test_the_version_live_at_the_time_is_the_yardstick(
    client: Client, hats: Category, shoes: Category
) -> None:
    before = judged_version([(hats, hats), (shoes, hats)])
    report = metrics([(hats, hats), (shoes, shoes)])
    report["baseline"] = before.metrics | {"version": before.pk}
    report["gate"] = {"reason": "Macro-F1 +66.7 points."}
    text = page(client, factories.version(metrics=report, reason="Put live by mira."))
    assert f"version {before.pk}" in text
    assert "answered right +50.0 points" in text
    assert "Macro-F1 +66.7 points." in text
    assert f"F1 against version {before.pk}" in text


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"images": 40},
        {"images": "many", "accuracy": "high", "per_class": [1], "confusion": 3},
        {"images": 2, "confusion": {"labels": ["a", "b"], "matrix": [[1]]}},
        {"images": 2, "per_class": {"gone": {"f1": 0.5}}, "baseline": None, "gate": []},
        {"baseline": {"version": 123_456}},
    ],
)
def test_a_report_with_missing_parts_still_gives_a_page(
    client: Client, broken: dict[str, Any]
) -> None:
    page(client, factories.version(metrics=broken))


def test_a_version_without_a_run_has_a_page(client: Client) -> None:
    text = page(client, factories.version(run=None))
    assert "No curves" in text
    assert "No test photos" in text


def test_a_category_that_was_removed_keeps_its_slug(client: Client) -> None:
    report = {"images": 1, "per_class": {"old-hats": {"f1": 1.0, "support": 1}}}
    assert "old-hats" in page(client, factories.version(metrics=report))


def test_a_category_the_version_does_not_know_is_named(client: Client, hats: Category) -> None:
    report = metrics([(hats, hats)]) | {"unknown_categories": ["hats"]}
    assert "It does not know Hats" in page(client, factories.version(metrics=report))


def test_the_recipe_is_listed(client: Client) -> None:
    recipe = {"dropout": 0.5, "weights": {"source": "imagenet"}}
    text = page(client, factories.version(recipe=recipe))
    assert "<code>dropout</code>" in text
    assert "starter weights.</strong>" not in text


def test_a_manager_puts_a_rejected_version_live_and_is_named(client: Client) -> None:
    version = factories.version(VersionState.REJECTED)
    assert "The test said no." in page(client, version)
    client.post(reverse("promote", args=[version.pk]), {"note": "Shirts were labelled wrongly."})
    version.refresh_from_db()
    assert Serving.current().live == version
    assert version.reason == "Put live by mira: Shirts were labelled wrongly."
    assert Serving.current().paused_at is not None


def test_promoting_the_live_version_is_refused_in_words(client: Client) -> None:
    version = factories.version()
    golive.promote_automatically(version, reason="First.")
    answer = client.post(reverse("promote", args=[version.pk]), follow=True)
    assert f"Version {version.pk} is live already." in answer.content.decode()


def test_a_version_without_files_cannot_go_live(client: Client) -> None:
    version = factories.version(files_present=False)
    assert "it can no longer go live" in page(client, version)
    client.post(reverse("promote", args=[version.pk]))
    assert Serving.current().live is None


def test_a_reviewer_may_look_and_not_promote(client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    version = factories.version()
    assert "A manager can put it live." in page(client, version)
    assert client.post(reverse("promote", args=[version.pk])).status_code == 403
    assert Serving.current().live is None


def test_an_unknown_version_is_not_found(client: Client) -> None:
    assert client.get("/models/999999/").status_code == 404

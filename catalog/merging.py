"""Categories that became one. A merged category keeps its row, its name and its history; its labels
and answers count as those of the category it was merged into. `Category.merged_into` alone says so:
clearing it undoes a merge. What an image carries is brought up to date behind it, by `counting`."""

from __future__ import annotations

from collections.abc import Mapping

from .models import Category

Pair = tuple[int, float]
"""(category id, confidence)"""


def targets() -> dict[int, int]:
    """{id of a merged category: id of what it counts as}, along chains to their ends. One query,
    of as many rows as there are merged categories."""
    rows = Category.objects.filter(merged_into__isnull=False)
    step = dict(rows.values_list("pk", "merged_into_id"))
    return {pk: _end(pk, step) for pk in step}


def _end(pk: int, step: Mapping[int, int | None]) -> int:
    while (onward := step.get(pk)) is not None:
        pk = onward
    return pk


def slugs() -> dict[str, str]:
    """{slug of a merged category: slug of what it counts as}"""
    ends = targets()
    slug_of = dict(
        Category.objects.filter(pk__in={*ends, *ends.values()}).values_list("pk", "slug")
    )
    return {slug_of[pk]: slug_of[end] for pk, end in ends.items()}


def before_and_now(before: Mapping[str, str]) -> dict[str, str]:
    """{slug: slug of what it counts as} where both what was merged `before` and what is merged now
    is one: what a merge since then joined, and what an undo since then cannot part any more in
    labels that were read."""
    now = slugs()
    ends = {slug: before.get(slug, slug) for slug in {*before, *now}}
    return {slug: now.get(end, end) for slug, end in ends.items()}


def resolve(category: Category) -> Category:
    """The category itself, or what it counts as by now."""
    end = targets().get(category.pk)
    return category if end is None else Category.objects.get(pk=end)


def counting_as(category: Category) -> list[int]:
    """Ids of the category and of all that were merged into it, directly or on the way."""
    return [category.pk, *(pk for pk, end in targets().items() if end == category.pk)]


def fold(top: list[Pair], ends: dict[int, int]) -> list[Pair]:
    """An answer as it counts now, best first: what a merged category got is added to its target."""
    shares: dict[int, float] = {}
    for pk, share in top:
        end = ends.get(pk, pk)
        shares[end] = shares.get(end, 0.0) + share
    return sorted(shares.items(), key=lambda pair: -pair[1])

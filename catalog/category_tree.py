"""The category tree as a page shows it, and what the page of one category says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from . import carrying, category_photos
from .models import Category, CategoryChange, ProductImage

CHANGES_SHOWN = 8


@dataclass
class Node:
    category: Category
    photos: int
    """Photos that people put here and below."""
    waiting: int
    """Photos the model put here and below that nobody checked yet."""
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Tree:
    roots: list[Node]
    retired: list[Category]
    leaves: int
    photos: int
    waiting: int
    checked_in: dict[int, int]
    """{category id: photos that people put into this very category}"""
    waiting_in: dict[int, int]


@dataclass(frozen=True)
class Facts:
    """How one category stands."""

    is_leaf: bool
    labelled: int
    """Photos that people put into this very category."""
    suggested: int
    tested: int
    """Of the labelled ones, those on which versions are tested."""
    examples: list[ProductImage]
    changes: QuerySet[CategoryChange]
    unsettled: CategoryChange | None
    """A change whose photos are on their way still."""


def read() -> Tree:
    """The whole tree in a handful of queries."""
    counts, waiting = category_photos.counts(), category_photos.waiting()
    below: dict[int | None, list[Category]] = defaultdict(list)
    retired = []
    for category in Category.objects.select_related("merged_into").order_by("path"):
        if category.is_active:
            below[category.parent_id].append(category)
        else:
            retired.append(category)
    roots = _nodes(None, below, counts, waiting)
    leaves = sum(not below[c.pk] for siblings in list(below.values()) for c in siblings)
    photos, unchecked = sum(root.photos for root in roots), sum(root.waiting for root in roots)
    return Tree(roots, retired, leaves, photos, unchecked, counts, waiting)


def _nodes(
    parent_id: int | None,
    below: dict[int | None, list[Category]],
    counts: dict[int, int],
    waiting: dict[int, int],
) -> list[Node]:
    nodes = []
    for category in sorted(below[parent_id], key=lambda c: c.name.casefold()):
        children = _nodes(category.pk, below, counts, waiting)
        photos = counts.get(category.pk, 0) + sum(child.photos for child in children)
        unchecked = waiting.get(category.pk, 0) + sum(child.waiting for child in children)
        nodes.append(Node(category, photos, unchecked, children))
    return nodes


def facts(category: Category, tree: Tree) -> Facts:
    """What the tree counted is not counted again: a category may hold half of all photos."""
    chosen = category_photos.chosen_examples([category.pk])
    return Facts(
        is_leaf=Category.objects.leaves().filter(pk=category.pk).exists(),
        labelled=tree.checked_in.get(category.pk, 0),
        suggested=tree.waiting_in.get(category.pk, 0),
        tested=category_photos.tested(category),
        examples=[example.image for example in chosen],
        changes=changes().filter(Q(category=category) | Q(other=category))[:CHANGES_SHOWN],
        unsettled=carrying.unsettled(category),
    )


def changes() -> QuerySet[CategoryChange]:
    """What was changed, newest first, with who did and undid it."""
    return CategoryChange.objects.select_related("category", "by", "undone_by").order_by("-id")

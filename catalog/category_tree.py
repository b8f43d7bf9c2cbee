"""The category tree as a page shows it, and what the page of one category says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from . import category_photos
from .models import Category, ProductImage

CHANGES_SHOWN = 8


@dataclass
class Node:
    category: Category
    photos: int
    """Photos that people put here and below."""
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Tree:
    roots: list[Node]
    retired: list[Category]
    leaves: int
    photos: int


@dataclass(frozen=True)
class Facts:
    """How one category stands."""

    is_leaf: bool
    labelled: int
    """Photos that people put into this very category."""
    suggested: int
    examples: list[ProductImage]
    changes: QuerySet[LogEntry]


def read() -> Tree:
    """The whole tree in two queries."""
    counts = category_photos.counts()
    below: dict[int | None, list[Category]] = defaultdict(list)
    retired = []
    for category in Category.objects.order_by("path"):
        if category.is_active:
            below[category.parent_id].append(category)
        else:
            retired.append(category)
    roots = _nodes(None, below, counts)
    leaves = sum(not below[c.pk] for siblings in list(below.values()) for c in siblings)
    return Tree(roots, retired, leaves, sum(root.photos for root in roots))


def _nodes(
    parent_id: int | None, below: dict[int | None, list[Category]], counts: dict[int, int]
) -> list[Node]:
    nodes = []
    for category in sorted(below[parent_id], key=lambda c: c.name.casefold()):
        children = _nodes(category.pk, below, counts)
        photos = counts.get(category.pk, 0) + sum(child.photos for child in children)
        nodes.append(Node(category, photos, children))
    return nodes


def facts(category: Category) -> Facts:
    kind = ContentType.objects.get_for_model(Category)
    changes = LogEntry.objects.filter(content_type=kind, object_id=str(category.pk))
    chosen = category_photos.chosen_examples([category.pk])
    return Facts(
        is_leaf=Category.objects.leaves().filter(pk=category.pk).exists(),
        labelled=category_photos.labelled(category).count(),
        suggested=category_photos.suggested(category).count(),
        examples=[example.image for example in chosen],
        changes=changes.select_related("user").order_by("-action_time")[:CHANGES_SHOWN],
    )

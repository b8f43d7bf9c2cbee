"""The category tree reshaped: merge, move, split, and taking any change back. Each is one change
under the tree's lock, on record; what photos carry follows behind it (`carrying`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import carrying, category_photos, merging
from .categories import (
    PhotosTo,
    again,
    below,
    bring_back,
    checked,
    destination,
    insert,
    is_leaf,
    lock_tree,
    move_photos,
    record,
    require_destination,
    suggest_again,
    take_out,
    update_paths_below,
)
from .category_names import clean, path_of, require_free_name, slug_of
from .category_photos import Moved
from .errors import CategoryRule
from .models import Category, CategoryChange, ChangeKind, User

MOST_PARTS = 20


class PhotosGo(Enum):
    """Where the photos of a category go that is split."""

    FIRST = "first"
    """All to the first of the new ones."""
    REVIEW = "review"
    """People choose again."""


def merge(source: Category, target: Category, *, by: User) -> CategoryChange:
    """`source` becomes part of `target`, both leaves: its labels and answers count as those of
    `target` from this moment, here, in training and at serving; its history keeps its name."""
    with transaction.atomic():
        lock_tree()
        source = _in_use(source, field="")
        if source == target:
            raise CategoryRule("A category cannot be merged into itself.", field="target")
        target = _in_use(target, field="target")
        _require_mergeable(source, target)
        Category.objects.filter(pk=source.pk).update(merged_into=target, retired_at=timezone.now())
        change = record(
            ChangeKind.MERGE,
            source,
            by,
            f"Merged “{source}” into “{target}”.",
            other=target,
            is_settled=False,
        )
    carrying.carry(change)
    return change


def _in_use(category: Category, *, field: str) -> Category:
    """The row as it stands behind the lock."""
    current = Category.objects.select_related("merged_into").get(pk=category.pk)
    if current.merged_into is not None:
        raise CategoryRule(
            f"“{current}” was merged into “{current.merged_into}” meanwhile.", field=field
        )
    if not current.is_active:
        raise CategoryRule(f"“{current}” is retired; restore it first.", field=field)
    return current


def _require_mergeable(source: Category, target: Category) -> None:
    if target in below(source):
        raise CategoryRule(f"“{target}” stands below “{source}”; choose another.", field="target")
    if not is_leaf(source):
        raise CategoryRule(f"“{source}” has categories below it; merge those one by one.")
    if not is_leaf(target) and list(target.children.active()) != [source]:
        raise CategoryRule(
            f"“{target}” has categories below it; choose one of those.", field="target"
        )


def move(
    category: Category, parent: Category | None, *, by: User, photos_to: PhotosTo | None = None
) -> tuple[Category, Moved | None]:
    """Stand the category, with all below it, under `parent`, or at the top where that is None.
    The slug stays. A parent that was a leaf with photos says where those go, as in `add`."""
    with transaction.atomic():
        lock_tree()
        category = _in_use(category, field="")
        parent = again(parent)
        if parent is not None and (parent == category or parent in below(category)):
            raise CategoryRule(f"“{parent}” stands below “{category}” itself.", field="parent")
        if parent == category.parent:
            where = f"below “{parent}”" if parent else "at the top"
            raise CategoryRule(f"“{category}” stands {where} already.", field="parent")
        gains_first_child = parent is not None and is_leaf(parent)
        require_destination(parent, photos_to)
        before, words = {"parent": category.parent_id}, f"Moved “{category}”"
        _stand_under(category, parent)
        record(ChangeKind.MOVE, category, by, f"{words} to “{category}”.", before=before)
        target = destination(parent, photos_to, by)
        if parent is not None and gains_first_child:
            suggest_again(parent, f"“{parent}” gained categories below it.")
    return category, move_photos(parent, target, by)


def _stand_under(category: Category, parent: Category | None) -> None:
    require_free_name(parent, category.name, but=category)
    category.parent, category.path = parent, path_of(parent, category.name)
    try:
        with transaction.atomic():
            category.save(update_fields=["parent", "path"])
    except IntegrityError as error:
        raise CategoryRule(
            f"There is a category “{category.name}” there already.", field="parent"
        ) from error
    update_paths_below(category)


def split(
    leaf: Category, names: Sequence[str], *, by: User, photos_to: PhotosGo | None = None
) -> CategoryChange:
    """The leaf becomes a group with these categories below it. Where it has photos, `photos_to`
    says where those go, each by a decision of its own."""
    with transaction.atomic():
        lock_tree()
        leaf = _in_use(leaf, field="")
        if not is_leaf(leaf):
            raise CategoryRule(f"“{leaf}” has categories below it; add another instead.")
        names = [clean(name) for name in names]
        _require_parts(names)
        photos = category_photos.labelled(leaf).count()
        if photos and photos_to is None:
            raise CategoryRule(
                f"Say where the {checked(photos)} of “{leaf}” should go.", field="photos_to"
            )
        parts = [insert(leaf, name, stem=slug_of([leaf.slug, name])) for name in names]
        target = parts[0] if photos_to == PhotosGo.FIRST else None
        suggest_again(leaf, f"“{leaf}” was split.")
        where = f"went to “{target.name}”" if target else "went back to review"
        change = record(
            ChangeKind.SPLIT,
            leaf,
            by,
            f"Split “{leaf}” into {_listed(names)}"
            + (f"; {checked(photos)} {where}." if photos else "."),
            other=target,
            before={"parts": [part.pk for part in parts]},
            is_settled=not photos,
        )
    carrying.carry(change)
    return change


def _require_parts(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise CategoryRule("Name at least two categories, one a line.", field="names")
    if len(names) > MOST_PARTS:
        raise CategoryRule(f"Name at most {MOST_PARTS} categories at once.", field="names")
    folded = [name.casefold() for name in names]
    if len(set(folded)) < len(folded):
        raise CategoryRule("Two of the names are the same.", field="names")


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


# Taking changes back


def undo(change: CategoryChange, *, by: User) -> CategoryChange:
    """Take a change back; CategoryRule with the reason where something since stands in the way."""
    with transaction.atomic():
        lock_tree()
        change = CategoryChange.objects.select_related("category", "other").get(pk=change.pk)
        if change.undone_at is not None:
            raise CategoryRule(f"This was undone before, by {change.undone_by}.")
        _require_latest(change)
        UNDO[ChangeKind(change.kind)](change)
        change.undone_at, change.undone_by, change.cursor = timezone.now(), by, 0
        change.is_settled = change.kind not in {ChangeKind.MERGE, ChangeKind.SPLIT}
        change.save(update_fields=["undone_at", "undone_by", "cursor", "is_settled"])
    carrying.carry(change)
    return change


def _require_latest(change: CategoryChange) -> None:
    later = CategoryChange.objects.filter(
        category=change.category_id, kind=change.kind, pk__gt=change.pk, undone_at__isnull=True
    ).last()
    if later is not None:
        raise CategoryRule(f"Undo what came after it first: {later.words}")


def _undo_add(change: CategoryChange) -> None:
    category = change.category
    gone = [category, *(c for c in below(category) if c.is_active)]
    if photos := sum(category_photos.labelled(each).count() for each in gone):
        raise CategoryRule(
            f"“{category}” has {checked(photos)} by now; retire or merge it instead."
        )
    take_out(category)


def _undo_rename(change: CategoryChange) -> None:
    category, name = change.category, str(change.before["name"])
    if category.is_active:
        require_free_name(category.parent, name, but=category)
    category.name, category.path = name, path_of(category.parent, name)
    category.save(update_fields=["name", "path"])
    update_paths_below(category)


def _undo_describe(change: CategoryChange) -> None:
    category = change.category
    code = str(change.before["code"])
    owner = Category.objects.filter(code=code).exclude(pk=category.pk).first() if code else None
    if owner is not None:
        raise CategoryRule(f"The code {code} belongs to “{owner}” by now.")
    category.guidance, category.code = str(change.before["guidance"]), code
    category.save(update_fields=["guidance", "code"])


def _undo_retire(change: CategoryChange) -> None:
    _bring_back(change.category)


def _undo_restore(change: CategoryChange) -> None:
    take_out(change.category)


def _undo_merge(change: CategoryChange) -> None:
    Category.objects.filter(pk=change.category_id).update(merged_into=None)
    change.category.refresh_from_db()
    _bring_back(change.category, merged=change)


def _undo_move(change: CategoryChange) -> None:
    category = _in_use(change.category, field="")
    parent = Category.objects.filter(pk=change.before["parent"] or 0).first()
    if parent is not None:
        if parent in below(category):
            raise CategoryRule(f"“{parent}” stands below “{category}” by now; move it first.")
        parent = _in_use(parent, field="")
        _require_no_photos_of(parent)
    _stand_under(category, parent)


def _undo_split(change: CategoryChange) -> None:
    leaf = _in_use(change.category, field="")
    parts = set(change.before["parts"])
    strangers = [c for c in below(leaf) if c.is_active and c.pk not in parts]
    if strangers:
        raise CategoryRule(f"“{strangers[0]}” was added below “{leaf}” since; move it first.")
    if others := carrying.not_of(change, parts):
        raise CategoryRule(
            f"“{leaf}” got {checked(others)} below it since; put them elsewhere first."
        )
    for part in Category.objects.active().filter(pk__in=parts):
        take_out(part)


def _bring_back(category: Category, *, merged: CategoryChange | None = None) -> None:
    if category.parent is not None:
        _require_no_photos_of(category.parent, but_by=merged)
    bring_back(category)


def _require_no_photos_of(parent: Category, *, but_by: CategoryChange | None = None) -> None:
    """A parent that was a leaf meanwhile may have got photos of its own; those that a merge brought
    there leave with it."""
    if not is_leaf(parent):
        return
    if but_by is not None:
        photos = carrying.not_of(but_by, set(merging.counting_as(parent)))
    else:
        photos = category_photos.labelled(parent).count()
    if photos:
        raise CategoryRule(
            f"“{parent}” got {checked(photos)} of its own since; put them elsewhere first."
        )


UNDO: dict[ChangeKind, Callable[[CategoryChange], None]] = {
    ChangeKind.ADD: _undo_add,
    ChangeKind.RENAME: _undo_rename,
    ChangeKind.DESCRIBE: _undo_describe,
    ChangeKind.RETIRE: _undo_retire,
    ChangeKind.RESTORE: _undo_restore,
    ChangeKind.MERGE: _undo_merge,
    ChangeKind.MOVE: _undo_move,
    ChangeKind.SPLIT: _undo_split,
}

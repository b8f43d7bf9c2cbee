"""The category tree: add, rename, describe, retire, restore; `reshaping` merges, moves, splits
and takes changes back. One lock for the whole tree, since
it changes rarely and every path depends on the names above it.

Only leaves are chosen, predicted and trained. What makes a category a leaf is that it is active
and has no active child: retiring the last child of a category makes it a leaf again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import category_photos, merging, reclassify, sql
from .category_names import (
    clean,
    known_by,
    path_of,
    readable,
    require_free_code,
    require_free_name,
    sibling,
    slug_of,
    slugs,
)
from .category_photos import Moved
from .errors import CategoryRule
from .models import Category, CategoryChange, ChangeKind, ReclassifyScope, User

LOCK = 0x7472_6565
"""Names the tree among PostgreSQL's advisory locks: "tree" in ASCII."""


@dataclass(frozen=True)
class PhotosTo:
    """Where the photos of a leaf go when it gains a child: to another leaf, or to a child of the
    given name, which is made if it is not there."""

    leaf: Category | None = None
    child_name: str = ""


@dataclass(frozen=True)
class Changed:
    """A category, and what became of the photos that stood in the way of the change."""

    category: Category
    moved: Moved | None = None


@transaction.atomic
def ensure_path(names: list[str], *, is_sample: bool = False) -> Category:
    """The category at the end of a path of names, made with its parents where missing.

    A path is known by the slug of its joined names, so that a category renamed since is still
    found, and one merged since leads to what it was merged into; so is one that people gave that
    name since. CategoryRule when a category on the way is
    retired, or has photos and would gain a child."""
    if not names:
        raise CategoryRule("A category needs a name.", field="name")
    lock_tree()
    category: Category | None = None
    for depth, raw in enumerate(names, start=1):
        name = readable(raw)
        found = known_by(names[:depth]) or sibling(category, name)
        found = merging.resolve(found) if found is not None else None
        if found is None:
            _require_no_photos(category)
            found = insert(category, name, stem=slug_of(names[:depth]), is_sample=is_sample)
        elif not found.is_active:
            raise CategoryRule(f"“{found}” is retired; restore it, or use another name.")
        category = found
    assert category is not None  # noqa: S101  (names is not empty)
    return category


def add(
    parent: Category | None,
    name: str,
    *,
    by: User,
    code: str = "",
    guidance: str = "",
    photos_to: PhotosTo | None = None,
) -> Changed:
    """A new leaf. Under a leaf that has labelled photos `photos_to` says where those go, each move
    recorded as a decision; unchecked photos are suggested again from the leaves there are then."""
    with transaction.atomic():
        lock_tree()
        parent = again(parent)
        gains_first_child = parent is not None and is_leaf(parent)
        require_destination(parent, photos_to)
        names = [parent.slug, clean(name)] if parent else [clean(name)]
        category = insert(parent, name, stem=slug_of(names), code=code, guidance=guidance)
        record(ChangeKind.ADD, category, by, f"Added “{category}”.")
        target = destination(parent, photos_to, by)
        if parent is not None and gains_first_child:
            suggest_again(parent, f"“{parent}” gained categories below it.")
    return Changed(category, move_photos(parent, target, by))


@transaction.atomic
def rename(category: Category, name: str, *, by: User) -> Category:
    """A new name; the slug, by which models and imports know the category, stays."""
    lock_tree()
    category = Category.objects.get(pk=category.pk)
    name, before, old = clean(name), str(category), category.name
    if name == category.name:
        return category
    require_free_name(category.parent, name, but=category)
    category.name = name
    category.path = path_of(category.parent, name)
    try:
        with transaction.atomic():
            category.save(update_fields=["name", "path"])
    except IntegrityError as error:
        raise CategoryRule(f"There is a category “{name}” already.", field="name") from error
    update_paths_below(category)
    record(
        ChangeKind.RENAME,
        category,
        by,
        f"Renamed “{before}” to “{category.name}”.",
        before={"name": old},
    )
    return category


@transaction.atomic
def describe(category: Category, *, guidance: str, code: str, by: User) -> Category:
    """What belongs here, and the catalog's own code."""
    lock_tree()
    category = Category.objects.get(pk=category.pk)
    code = code.strip()
    require_free_code(code, but=category)
    before = {"guidance": category.guidance, "code": category.code}
    category.guidance, category.code = guidance.strip(), code
    category.save(update_fields=["guidance", "code"])
    words = f"Changed guidance or code of “{category}”."
    record(ChangeKind.DESCRIBE, category, by, words, before=before)
    return category


@transaction.atomic
def retire(category: Category, *, by: User) -> int:
    """Take the category and all below it out of use; returns how many were retired.

    Labels stay, training leaves them out, and nothing is suggested or chosen as one of them from
    this moment; unchecked photos that were suggested as one are suggested again."""
    lock_tree()
    gone = take_out(Category.objects.get(pk=category.pk))
    record(ChangeKind.RETIRE, gone[0], by, f"Retired “{gone[0]}”.")
    return len(gone)


def take_out(category: Category) -> list[Category]:
    """`retire`, behind the lock and not on record; the category first, then those below it."""
    if not category.is_active:
        raise CategoryRule(f"“{category}” is retired already.")
    gone = [category, *(c for c in below(category) if c.is_active)]
    Category.objects.filter(pk__in=[c.pk for c in gone]).update(retired_at=timezone.now())
    for each in gone:
        suggest_again(each, f"“{each}” was retired.")
    return gone


def restore(category: Category, *, by: User, photos_to: PhotosTo | None = None) -> Changed:
    """Bring a category back, with what was retired below it in the same moment. Its parent gains
    a child again, so the rule of `add` about the parent's photos holds here too."""
    with transaction.atomic():
        lock_tree()
        category = Category.objects.get(pk=category.pk)
        require_destination(category.parent, photos_to)
        bring_back(category)
        record(ChangeKind.RESTORE, category, by, f"Restored “{category}”.")
        target = destination(category.parent, photos_to, by)
    return Changed(category, move_photos(category.parent, target, by))


def bring_back(category: Category) -> None:
    """`restore`, behind the lock and not on record; the photos of the parent stay where they are.
    What was merged since stays merged."""
    if category.merged_into is not None:
        raise CategoryRule(
            f"“{category}” was merged into “{category.merged_into}”; undo the merge instead."
        )
    if category.retired_at is None:
        raise CategoryRule(f"“{category}” is in use already.")
    parent = category.parent
    if parent is not None and not parent.is_active:
        raise CategoryRule(f"Restore “{parent}” first; this category stands below it.")
    require_free_name(parent, category.name, but=category)
    together = [c for c in below(category) if c.retired_at == category.retired_at]
    back = [category.pk, *(c.pk for c in together if c.merged_into_id is None)]
    Category.objects.filter(pk__in=back).update(retired_at=None)
    category.refresh_from_db()


# The tree


def lock_tree() -> None:
    """Wait for whoever is changing the tree, also while it has no row to lock yet."""
    sql.one_at_a_time(LOCK)


def again(category: Category | None) -> Category | None:
    """The row as it stands behind the lock, active."""
    if category is None:
        return None
    current = Category.objects.get(pk=category.pk)
    if not current.is_active:
        raise CategoryRule(f"“{current}” is retired; restore it first.")
    return current


def is_leaf(category: Category) -> bool:
    return Category.objects.leaves().filter(pk=category.pk).exists()


def below(category: Category) -> Iterator[Category]:
    """Every descendant, parents before their children."""
    level = list(Category.objects.filter(parent=category))
    while level:
        yield from level
        level = list(Category.objects.filter(parent__in=level))


def update_paths_below(category: Category) -> None:
    by_id = {category.pk: category}
    changed = []
    for child in below(category):
        by_id[child.pk] = child
        child.path = path_of(by_id[child.parent_id or 0], child.name)
        changed.append(child)
    Category.objects.bulk_update(changed, ["path"], batch_size=500)


def insert(
    parent: Category | None,
    name: str,
    *,
    stem: str,
    code: str = "",
    guidance: str = "",
    is_sample: bool = False,
) -> Category:
    """One new row under a slug of its own: `stem`, else `stem-2` and so on."""
    name, code = clean(name), code.strip()
    require_free_name(parent, name)
    require_free_code(code)
    for slug in slugs(stem):
        try:
            with transaction.atomic():
                return Category.objects.create(
                    parent=parent,
                    name=name,
                    slug=slug,
                    path=path_of(parent, name),
                    code=code,
                    guidance=guidance.strip(),
                    is_sample=is_sample,
                )
        except IntegrityError:
            # Somebody was faster. The name or code says so in words; else the slug was taken.
            require_free_name(parent, name)
            require_free_code(code)
            if not Category.objects.filter(slug=slug).exists():
                raise
    raise AssertionError("slugs do not run out")


# Photos in the way of a change


def _require_no_photos(leaf: Category | None) -> None:
    if leaf is not None and (photos := category_photos.labelled(leaf).count()):
        raise CategoryRule(
            f"“{leaf}” has {checked(photos)} of its own, so it cannot gain categories below "
            "it before they have a place: add the category on the categories page."
        )


def checked(photos: int) -> str:
    return "1 checked photo" if photos == 1 else f"{photos} checked photos"


def require_destination(parent: Category | None, photos_to: PhotosTo | None) -> None:
    if parent is None or not is_leaf(parent):
        return
    if photos_to is None and (photos := category_photos.labelled(parent).count()):
        raise CategoryRule(
            f"Say where the {checked(photos)} of “{parent}” should go.", field="photos_to"
        )


def destination(parent: Category | None, photos_to: PhotosTo | None, by: User) -> Category | None:
    """The leaf that takes the parent's photos; a named child is made if it is not there."""
    if parent is None or photos_to is None:
        return None
    target = photos_to.leaf or _child(parent, photos_to.child_name, by)
    if target == parent or not is_leaf(target):
        raise CategoryRule(
            f"“{target}” cannot take photos: choose another category.", field="photos_to"
        )
    return target


def _child(parent: Category, name: str, by: User) -> Category:
    name = clean(name)
    child = sibling(parent, name)
    if child is None:
        child = insert(parent, name, stem=slug_of([parent.slug, name]))
        record(ChangeKind.ADD, child, by, f"Added “{child}”.")
    return child


def move_photos(parent: Category | None, target: Category | None, by: User) -> Moved | None:
    if parent is None or target is None:
        return None
    return category_photos.move(parent, target, by=by)


def suggest_again(category: Category, reason: str) -> None:
    if category_photos.suggested(category).exists():
        reclassify.start(ReclassifyScope.CATEGORY, category=category, reason=reason[:200])


def record(
    kind: ChangeKind,
    category: Category,
    by: User,
    words: str,
    *,
    other: Category | None = None,
    before: dict[str, Any] | None = None,
    is_settled: bool = True,
) -> CategoryChange:
    """Who changed the tree, when and how, and what it takes to undo it."""
    return CategoryChange.objects.create(
        kind=kind,
        category=category,
        other=other,
        words=words[:600],
        before=before or {},
        by=by,
        is_settled=is_settled,
    )

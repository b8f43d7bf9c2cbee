"""What categories may be called: names, the paths and slugs they make, external codes."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from django.utils.text import slugify

from .errors import CategoryRule
from .models import Category, CategoryChange, ChangeKind

SEPARATOR = " › "
NAME_LENGTH = 80
PATH_LENGTH = 400
SLUG_LENGTH = 120
SIGNS = "+#"


def clean(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise CategoryRule("A category needs a name.", field="name")
    if len(name) > NAME_LENGTH:
        raise CategoryRule(f"The name is longer than {NAME_LENGTH} characters.", field="name")
    if "›" in name:
        raise CategoryRule("“›” divides a path; leave it out of the name.", field="name")
    return name


def readable(folder: str) -> str:
    """A folder's name as people would write it: `bath_towels` becomes “Bath towels”."""
    name = clean(folder.replace("_", " "))
    return name[0].upper() + name[1:]


def path_of(parent: Category | None, name: str) -> str:
    path = f"{parent.path}{SEPARATOR}{name}" if parent else name
    if len(path) > PATH_LENGTH:
        raise CategoryRule(
            f"The path is longer than {PATH_LENGTH} characters: “{path[:60]}…”.", field="name"
        )
    return path


def slug_of(names: Sequence[str]) -> str:
    """`["Men", "Shoes"]` is `men-shoes`. A name with letters or signs that a slug leaves out gets a
    short hash, and so does the end of an overlong slug: the same names always give the same."""
    return _joined(map(_part, names))


def folder_slug(names: Sequence[str]) -> str:
    """The slug of the category that folders of these names stand for, made already or not."""
    found = known_by(names)
    return found.slug if found else slug_of(names)


def known_by(names: Sequence[str]) -> Category | None:
    """The category with the slug of these names, as it stands, merged or retired too.

    Slugs stay, and once they left out whatever was not Latin: one of then is known by what it
    leaves out only to folders of the names that its category has or had."""
    slug, plain = slug_of(names), _joined(map(_plain, names))
    found = Category.objects.filter(slug=slug).first()
    if found is None and plain != slug:
        found = Category.objects.filter(slug=plain).first()
        found = found if _stood_at(found, names) else None
    return found


def alike(name: str) -> str:
    """The same for `Bath_Towels` and `bath towels`."""
    return " ".join(unicodedata.normalize("NFC", name).replace("_", " ").split()).casefold()


def _joined(parts: Iterable[str]) -> str:
    slug = "-".join(parts)
    if len(slug) > SLUG_LENGTH - 4:
        slug = f"{slug[: SLUG_LENGTH - 14]}-{_hash(slug)}"
    return slug


def _plain(name: str) -> str:
    return slugify(name.replace("_", " ")) or _hash(name)


def _part(name: str) -> str:
    """Accents may go, other letters and the signs that tell C from C++ may not."""
    slug = slugify(name.replace("_", " "))
    letters = unicodedata.normalize("NFKD", name)
    left_out = any(c in SIGNS or (c.isalnum() and not c.isascii()) for c in letters)
    return f"{slug}-{_hash(alike(name))}" if slug and left_out else _plain(name)


def _stood_at(category: Category | None, names: Sequence[str]) -> bool:
    """Did it ever have the last of the names, below one that stood at the names before?"""
    if category is None or not names:
        return category is None and not names
    changes = CategoryChange.objects.filter(category=category)
    renamed = changes.filter(kind=ChangeKind.RENAME).values_list("before__name", flat=True)
    if alike(names[-1]) not in map(alike, [category.name, *renamed]):
        return False
    moved = changes.filter(kind=ChangeKind.MOVE).values_list("before__parent", flat=True)
    above = Category.objects.in_bulk(pk for pk in {category.parent_id, *moved} if pk)
    tops = [None] if None in {category.parent_id, *moved} else []
    return any(_stood_at(parent, names[:-1]) for parent in [*above.values(), *tops])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def slugs(stem: str) -> Iterator[str]:
    taken = set(Category.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    candidates = chain([stem], (f"{stem}-{n}" for n in count(2)))
    return (slug for slug in candidates if slug not in taken)


def sibling(parent: Category | None, name: str) -> Category | None:
    return Category.objects.active().filter(parent=parent, name__iexact=name).first()


def require_free_name(parent: Category | None, name: str, *, but: Category | None = None) -> None:
    found = sibling(parent, name)
    if found is not None and found != but:
        raise CategoryRule(f"There is a category “{found}” already.", field="name")


def require_free_code(code: str, *, but: Category | None = None) -> None:
    if not code:
        return
    owner = Category.objects.filter(code=code).first()
    if owner is not None and owner != but:
        state = "" if owner.is_active else ", which is retired"
        raise CategoryRule(f"The code {code} belongs to “{owner}”{state}.", field="code")

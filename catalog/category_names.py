"""What categories may be called: names, the paths and slugs they make, external codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain, count

from django.utils.text import slugify

from .errors import CategoryRule
from .models import Category

SEPARATOR = " › "
NAME_LENGTH = 80
PATH_LENGTH = 400
SLUG_LENGTH = 120


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


def slug_of(names: list[str]) -> str:
    """`["Men", "Shoes"]` is `men-shoes`. A name without a Latin letter or digit gets a short hash,
    and so does the end of an overlong slug: the same names always give the same slug."""
    slug = "-".join(slugify(name.replace("_", " ")) or _hash(name) for name in names)
    if len(slug) > SLUG_LENGTH - 4:
        slug = f"{slug[: SLUG_LENGTH - 14]}-{_hash(slug)}"
    return slug


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

"""Where the live version and today's categories differ, in sentences for the models page. Neither
stops it: it answers with the categories it shares with the tree."""

from __future__ import annotations

from collections.abc import Sequence

from . import merging, training_set
from .models import Category, ModelVersion

NAMED = 5


def gaps(version: ModelVersion) -> list[str]:
    """One sentence for classes whose category is gone, one for categories not learned yet."""
    leaves = dict(Category.objects.leaves().values_list("slug", "path"))
    names = dict(Category.objects.filter(slug__in=version.classes).values_list("slug", "path"))
    merged = merging.slugs()
    known = {slug: merged.get(slug, slug) for slug in version.classes}
    gone = [names.get(slug, slug) for slug, end in known.items() if end not in leaves]
    new = [path for slug, path in leaves.items() if slug not in set(known.values())]
    sentences = []
    if len(gone) == len(version.classes):
        sentences.append(
            "It knows none of today's categories, so photos wait; “Learn now” makes a version that "
            "does."
        )
    elif gone:
        sentences.append(
            f"It learned {_listed(gone)}, which nothing can be put into any more, and answers "
            "without; the next version leaves this out."
        )
    if new:
        sentences.append(f"It does not know {_listed(new)} yet: {_why_not(new)}")
    return sentences


def _why_not(paths: Sequence[str]) -> str:
    """What the categories lack that were not learned."""
    labels = training_set.counting().filter(label__path__in=paths)
    if not labels.exists():
        return "no photo was checked as that. Put photos there in review."
    return (
        f"the next run learns a category that has {training_set.MIN_TRAIN_LABELS} checked photos "
        "to learn from, not counting those kept aside for testing."
    )


def _listed(paths: Sequence[str]) -> str:
    named = ", ".join(f"“{path}”" for path in sorted(paths)[:NAMED])
    more = len(paths) - NAMED
    return f"{named} and {more} more" if more > 0 else named

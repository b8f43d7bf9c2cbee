"""The photos of a category: how many, its examples, and moving them to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, QuerySet

from . import lifecycle, merging, queue, training_set
from .errors import CategoryRule, LeaseLost, StaleImage
from .models import Category, CategoryExample, LabelState, MachineState, ProductImage, Split, User
from .sql import Constant

MOVE_AT_ONCE = 300
EXAMPLES = 3


@dataclass(frozen=True)
class Moved:
    """How many photos got their new label, and how many keep the old one for now."""

    target: Category
    photos: int
    left: int


def labelled(category: Category) -> QuerySet[ProductImage]:
    """Photos that people put into this category, or into one that counts as it."""
    ids = merging.counting_as(category)
    return ProductImage.objects.present().labelled().filter(label__in=ids)


def suggested(category: Category) -> QuerySet[ProductImage]:
    """Photos nobody checked yet that the model put into this category."""
    ids = merging.counting_as(category)
    rows = ProductImage.objects.present().filter(predicted__in=ids)
    return rows.filter(label_state=LabelState.UNLABELLED)


def counts() -> dict[int, int]:
    """{category id: photos that people put there}, from an index alone, and so quick with a million
    photos; a label is there exactly where a person chose one."""
    rows = ProductImage.objects.filter(label__isnull=False, withdrawn_at__isnull=True)
    return _by_category(rows, "label_id")


def waiting() -> dict[int, int]:
    """{category id: photos the model put there that nobody checked yet}, as quickly: from the
    review queue's own indexes."""
    rows = ProductImage.objects.filter(queue.OPEN)
    answered = Constant(MachineState.CLASSIFIED)
    others = _by_category(rows.filter(drawn=False, machine=answered), "predicted_id")
    # Written as a sum, so that SQLite does not read all photos in the order of their categories.
    drawn = rows.filter(drawn=True, machine=answered).annotate(answer=F("predicted_id") + 0)
    return dict(Counter(others) + Counter(_by_category(drawn, "answer")))


def _by_category(rows: QuerySet[ProductImage], column: str) -> dict[int, int]:
    """A merged category's photos count as those of its target, also on their way there."""
    counted = rows.values(column).order_by().annotate(photos=Count("pk"))
    ends, found = merging.targets(), Counter[int]()
    for category_id, photos in counted.values_list(column, "photos"):
        if category_id is None:
            continue  # answered by a version that is gone
        found[ends.get(category_id, category_id)] += photos
    return dict(found)


def tested(category: Category) -> int:
    """Photos of the category on which versions are tested; counted up to queue.MANY."""
    rows = ProductImage.objects.filter(
        label__in=merging.counting_as(category),
        withdrawn_at__isnull=True,
        label_origin__in=training_set.EVALUATION_ORIGINS,
        product__split=Split.TEST,
    )
    return rows.order_by().values("pk")[: queue.MANY].count()


def move(source: Category, target: Category, *, by: User, limit: int = MOVE_AT_ONCE) -> Moved:
    """Label up to `limit` photos of `source` as `target`, each a decision of its own that can be
    undone. Photos on a reviewer's screen keep their label; a second call takes what is left."""
    moved = 0
    for image in labelled(source).order_by("id")[:limit]:
        try:
            lifecycle.decide_category(image, target, by=by, revision=image.revision, looked=False)
        except (StaleImage, LeaseLost):
            continue
        moved += 1
    return Moved(target, moved, labelled(source).count())


def chosen_examples(categories: Iterable[int]) -> QuerySet[CategoryExample]:
    """Examples that still hold: the photo is there and is labelled so."""
    rows = CategoryExample.objects.filter(category_id__in=list(categories))
    return rows.filter(
        image__withdrawn_at__isnull=True, image__label_id=F("category_id")
    ).select_related("image")


@transaction.atomic
def choose_examples(category: Category, image_ids: list[int]) -> None:
    """Show these photos, in this order, where the category is explained. An empty list leaves
    the choice to the newest confirmed ones."""
    ids = list(dict.fromkeys(image_ids))
    if len(ids) > EXAMPLES:
        raise CategoryRule(f"Choose at most {EXAMPLES} example photos.")
    Category.objects.select_for_update(no_key=True).get(pk=category.pk)  # one choice at a time
    if labelled(category).filter(pk__in=ids).count() != len(ids):
        raise CategoryRule(f"An example must be a photo that people put into “{category}”.")
    CategoryExample.objects.filter(category=category).delete()
    CategoryExample.objects.bulk_create(
        CategoryExample(category=category, image_id=pk, position=position)
        for position, pk in enumerate(ids, start=1)
    )

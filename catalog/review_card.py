"""What the review desk shows of a photo: suggestions, guidance, examples, sibling photos. Any
number of cards takes the same number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import OuterRef, Subquery

from . import blind, category_photos, merging, similar
from .models import Category, Decision, DecisionKind, LabelState, MachineState, ProductImage, User
from .templatetags.figures import certain

SUGGESTIONS = 5
SIBLINGS = 6
COMPARED = 2
"""Suggestions whose checked photos are put beside the photo."""
NEIGHBOURS = 3
SIBLINGS_READ = 200
LABELLING = [DecisionKind.CONFIRM, DecisionKind.CORRECT, DecisionKind.IMPORT]


@dataclass(frozen=True)
class Thumbnail:
    image_id: int
    width: int
    height: int
    words: str
    """Its category as people or the model say, for the caption; "" where that is not told."""

    @classmethod
    def of(cls, image: ProductImage, words: str) -> Thumbnail:
        return cls(image.pk, image.thumbnail_width, image.thumbnail_height, words)


@dataclass(frozen=True)
class Suggestion:
    number: int
    """1 to 5: the key that chooses it."""
    category: Category
    confidence: float
    examples: list[Thumbnail]

    @property
    def percent(self) -> str:
        return certain(self.confidence)

    @property
    def above(self) -> str:
        """The path without the last name; "" for a category at the top."""
        return self.category.path.rpartition(" › ")[0]


@dataclass(frozen=True)
class Card:
    """One photo on the desk, as it was when it was read."""

    image: ProductImage
    suggestions: list[Suggestion]
    siblings: list[Thumbnail]
    more_siblings: int
    opinions: list[str]
    """Who put which photo of this product where; only when people disagree."""
    nearest: Thumbnail | None = None
    """The labelled photo nearest to one that is like none, where it is still there."""
    blind: bool = False
    """Shown without suggestions and without what others chose: nothing here tells either."""
    token: UUID = field(default_factory=uuid4)
    """Makes saving this card's decision happen once."""

    @property
    def reason(self) -> str:
        """Why it is here: blind, complaint, disagree, unread, again, random or unsure."""
        if self.blind:
            return "blind"
        if self.image.complaint_at is not None:
            return "complaint"
        if self.image.disputed:
            return "disagree"
        if self.image.label_state != LabelState.UNLABELLED:
            return "again"
        if self.image.machine == MachineState.FAILED:
            return "unread"
        return "random" if self.image.drawn else "unsure"

    @property
    def is_unfamiliar(self) -> bool:
        """Nothing like it had been checked when the model answered."""
        if self.blind:
            return False
        answered = self.image.machine == MachineState.CLASSIFIED and self.image.prediction
        return bool(answered and answered.unfamiliar)

    @property
    def held_until(self) -> int:
        """End of the lease in milliseconds since 1970, rounded up; 0 if nobody holds it."""
        until = self.image.review_lease_until
        return milliseconds(until) if until else 0

    @property
    def blind_percent(self) -> int:
        return round(settings.REVIEW_BLIND_SHARE * 100)

    @property
    def random_percent(self) -> int:
        return round(settings.REVIEW_RANDOM_SHARE * 100)


def milliseconds(at: datetime) -> int:
    """Since 1970, rounded up: how scripts hold a time."""
    return ceil(at.timestamp() * 1000)


def nearest_checked(image: ProductImage, *, reader: User) -> list[tuple[Category, list[Thumbnail]]]:
    """For each of the two best suggestions its checked photos that are most like this one; those
    that have none are left out, as is a suggestion nobody can choose any more. Nothing where
    `reader` is to see the photo without suggestions."""
    if blind.looks_at([image], reader):
        return []
    ends = merging.targets()
    best = [category for category, _ in _ranked(image, _leaves([image], ends), ends)[:COMPARED]]
    found = [
        (
            category,
            similar.neighbours(image, count=NEIGHBOURS, among="confirmed", category=category),
        )
        for category in best
    ]
    return [
        (category, [Thumbnail.of(photo, _words(photo)) for photo, _ in photos])
        for category, photos in found
        if photos
    ]


def cards(images: Sequence[ProductImage], *, reader: User) -> list[Card]:
    """One card per image as `reader` may see it, in the order given."""
    ids = [image.pk for image in images]
    rows = ProductImage.objects.select_related(
        "merchant", "product", "prediction", "label", "complaint_category"
    )
    fresh = rows.in_bulk(ids)
    present = [fresh[pk] for pk in ids if pk in fresh]
    hidden = blind.looks_at(present, reader)
    ends = merging.targets()
    leaves = _leaves([image for image in present if image.pk not in hidden], ends)
    examples = _examples(leaves)
    siblings = _siblings(present)
    opinions = _opinions(present)
    nearest = _nearest(present)
    return [
        _blind_card(image, siblings[image.product_id][image.pk])
        if image.pk in hidden
        else Card(
            image,
            _suggestions(image, leaves, examples, ends),
            siblings[image.product_id][image.pk][:SIBLINGS],
            max(len(siblings[image.product_id][image.pk]) - SIBLINGS, 0),
            opinions[image.product_id],
            nearest.get(image.prediction.nearest_id or 0) if image.prediction else None,
        )
        for image in present
    ]


def _blind_card(image: ProductImage, siblings: list[Thumbnail]) -> Card:
    """The other photos of the product help to see what it is; where they stand is not said."""
    bare = [replace(thumb, words="") for thumb in siblings]
    return Card(image, [], bare[:SIBLINGS], max(len(bare) - SIBLINGS, 0), [], blind=True)


def _leaves(images: Iterable[ProductImage], ends: dict[int, int]) -> dict[int, Category]:
    """The categories in the images' answers that may be chosen now: a retired one is masked here
    too, until the photo is classified again, and a merged one stands for what it counts as."""
    top = (pk for image in images if image.prediction for pk, _ in image.prediction.top)
    ids = {ends.get(pk, pk) for pk in top}
    return Category.objects.leaves().in_bulk(ids)


def _suggestions(
    image: ProductImage,
    leaves: dict[int, Category],
    examples: dict[int, list[Thumbnail]],
    ends: dict[int, int],
) -> list[Suggestion]:
    def shown(category: Category) -> list[Thumbnail]:
        """A photo is no example for itself: a disputed one may be confirmed already."""
        return [thumb for thumb in examples[category.pk] if thumb.image_id != image.pk]

    ranked = _ranked(image, leaves, ends)[:SUGGESTIONS]
    return [
        Suggestion(number, category, share, shown(category))
        for number, (category, share) in enumerate(ranked, start=1)
    ]


def _ranked(
    image: ProductImage, leaves: dict[int, Category], ends: dict[int, int]
) -> list[tuple[Category, float]]:
    """What the model suggests and people may choose, best first."""
    if image.prediction is None or image.machine == MachineState.FAILED:
        return []
    answer = merging.fold([(pk, share) for pk, share in image.prediction.top], ends)
    return [(leaves[pk], share) for pk, share in answer if pk in leaves]


def _examples(leaves: dict[int, Category]) -> dict[int, list[Thumbnail]]:
    """Up to three photos per category: those a manager chose, else the newest confirmed ones."""
    chosen: dict[int, list[Thumbnail]] = defaultdict(list)
    for example in category_photos.chosen_examples(leaves):
        chosen[example.category_id].append(Thumbnail.of(example.image, ""))
    newest = _newest_confirmed([pk for pk in leaves if pk not in chosen])
    return defaultdict(list, {**chosen, **newest})


def _newest_confirmed(category_ids: list[int]) -> dict[int, list[Thumbnail]]:
    """One look into the index per photo wanted: a category of a million photos costs no more."""
    confirmed = ProductImage.objects.present().filter(
        label=OuterRef("pk"), label_state=LabelState.CONFIRMED
    )
    newest = confirmed.order_by("-id").values("pk")
    rows = Category.objects.filter(pk__in=category_ids).values_list(
        "pk", *(Subquery(newest[n : n + 1]) for n in range(category_photos.EXAMPLES))
    )
    wanted = {category: [pk for pk in ids if pk] for category, *ids in rows}
    images = ProductImage.objects.in_bulk([pk for ids in wanted.values() for pk in ids])
    return {
        category: [Thumbnail.of(images[pk], "") for pk in ids if pk in images]
        for category, ids in wanted.items()
    }


def _siblings(images: Sequence[ProductImage]) -> dict[int, dict[int, list[Thumbnail]]]:
    """{product id: {image id: the other photos of that product}}"""
    products = {image.product_id for image in images}
    rows = ProductImage.objects.present().filter(product_id__in=products)
    rows = rows.select_related("label", "predicted").order_by("id")[:SIBLINGS_READ]
    photos: dict[int, list[ProductImage]] = defaultdict(list)
    for row in rows:
        photos[row.product_id].append(row)
    found: dict[int, dict[int, list[Thumbnail]]] = defaultdict(dict)
    for image in images:
        others = [row for row in photos[image.product_id] if row.pk != image.pk]
        found[image.product_id][image.pk] = [Thumbnail.of(o, _words(o)) for o in others]
    return found


def _nearest(images: Iterable[ProductImage]) -> dict[int, Thumbnail]:
    """{image id: thumbnail} of the labelled photos nearest to those that are like none."""
    ids = {i.prediction.nearest_id for i in images if i.prediction and i.prediction.nearest_id}
    if not ids:
        return {}
    rows = ProductImage.objects.present().select_related("label", "predicted").filter(pk__in=ids)
    return {row.pk: Thumbnail.of(row, _words(row)) for row in rows}


def _words(image: ProductImage) -> str:
    if image.label is not None:
        return f"checked: {image.label.name}"
    if image.label_state != LabelState.UNLABELLED:
        return image.get_label_state_display().lower()
    if image.predicted is not None:
        return f"suggested: {image.predicted.name}"
    return "waiting"


def _opinions(images: Iterable[ProductImage]) -> dict[int, list[str]]:
    """Who chose what, for the products whose photos people labelled differently."""
    disputed = {image.product_id for image in images if image.disputed}
    found: dict[int, list[str]] = defaultdict(list)
    if not disputed:
        return found
    decisions = Decision.objects.filter(
        image__product_id__in=disputed,
        image__withdrawn_at__isnull=True,
        image__label__isnull=False,
    )
    decisions = decisions.filter(kind__in=LABELLING, undone_by__isnull=True)
    latest = {
        (d.image_id, d.by_id if d.blind else None): d
        for d in decisions.select_related("by", "category", "image").order_by("id")
    }
    for decision in latest.values():
        who = decision.by.get_username() if decision.by else "An import"
        photo = decision.image.original_name
        found[decision.image.product_id].append(f"{who} put {photo} into “{decision.category}”")
    return found

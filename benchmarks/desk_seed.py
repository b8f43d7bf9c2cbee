"""A thousand categories, a reviewer, and an answer for every photo that has none: what the desk
needs, without the minutes that a model would take."""

from __future__ import annotations

from random import Random

from catalog.models import (
    Category,
    MachineState,
    ModelVersion,
    Prediction,
    ProductImage,
    Role,
    Serving,
    User,
    VersionState,
)
from tests import factories

GROUPS = [
    "Fashion",
    "Shoes",
    "Kitchen",
    "Garden",
    "Toys",
    "Tools",
    "Sports",
    "Books",
    "Beauty",
    "Drinks",
]
WORDS = ["Shirt", "Lamp", "Kettle", "Rake", "Puzzle", "Saw", "Racket", "Novel", "Lotion", "Juice"]
KINDS = [
    "Blue",
    "Small",
    "Classic",
    "Cotton",
    "Steel",
    "Soft",
    "Light",
    "Round",
    "Summer",
    "Travel",
]


def fill(reviewer: str, password: str) -> None:
    User.objects.create_user(reviewer, password=password, role=Role.REVIEWER)
    parents = [factories.category(name) for name in GROUPS]
    leaves = Category.objects.bulk_create(
        Category(
            name=f"{kind} {word} {parent.name}",
            parent=parent,
            slug=f"{parent.slug}-{kind}-{word}".lower(),
            path=f"{parent.name} › {kind} {word} {parent.name}",
            code=f"{at:02}-{n}-{m}",
            guidance=f"Only {kind.lower()} ones.",
        )
        for at, parent in enumerate(parents)
        for n, word in enumerate(WORDS)
        for m, kind in enumerate(KINDS)
    )
    version = factories.version(VersionState.LIVE, classes=[leaf.slug for leaf in leaves])
    Serving.objects.update_or_create(pk=1, defaults={"live": version})
    _answer(list(leaves), version)


def _answer(leaves: list[Category], version: ModelVersion) -> None:
    random = Random(7)
    for image in ProductImage.objects.filter(prediction__isnull=True):
        confidence = random.uniform(0.3, 0.95)
        top = random.sample(leaves, 5)
        shares = [confidence, *((1 - confidence) * part for part in (0.4, 0.2, 0.1, 0.05))]
        prediction = Prediction.objects.create(
            image=image,
            version=version,
            category=top[0],
            confidence=confidence,
            top=[[leaf.pk, share] for leaf, share in zip(top, shares, strict=True)],
        )
        ProductImage.objects.filter(pk=image.pk).update(
            machine=MachineState.CLASSIFIED,
            predicted=top[0],
            confidence=confidence,
            prediction=prediction,
            version=version,
        )

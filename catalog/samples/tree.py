"""The categories of the sample catalog, with the guidance that reviewers read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleCategory:
    """One category; `code` is its external code, a leaf has no children."""

    name: str
    slug: str
    code: str
    guidance: str
    children: tuple[SampleCategory, ...] = ()

    def leaves(self) -> Iterator[SampleCategory]:
        """This category's leaves, in the tree's order; itself where it is one."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


FASHION = SampleCategory(
    "Fashion",
    "fashion",
    "FA",
    "Clothes and shoes. What is carried or worn as an extra is in Accessories.",
    (
        SampleCategory(
            "Shirts",
            "fashion-shirts",
            "FA-01",
            "Worn on the upper body: T-shirts, polos, shirts with buttons, vests. "
            "A folded parcel of cloth is a shirt if it shows a neckline, not a waistband.",
        ),
        SampleCategory(
            "Trousers",
            "fashion-trousers",
            "FA-02",
            "Jeans, chinos, joggers and shorts, laid out, hanging or folded. "
            "Look for a waistband, fly or two legs; folded cloth without a collar belongs here.",
        ),
        SampleCategory(
            "Shoes",
            "fashion-shoes",
            "FA-03",
            "Trainers, boots, loafers and heels, single or as a pair, from the side or from above. "
            "Shoe boxes without a shoe in the picture do not belong here.",
        ),
    ),
)

NUTRITION = SampleCategory(
    "Nutrition", "nutrition", "NU", "What is eaten or drunk, in the pack it is sold in.",
    (
        SampleCategory(
            "Drinks", "nutrition-drinks", "NU-01",
            "Bottles, cans and cartons of something ready to drink, and sports bottles. "
            "Powder that still has to be mixed is a supplement, even in a bottle.",
        ),
        SampleCategory(
            "Supplements", "nutrition-supplements", "NU-02",
            "Tubs and pouches of powder, bottles and blister packs of tablets or capsules. "
            "Ready-made drinks and bars are not supplements, whatever protein they promise.",
        ),
        SampleCategory(
            "Snack bars", "nutrition-snack-bars", "NU-03",
            "Oat, nut, fruit and protein bars: wrapped, opened, bare, or in a display box. "
            "A closed box with no bar in sight is more likely a supplement; read the label.",
        ),
    ),
)  # fmt: skip

ACCESSORIES = SampleCategory(
    "Accessories", "accessories", "AC", "What is carried or worn besides clothes and shoes.",
    (
        SampleCategory(
            "Bags", "accessories-bags", "AC-01",
            "Totes, handbags, backpacks, holdalls and small zipped pouches. "
            "A case sold together with sunglasses goes with the sunglasses.",
        ),
        SampleCategory(
            "Watches", "accessories-watches", "AC-02",
            "Wrist watches with hands or a screen, on a strap or a metal band. "
            "Close-ups of a dial count; a strap sold alone does not.",
        ),
        SampleCategory(
            "Sunglasses", "accessories-sunglasses", "AC-03",
            "Glasses with tinted lenses, open or folded, with or without their case. "
            "Reading glasses with clear lenses do not belong here.",
        ),
    ),
)  # fmt: skip

SAMPLE_TREE: tuple[SampleCategory, ...] = (FASHION, NUTRITION, ACCESSORIES)
SAMPLE_LEAVES: tuple[SampleCategory, ...] = tuple(
    leaf for top in SAMPLE_TREE for leaf in top.leaves()
)

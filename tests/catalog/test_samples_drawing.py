"""The drawn sample pictures: repeatable, varied, and of every category of the sample tree."""

from itertools import combinations

import numpy as np
import pytest

from catalog.pictures import difference_hashes
from catalog.samples.drawing import draw
from catalog.samples.motifs import MOTIFS
from catalog.samples.tree import SAMPLE_LEAVES, SAMPLE_TREE
from catalog.splits import NEAR_BITS, bits_apart

SLUGS = tuple(MOTIFS)
EACH = 10


def test_the_tree_has_three_top_categories_with_three_children_each() -> None:
    assert [top.name for top in SAMPLE_TREE] == ["Fashion", "Nutrition", "Accessories"]
    assert [len(top.children) for top in SAMPLE_TREE] == [3, 3, 3]


def test_every_category_has_its_own_slug_code_and_guidance() -> None:
    every = [category for top in SAMPLE_TREE for category in (top, *top.children)]
    assert len({category.slug for category in every}) == len({c.code for c in every}) == 12
    assert all(leaf.guidance.count(". ") >= 1 for leaf in SAMPLE_LEAVES)


def test_pictures_are_drawn_for_exactly_the_leaves_of_the_tree() -> None:
    assert set(SLUGS) == {leaf.slug for leaf in SAMPLE_LEAVES}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_seed_always_gives_the_same_picture(slug: str) -> None:
    first, again = draw(slug, seed=3), draw(slug, seed=3)
    assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize("slug", SLUGS)
def test_pictures_are_rgb_and_480_to_720_pixels_a_side(slug: str) -> None:
    for seed in range(100, 104):
        picture = draw(slug, seed=seed)
        assert picture.mode == "RGB"
        assert 480 <= min(picture.size) <= max(picture.size) <= 720


@pytest.mark.parametrize("slug", SLUGS)
def test_another_seed_gives_a_clearly_different_picture(slug: str) -> None:
    first, second = (draw(slug, seed=seed).resize((64, 64)) for seed in (1, 2))
    apart = np.abs(np.asarray(first, dtype=np.int16) - np.asarray(second, dtype=np.int16))
    assert apart.mean() > 8


def test_pictures_come_upright_wide_and_square() -> None:
    sizes = {draw(slug, seed=seed).size for slug in SLUGS for seed in range(1, 4)}
    assert any(w > h for w, h in sizes)
    assert any(w < h for w, h in sizes)
    assert any(w == h for w, h in sizes)


def test_no_two_pictures_are_near_duplicates() -> None:
    drawn = {
        f"{slug} {seed}": difference_hashes(draw(slug, seed=seed))
        for slug in SLUGS
        for seed in range(1, EACH + 1)
    }
    near = [
        (one, other)
        for one, other in combinations(drawn, 2)
        if all(bits_apart(a, b) <= NEAR_BITS for a, b in zip(drawn[one], drawn[other], strict=True))
    ]
    assert near == []


def test_a_slug_that_is_no_leaf_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="fashion-shirts"):
        draw("fashion", seed=1)

from __future__ import annotations

import dataclasses

import numpy as np

from classifier.dataset import augment, photo_seed
from classifier.recipe import Recipe
from tests.classifier.factories import pixels

STILL = Recipe(rotation=0, shift=0, shear=0, zoom=0, flip=False)


def square() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return pixels(width=32, height=32)


def test_a_view_keeps_shape_and_type() -> None:
    view = augment(square(), Recipe(), photo_seed(Recipe(), "photo"))
    assert view.shape == (32, 32, 3)
    assert view.dtype == np.uint8


def test_without_any_range_a_view_is_the_photo() -> None:
    assert (augment(square(), STILL, photo_seed(STILL, "photo")) == square()).all()


def test_flipping_mirrors_left_and_right() -> None:
    recipe = dataclasses.replace(STILL, flip=True)
    views = [augment(square(), recipe, photo_seed(recipe, n)) for n in range(20)]
    mirrored = square()[:, ::-1]
    assert any((view == mirrored).all() for view in views)
    assert all((view == mirrored).all() or (view == square()).all() for view in views)


def test_what_comes_into_view_repeats_the_edge_and_is_never_black() -> None:
    recipe = Recipe(rotation=180, shift=0.5, shear=30, zoom=0.5)
    white = np.full((32, 32, 3), 255, np.uint8)
    for number in range(50):
        assert (augment(white, recipe, photo_seed(recipe, number)) == 255).all()


def test_the_same_seed_gives_the_same_view_and_another_seed_another() -> None:
    recipe = Recipe()
    first = augment(square(), recipe, photo_seed(recipe, "photo", 1))
    again = augment(square(), recipe, photo_seed(recipe, "photo", 1))
    other = augment(square(), recipe, photo_seed(Recipe(seed=1), "photo", 1))
    assert (first == again).all()
    assert (first != other).any()

from __future__ import annotations

import numpy as np
import pytest

from classifier.components import fit_components


def flat(rows: int, *, size: int = 40, rank: int = 5, seed: int = 0) -> np.ndarray:
    """Embeddings that differ in few directions only, far from the origin."""
    generator = np.random.default_rng(seed)
    planes = generator.normal(size=(rank, size))
    values = generator.normal(size=(rows, rank)) @ planes + 10
    return values.astype(np.float16)


def test_photos_keep_their_distances_in_few_numbers() -> None:
    values = flat(300)
    projected = fit_components([values], count=5).project(values)
    assert projected.shape == (300, 5)
    exact = values.astype(float)
    for one, other in ((0, 1), (5, 80), (17, 299)):
        apart = np.linalg.norm(exact[one] - exact[other])
        assert np.linalg.norm(projected[one] - projected[other]) == pytest.approx(apart, rel=0.01)


def test_chunks_give_the_same_as_all_at_once() -> None:
    values = flat(300)
    whole = fit_components([values], count=5)
    pieces = fit_components([values[:100], values[100:110], values[110:]], count=5)
    assert np.allclose(whole.mean, pieces.mean, atol=1e-3)
    alike = np.abs(np.sum(whole.axes * pieces.axes, axis=1))
    assert np.allclose(alike, 1, atol=1e-2)


def test_fewer_photos_than_components_give_fewer() -> None:
    assert fit_components([flat(4)]).axes.shape == (3, 40)


def test_directions_have_length_one_even_of_the_mean_itself() -> None:
    found = fit_components([flat(50)], count=5)
    lengths = np.linalg.norm(found.directions(flat(20, seed=1)), axis=1)
    assert np.allclose(lengths, 1, atol=1e-3)
    assert np.isfinite(found.directions(found.mean[np.newaxis])).all()


def test_no_photos_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fit_components([])

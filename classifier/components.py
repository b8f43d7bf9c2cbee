"""Embeddings in few numbers: centred, on the principal components of labelled photos. numpy
only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

COMPONENTS = 256
OVERSAMPLED = 32
ITERATIONS = 4


@dataclass(frozen=True)
class Components:
    """`mean` (D,) and orthonormal `axes` (K, D), float32, of the embeddings they were fitted on."""

    mean: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]

    def project(self, embeddings: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(N, D) to float32 (N, K)."""
        centred = embeddings.astype(np.float32) - self.mean
        return np.asarray(centred @ self.axes.T, np.float32)

    def directions(self, embeddings: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The same with length 1, so that a product of two is the cosine of their angle."""
        projected = self.project(embeddings)
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.maximum(lengths, 1e-6), np.float32)


def fit_components(batches: Iterable[npt.NDArray[Any]], *, count: int = COMPONENTS) -> Components:
    """The `count` principal components of all rows, or as many as there are. Memory does not grow
    with the rows: what is kept is a mean and a D x D sum."""
    rows = 0
    total: npt.NDArray[np.float64] = np.zeros(0)
    products: npt.NDArray[np.float64] = np.zeros((0, 0))
    for batch in batches:
        values = batch.astype(np.float32)
        if not rows:
            total, products = np.zeros(values.shape[1]), np.zeros((values.shape[1],) * 2)
        rows += len(values)
        total += values.sum(axis=0)
        products += values.T @ values
    if not rows:
        raise ValueError("components need at least one embedding")
    mean = total / rows
    covariance = products / rows - np.outer(mean, mean)
    axes = _leading(covariance, min(count, max(rows - 1, 1), len(mean)))
    return Components(mean.astype(np.float32), axes.astype(np.float32))


def _leading(covariance: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """The directions (count, D) of most variance, by subspace iteration (Halko et al. 2011): half a
    second on one core where all 2,048 eigenvectors take several."""
    size = min(count + OVERSAMPLED, len(covariance))
    start = np.random.default_rng(0).normal(size=(len(covariance), size))
    basis, _ = np.linalg.qr(start)
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(covariance @ basis)
    _, vectors = np.linalg.eigh(basis.T @ covariance @ basis)
    leading: npt.NDArray[np.float64] = (basis @ vectors[:, ::-1][:, :count]).T
    return leading

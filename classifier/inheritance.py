"""A head that begins as the live one: what it knows is kept, a new category gets a first guess.

Learning on then means learning from what is new. A photo that the live head answers as people do
keeps that answer as its target (Li & Hoiem 2016, "learning without forgetting"), so that nothing
pulls at it; the photos it gets wrong, and those of new categories, have their label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.evaluation import softmax
from classifier.features import Embeddings

Floats = npt.NDArray[np.float32]
Columns = npt.NDArray[np.integer[Any]]

LOOKED_AT = 1024
OF_A_CATEGORY = 256


@dataclass(frozen=True)
class Ancestor:
    """The head of an earlier version on the same backbone, and its classes in column order."""

    head: Any
    classes: Sequence[str]

    @property
    def units(self) -> int:
        return int(self.head.get_layer("hidden").units)


def inherit(
    head: Any, ancestor: Ancestor, classes: Sequence[str], photos: Embeddings, labels: Columns
) -> None:
    """Set the weights of `head`, whose columns are `classes`, from its ancestor's.

    A category the ancestor lacks gets the direction in which its training photos differ from the
    others', as long as the other columns are on average, and a bias by which half of its photos
    are answered right (Qi et al. 2018, "imprinting"). `labels` are the columns of `photos`.
    """
    kernel, bias, columns, offsets = (np.asarray(w) for w in ancestor.head.get_weights())
    known = {slug: column for column, slug in enumerate(ancestor.classes)}
    inherited = [known.get(slug, -1) for slug in classes]
    new_columns, new_offsets = columns[:, inherited].copy(), offsets[inherited].copy()

    def hidden(rows: Embeddings) -> Floats:
        activations: Floats = np.maximum(rows[:].astype(np.float32) @ kernel + bias, 0)
        return activations

    everyone = hidden(photos.only(_spread(len(labels), LOOKED_AT)))
    length = np.linalg.norm(columns, axis=0).mean()
    for column in (c for c, before in enumerate(inherited) if before < 0):
        of_it = np.flatnonzero(labels == column)[:OF_A_CATEGORY]
        own = hidden(Embeddings(photos.rows, photos.places[of_it]))
        apart = own.mean(axis=0) - everyone.mean(axis=0)
        new_columns[:, column] = length * apart / max(float(np.linalg.norm(apart)), 1e-6)
        rivals = (own @ columns + offsets).max(axis=1)
        new_offsets[column] = np.median(rivals - own @ new_columns[:, column])
    head.set_weights([kernel, bias, new_columns, new_offsets])


def targets(
    ancestor: Ancestor, classes: Sequence[str], photos: Embeddings, labels: Columns
) -> npt.NDArray[np.float16]:
    """(N, C) probabilities that each photo is to be given: the ancestor's where its answer is the
    photo's label, else the label alone."""
    wanted = np.zeros((len(labels), len(classes)), np.float16)
    wanted[np.arange(len(labels)), labels] = 1
    position = {slug: column for column, slug in enumerate(classes)}
    shared = [before for before, slug in enumerate(ancestor.classes) if slug in position]
    columns = [position[ancestor.classes[before]] for before in shared]
    kernel, bias, last, offsets = (np.asarray(w) for w in ancestor.head.get_weights())
    for start in range(0, len(labels), LOOKED_AT):
        part = slice(start, start + LOOKED_AT)
        hidden = np.maximum(photos[part].astype(np.float32) @ kernel + bias, 0)
        answers = np.zeros((len(hidden), len(classes)))
        answers[:, columns] = softmax(hidden @ last[:, shared] + offsets[shared])
        right = answers.argmax(axis=1) == labels[part]
        wanted[part][right] = answers[right]
    return wanted


def _spread(count: int, wanted: int) -> npt.NDArray[np.bool_]:
    """Which of `count` to take for about `wanted` at even distances."""
    chosen = np.zeros(count, bool)
    chosen[:: max(1, count // wanted)] = True
    return chosen

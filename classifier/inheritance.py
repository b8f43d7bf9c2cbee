"""A head that begins as the live one: what it knows is kept, and a new category is learned beside.

Learning on then means learning from what is new. A photo that the live head answers as people do
keeps that answer as its target (Li & Hoiem 2016, "learning without forgetting"), so that nothing
pulls at it; the photos it gets wrong, and those of new categories, have their label.

A few photos are soon learned by heart, and then no weight makes them count for more (Byrd & Lipton
2019): a new category would hardly ever be answered. So at the end its answers are raised as far as
all others can bear, and against those that can bear more a little further (`room_for`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.adam import Adam
from classifier.evaluation import softmax
from classifier.features import Embeddings
from classifier.head import Head
from classifier.network import build_head

Floats = npt.NDArray[np.float32]
Columns = npt.NDArray[np.integer[Any]]

LOOKED_AT = 4096
OF_A_CATEGORY = 512
COLUMN_STEPS = 300
FALL = 0.01
"""The share of each known category's validation photos that new ones may cost, on average."""
LOST = 1
"""And so many of any single one; none where the head does not learn on, and so wins none back."""
FEW = 15
"""Up to so many photos of a new category are learned by themselves: of ten the others lose fewer
single photos so, of twenty the whole head learns enough to win them back (docs/benchmarks.md)."""
ENOUGH = 100
"""So many validation photos of known categories can tell such a fall; fewer are not asked."""
HIGHEST = 4.0
SINGLE = 1.5
"""As high as it is raised against a single category, where not all can bear that."""
BELOW = 0.99
"""How near the answers come to those of the photo that would be one too many."""
LEAST = 0.01
"""What the answer of a photo that is to be kept stays ahead."""


@dataclass(frozen=True)
class Ancestor:
    """The head of an earlier version on the same backbone, and its classes in column order."""

    head: Any
    classes: Sequence[str]
    is_up_to_date: bool = False
    """Whether it learned, by the same recipe, from every training photo there is of its classes,
    and from none of the others as one of them."""

    @property
    def units(self) -> int:
        return int(self.head.get_layer("hidden").units)

    @property
    def has_room(self) -> bool:
        return Head.of(self.head).room is not None


def has_only_few_new(
    ancestor: Ancestor, classes: Sequence[str], labels: Columns, checks: Columns
) -> bool:
    """Whether all there is to learn are categories that the ancestor lacks, of few photos each, and
    they can be raised; `labels` are the columns of the training photos, `checks` of the validation
    photos."""
    new = [column for column, slug in enumerate(classes) if slug not in ancestor.classes]
    few = all(np.sum(labels == column) <= FEW for column in new)
    return ancestor.is_up_to_date and bool(new) and few and _can_judge(checks, new)


def _can_judge(checks: Columns, new: Sequence[int] | Columns) -> bool:
    return int(np.sum((checks >= 0) & ~np.isin(checks, new))) >= ENOUGH


def inherit(
    head: Any, ancestor: Ancestor, classes: Sequence[str], photos: Embeddings, labels: Columns
) -> None:
    """Set the weights of `head`, whose columns are `classes`, from its ancestor's; `labels` are the
    columns of `photos`. Columns the ancestor lacks are learned, while all others stay as they are.
    """
    before = Head.of(ancestor.head)
    known = {slug: column for column, slug in enumerate(ancestor.classes)}
    inherited = [known.get(slug, -1) for slug in classes]
    columns = before.logits_kernel[:, inherited].copy()
    offsets = before.logits_bias[inherited].copy()

    def seen(which: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Hidden activations, and how much the ancestor's answers speak against a new column."""
        hidden = before.hidden(photos[which])
        return hidden, _log_sum_exp(before.of_hidden(hidden))

    length = float(np.linalg.norm(before.logits_kernel, axis=0).mean())
    for column in (c for c, place in enumerate(inherited) if place < 0):
        own = np.flatnonzero(labels == column)[:OF_A_CATEGORY]
        others = np.flatnonzero(labels != column)
        others = others[:: max(1, len(others) // LOOKED_AT)]
        weight = len(others) / ((len(classes) - 1) * len(own))  # balanced
        learned = _new_column(seen(own), seen(others), weight, length)
        columns[:, column], offsets[column] = learned
    weights = [before.hidden_kernel, before.hidden_bias, columns, offsets]
    if before.room is not None:
        weights.append(_padded(before.room, inherited))
    head.set_weights(weights)


def _padded(room: Floats, inherited: Sequence[int]) -> Floats:
    """The same room between the columns that were inherited, and none for the others."""
    old = [column for column, place in enumerate(inherited) if place >= 0]
    places = [inherited[column] for column in old]
    padded = np.zeros((len(inherited), len(inherited)), np.float32)
    padded[np.ix_(old, old)] = room[np.ix_(places, places)]
    return padded


def _new_column(
    own: tuple[Floats, Floats], others: tuple[Floats, Floats], weight: float, length: float
) -> tuple[Floats, float]:
    """The column of a new category and its offset, by Adam on the cross-entropy in which it alone
    can move; each of its own photos counts `weight` times.

    It begins in the direction in which its photos differ from the others', as long as the other
    columns, with an offset by which half of them are answered right (Qi et al. 2018).
    """
    apart = own[0].mean(axis=0) - others[0].mean(axis=0)
    column = length * apart / max(float(np.linalg.norm(apart)), 1e-6)
    values = np.append(column, np.median(own[1] - own[0] @ column)).astype(np.float64)
    rates = np.append(np.full(len(column), 3e-3), 3e-2)
    adam = Adam(values)
    for _ in range(COLUMN_STEPS):
        wrongly = _sigmoid(others[0] @ values[:-1] + values[-1] - others[1])
        missing = weight * (1 - _sigmoid(own[0] @ values[:-1] + values[-1] - own[1]))
        slope = np.append(wrongly @ others[0] - missing @ own[0], wrongly.sum() - missing.sum())
        values -= adam.change(slope, rates)
    return values[:-1].astype(np.float32), float(values[-1])


def room_for(
    new: Columns,
    logits: Floats,
    shares: Floats,
    labels: Columns,
    before: Columns,
    *,
    most: int = LOST,
) -> Floats:
    """By how much the logits of the columns `new` may be raised, (C,): for photos that look like
    each column, of which they have the `shares` (V, C).

    Validation photos judge it, by their logits (V, C), columns, and the columns the ancestor
    answered. Against all others it is raised by so much, 0 to HIGHEST, that no known category loses
    more than `most` of them and all no more than FALL on average; what learning has cost counts as
    well. Beyond that against each by what its own photos bear without another loss, up to SINGLE.
    Zeros where fewer than ENOUGH photos judge it, or learning has cost a category `most` and two.
    """
    room = np.zeros(logits.shape[1], np.float32)
    if not _can_judge(labels, new):
        return room
    old = np.setdiff1d(labels, new)
    right = (logits.argmax(axis=1) == labels) & np.isin(labels, old)
    lost = {
        column: int(np.sum(before[labels == column] == column) - np.sum(right[labels == column]))
        for column in old
    }
    if max(lost.values()) > most + 1:
        return room
    ahead = _ahead(logits, new)
    room[:] = _against_all(ahead, labels, right, lost, most)
    kept = right & (ahead > room[0])
    for column in np.unique(labels[kept]):
        bears = BELOW * ahead[kept & (labels == column)].min()
        room[column] = max(room[column], min(bears, SINGLE))
    # A photo that looks like several categories has something of each: no more than it bears.
    left = ahead[kept] - shares[kept] @ room
    return room + min(0.0, float(left.min(initial=LEAST)) - LEAST)


def _ahead(logits: Floats, new: Columns) -> Floats:
    """What the best of the other columns is ahead of the best new one, (V,)."""
    ahead: Floats = np.delete(logits, new, axis=1).max(axis=1) - logits[:, new].max(axis=1)
    return ahead


def _against_all(
    ahead: Floats, labels: Columns, right: npt.NDArray[np.bool_], lost: dict[Any, int], most: int
) -> float:
    """By how much new answers may be raised against all known ones, 0 to HIGHEST; `ahead` (V,) is
    what the photos' answers are ahead of them, `lost` what each category has lost already."""
    lost = lost.copy()
    photos = {column: int(np.sum(labels == column)) for column in lost}
    threatened = np.flatnonzero(right)
    for place in threatened[np.argsort(ahead[threatened], kind="stable")]:
        lost[labels[place]] += 1
        fall = sum(lost[column] / photos[column] for column in lost) / len(lost)
        if max(lost.values()) > most or fall > FALL:
            return float(np.clip(BELOW * ahead[place], 0, HIGHEST))
    return HIGHEST if len(threatened) else 0.0


def make_room(
    head: Any,
    ancestor: Ancestor,
    classes: Sequence[str],
    photos: Embeddings,
    labels: Columns,
    *,
    most: int = LOST,
) -> Any:
    """`head`, or one that answers categories more often that its ancestor lacks, judged by
    validation photos, of which no known category may lose more than `most`."""
    new = np.array([c for c, slug in enumerate(classes) if slug not in ancestor.classes], int)
    if not len(new) or not len(labels):
        return head
    position = {slug: column for column, slug in enumerate(classes)}
    columns = np.array([position.get(slug, -1) for slug in ancestor.classes])
    embeddings = photos[:]
    before = columns[Head.of(ancestor.head).logits(embeddings).argmax(axis=1)]
    found = Head.of(head)
    hidden = found.hidden(embeddings)
    logits, shares = found.of_hidden(hidden), found.shares(hidden)
    room = room_for(new, logits, shares, labels, before, most=most)
    if not room.any():
        return head
    kernel = np.zeros((len(classes), len(classes)), np.float32)
    if found.room is not None:
        kernel += found.room
    kernel[:, new] = room[:, np.newaxis]
    units, rate = len(found.hidden_bias), head.get_layer("dropout").rate
    roomy = build_head(len(classes), units=units, dropout=rate, room=True)
    roomy.set_weights(replace(found, room=kernel).weights)
    return roomy


def _log_sum_exp(logits: Floats) -> Floats:
    highest = logits.max(axis=1, keepdims=True)
    result: Floats = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
    return result


def _sigmoid(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    result: npt.NDArray[Any] = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return result


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
    head = Head.of(ancestor.head)
    for start in range(0, len(labels), LOOKED_AT):
        part = slice(start, start + LOOKED_AT)
        logits = head.logits(photos[part])
        answers = np.zeros((len(logits), len(classes)))
        answers[:, columns] = softmax(logits[:, shared])
        right = answers.argmax(axis=1) == labels[part]
        wanted[part][right] = answers[right]
    return wanted

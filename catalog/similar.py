"""Which photos look like a photo: the nearest by what the live backbone makes of them, found in the
index that the worker keeps (similar_index.py). What may be shown is asked of the database at the
end, so a withdrawn photo never appears."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from django.conf import settings

from .models import Category, Embedding, LabelState, ProductImage, Serving
from .models.image import ImageQuerySet
from .similar_index import Floats, Index, Open, folder_of

Among = Literal["all", "confirmed", "unchecked"]
STORED = np.dtype("<f2")
FIRST_LOOK = 200
LOOK = 500
LOOKED_AT = 3_000
"""So many of the nearest are tried one after the other; of photos so rare that hardly any are among
them, the newest FILTERED are compared instead."""
FILTERED = 20_000
SHOWN_WITH = ("label", "predicted", "product")

Found = list[tuple[ProductImage, float]]


def neighbours(
    image: ProductImage, *, count: int, among: Among = "all", category: Category | None = None
) -> Found:
    """Up to `count` photos with their similarity, -1 to 1, the most similar first; the photo itself
    is left out. `category` is a person's where there is one, else the suggested. Empty where there
    is nothing to compare with, which `why_none` explains."""
    return nearest(image, _among(among, category), count=count)


def nearest(image: ProductImage, rows: ImageQuerySet, *, count: int) -> Found:
    """The same among `rows`."""
    found = _opened(image)
    if found is None:
        return []
    index, embedding = found
    return _nearest(index, index.likeness(embedding), rows.exclude(pk=image.pk), count)


def why_none(image: ProductImage) -> str:
    """Why a photo has nothing to be compared with, as a word: no-model, no-index, no-embedding; ""
    where it can be compared."""
    backbones = _backbones()
    if not backbones:
        return "no-model"
    if not any(_index(sha256) for _, sha256 in backbones):
        return "no-index"
    return "" if _opened(image) else "no-embedding"


def _among(among: Among, category: Category | None) -> ImageQuerySet:
    rows = ProductImage.objects.present()
    labelled = [LabelState.CONFIRMED, LabelState.CORRECTED]
    if among == "confirmed":
        rows = rows.filter(label_state__in=labelled)
        return rows.filter(label=category) if category else rows
    if among == "unchecked":
        rows = rows.filter(label_state=LabelState.UNLABELLED)
        return rows.filter(predicted=category) if category else rows
    if category is None:
        return rows
    suggested = rows.filter(label_state=LabelState.UNLABELLED, predicted=category)
    return rows.filter(label=category) | suggested


def _backbones() -> list[tuple[int, str]]:
    """(id, SHA-256) of the live version's backbone, then of the previous one's: its index serves
    until that of a new backbone is complete."""
    serving = (
        Serving.objects.filter(pk=1)
        .values_list(
            "live__backbone_id",
            "live__backbone__sha256",
            "previous__backbone_id",
            "previous__backbone__sha256",
        )
        .first()
    )
    if serving is None:
        return []
    pairs = [(serving[0], serving[1]), (serving[2], serving[3])]
    return list(dict.fromkeys((pk, sha256) for pk, sha256 in pairs if pk and sha256))


@lru_cache(maxsize=8)
def _open(sha256: str, _root: str) -> Open:
    return Open(folder_of(sha256))


def _index(sha256: str) -> Index | None:
    return _open(sha256, str(settings.MODELS_DIR)).index()


def _opened(image: ProductImage) -> tuple[Index, npt.NDArray[np.float16]] | None:
    """An index, and what its backbone made of the photo."""
    for pk, sha256 in _backbones():
        index = _index(sha256)
        if index is None:
            continue
        row = Embedding.objects.filter(image=image, backbone=pk).values_list("vector", flat=True)
        vector = np.frombuffer(bytes(row.first() or b""), STORED)
        if len(vector) == len(index.mean):
            return index, vector
    return None


def _nearest(index: Index, likeness: Floats, rows: ImageQuerySet, count: int) -> Found:
    """Tries the nearest in turn; each try asks the database about a few hundred."""
    found: Found = []
    best = _best(likeness, LOOKED_AT)
    start, stop = 0, max(FIRST_LOOK, 2 * count)
    while len(found) < count and start < len(best):
        found += _shown(index, likeness, best[start:stop], rows, count - len(found))
        start, stop = stop, stop + LOOK
    if len(found) < count and len(best) < len(likeness):
        return _nearest_of_few(index, likeness, rows, count)
    return found


def _nearest_of_few(index: Index, likeness: Floats, rows: ImageQuerySet, count: int) -> Found:
    newest = rows.order_by("-id").values_list("pk", flat=True)[:FILTERED]
    places = index.places(np.fromiter(newest, np.int64))
    chosen = places[np.argsort(-likeness[places], kind="stable")[:LOOK]]
    return _shown(index, likeness, chosen, rows, count)


def _best(likeness: Floats, count: int) -> npt.NDArray[np.intp]:
    """Places of the highest, highest first."""
    if count < len(likeness):
        chosen = np.argpartition(-likeness, count)[:count]
    else:
        chosen = np.arange(len(likeness))
    best: npt.NDArray[np.intp] = chosen[np.argsort(-likeness[chosen], kind="stable")]
    return best


def _shown(
    index: Index,
    likeness: Floats,
    places: npt.NDArray[np.intp],
    rows: ImageQuerySet,
    count: int,
) -> Found:
    """Those of the places that are among `rows`, in their order."""
    ids = index.ids[places].tolist()
    allowed = set(rows.filter(pk__in=ids).order_by().values_list("pk", flat=True))
    chosen = [(pk, place) for pk, place in zip(ids, places, strict=True) if pk in allowed][:count]
    related = ProductImage.objects.select_related(*SHOWN_WITH)
    images = related.in_bulk([pk for pk, _ in chosen])
    return [(images[pk], float(likeness[place])) for pk, place in chosen if pk in images]

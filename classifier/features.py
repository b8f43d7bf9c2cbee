"""Embeddings of photos and their augmented views, cached so that no photo is computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from classifier.dataset import ahead, augment, photo_seed
from classifier.engines.keras import Embedder
from classifier.errors import UnreadableImage
from classifier.feature_files import EMBEDDING_SIZE, FeatureFile, Rows
from classifier.images import Pixels, load
from classifier.recipe import Recipe
from classifier.weights import file_sha256

PHOTOS_PER_STEP = 32


class Progress(Protocol):
    """Called after every batch of every phase. It may raise Cancelled to stop the work there."""

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None: ...


def silent(phase: str, done: int, total: int, message: str = "") -> None:
    """A Progress for callers who want none."""


Known = Callable[[str, Sequence[int]], Iterator[tuple[Sequence[int], npt.NDArray[np.float16]]]]
"""Asked for photos by their places and a backbone by its SHA-256: those that this backbone embedded
before, some at a time, as their places and float16 (n, 2048)."""


@dataclass(frozen=True)
class Embeddings:
    """The unaugmented embeddings of some photos, read when a slice of them is asked for."""

    rows: Rows
    places: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.places), EMBEDDING_SIZE

    def __getitem__(self, part: slice | npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float16]:
        return np.asarray(self.rows[self.places[part], 0])

    def only(self, chosen: npt.NDArray[np.bool_]) -> Embeddings:
        return Embeddings(self.rows, self.places[chosen])


@dataclass(frozen=True)
class JoinedEmbeddings:
    """The embeddings of several sets, one after the other."""

    parts: tuple[Embeddings, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, part: slice) -> npt.NDArray[np.float16]:
        start, stop, _ = part.indices(len(self))
        rows = []
        for embeddings in self.parts:
            rows.append(embeddings[max(start, 0) : max(stop, 0)])
            start, stop = start - len(embeddings), stop - len(embeddings)
        return np.concatenate(rows)


@dataclass(frozen=True)
class Features:
    """Embeddings of the readable photos among those asked for.

    `rows` is float16 (M, 1 + views, 2048), in a file where it was cached; column 0 is the photo
    as it is, the others are augmented views. `places[i]` is the row of the photo at `kept[i]` of
    the request; `skipped` maps the place of each unreadable photo to its reason.
    """

    rows: Rows
    places: npt.NDArray[np.int64]
    kept: npt.NDArray[np.int64]
    skipped: dict[int, str]

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def views(self) -> int:
        return int(self.rows.shape[1]) - 1

    @property
    def embeddings(self) -> Embeddings:
        return Embeddings(self.rows, self.places)

    def clean(self) -> npt.NDArray[np.float16]:
        """(len(self), 2048): the unaugmented embedding of each kept photo, copied to memory."""
        return self.embeddings[:]


def extract_features(
    embedder: Embedder,
    paths: Sequence[Path],
    *,
    recipe: Recipe,
    views: int = 0,
    keys: Sequence[str] | None = None,
    known: Known | None = None,
    cache_dir: Path | None = None,
    progress: Progress = silent,
    phase: str = "features",
) -> Features:
    """Embed each photo and `views` augmented copies of it.

    `keys` identify the photos' bytes (their SHA-256; computed here when None). With `cache_dir`,
    what this backbone and these augmentations gave before is read from there, and what is new is
    added, batch by batch: a stopped run loses at most its last batch. Other processes may add to it
    meanwhile. Without views, photos that are `known` are not opened.
    """
    keys = [_key(path) for path in paths] if keys is None else keys
    cache = _open_cache(cache_dir, embedder, recipe, views)
    if known is not None and not views:
        _take_over(known, cache, keys, embedder.backbone.sha256, progress, phase)
    missing = _missing(keys, cache)
    skipped: dict[int, str] = {}
    done = len(keys) - len(missing)
    progress(phase, done, len(keys))
    pixels = ahead(
        lambda i: _views(paths[i], keys[i], embedder.backbone.image_size, recipe, views),
        missing,
        window=2 * PHOTOS_PER_STEP,
    )
    for start in range(0, len(missing), PHOTOS_PER_STEP):
        step = missing[start : start + PHOTOS_PER_STEP]
        answers = {i: next(pixels) for i in step}
        skipped |= {i: answer for i, answer in answers.items() if isinstance(answer, str)}
        readable = {i: a for i, a in answers.items() if not isinstance(a, str)}
        if readable:
            embedded = embedder.embed(np.concatenate(list(readable.values())))
            shaped = embedded.reshape(len(readable), 1 + views, EMBEDDING_SIZE)
            cache.append([keys[i] for i in readable], shaped)
        progress(phase, done + start + len(step), len(keys))
    unread = {keys[i]: reason for i, reason in skipped.items()}
    skipped = {i: unread[key] for i, key in enumerate(keys) if key in unread}
    kept = [i for i in range(len(keys)) if i not in skipped]
    rows = cache.rows()
    places = [cache.places[keys[i]] for i in kept]
    return Features(rows, np.array(places, np.int64), np.array(kept, np.int64), skipped)


def _missing(keys: Sequence[str], cache: _MemoryCache | FeatureFile) -> list[int]:
    """A place for each key that the cache lacks."""
    places = {key: i for i, key in enumerate(keys) if key not in cache.places}
    return list(places.values())


def _take_over(
    known: Known,
    cache: _MemoryCache | FeatureFile,
    keys: Sequence[str],
    backbone: str,
    progress: Progress,
    phase: str,
) -> None:
    """Copy what is known already into the cache."""
    missing = _missing(keys, cache)
    done = len(keys) - len(missing)
    for places, rows in known(backbone, missing):
        cache.append([keys[place] for place in places], rows[:, np.newaxis])
        done += len(places)
        progress(phase, done, len(keys))


class _MemoryCache:
    """Rows by key, for one call."""

    def __init__(self, views: int) -> None:
        self.places: dict[str, int] = {}
        self._steps = [np.empty((0, 1 + views, EMBEDDING_SIZE), np.float16)]

    def append(self, keys: Sequence[str], rows: npt.NDArray[np.float16]) -> None:
        self.places.update({key: len(self.places) + i for i, key in enumerate(keys)})
        self._steps.append(rows)

    def rows(self) -> npt.NDArray[np.float16]:
        return np.concatenate(self._steps)


def _open_cache(
    cache_dir: Path | None, embedder: Embedder, recipe: Recipe, views: int
) -> _MemoryCache | FeatureFile:
    if cache_dir is None:
        return _MemoryCache(views)
    settings: dict[str, Any] = {"backbone": embedder.backbone.sha256, "views": views}
    if views:
        names = ("seed", "rotation", "shift", "shear", "zoom", "flip")
        settings |= {name: getattr(recipe, name) for name in names}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return FeatureFile(cache_dir / f"{digest[:32]}-{views}")


def _key(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return f"unreadable {path}"


def _views(path: Path, key: str, size: int, recipe: Recipe, views: int) -> Pixels | str:
    """(1 + views, size, size, 3) uint8, or why the photo cannot be read."""
    try:
        clean = load(path, size)
    except UnreadableImage as error:
        return str(error)
    copies = [augment(clean, recipe, photo_seed(recipe, key, view)) for view in range(views)]
    return np.stack([clean, *copies])

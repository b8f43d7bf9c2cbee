"""Embeddings of photos and their augmented views, cached so that no photo is computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from classifier.dataset import ahead, augment, photo_seed
from classifier.engines.keras import Embedder
from classifier.errors import UnreadableImage
from classifier.images import Pixels, load
from classifier.network import EMBEDDING_SIZE
from classifier.recipe import Recipe
from classifier.weights import file_sha256

PHOTOS_PER_STEP = 32


class Progress(Protocol):
    """Called after every batch of every phase. It may raise Cancelled to stop the work there."""

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None: ...


def silent(phase: str, done: int, total: int, message: str = "") -> None:
    """A Progress for callers who want none."""


@dataclass(frozen=True)
class Features:
    """Embeddings of the readable photos among those asked for.

    `rows` is float16 (M, 1 + views, 2048), memory-mapped where it was cached; column 0 is the photo
    as it is, the others are augmented views. `places[i]` is the row of the photo at `kept[i]` of
    the request; `skipped` maps the place of each unreadable photo to its reason.
    """

    rows: npt.NDArray[np.float16]
    places: npt.NDArray[np.int64]
    kept: npt.NDArray[np.int64]
    skipped: dict[int, str]

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def views(self) -> int:
        return int(self.rows.shape[1]) - 1

    def clean(self) -> npt.NDArray[np.float16]:
        """(len(self), 2048): the unaugmented embedding of each kept photo, copied to memory."""
        return np.asarray(self.rows[self.places, 0])


def extract_features(
    embedder: Embedder,
    paths: Sequence[Path],
    *,
    recipe: Recipe,
    views: int = 0,
    keys: Sequence[str] | None = None,
    cache_dir: Path | None = None,
    progress: Progress = silent,
    phase: str = "features",
) -> Features:
    """Embed each photo and `views` augmented copies of it.

    `keys` identify the photos' bytes (their SHA-256; computed here when None). With `cache_dir`,
    what this backbone and these augmentations gave before is read from there, and what is new is
    added, batch by batch: a stopped run loses at most its last batch. One process may write at a
    time.
    """
    keys = [_key(path) for path in paths] if keys is None else keys
    cache = _open_cache(cache_dir, embedder, recipe, views)
    missing = [i for i, key in enumerate(keys) if key not in cache.places]
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
            rows = embedder.embed(np.concatenate(list(readable.values())))
            shaped = rows.reshape(len(readable), 1 + views, EMBEDDING_SIZE)
            cache.append([keys[i] for i in readable], shaped)
        progress(phase, done + start + len(step), len(keys))
    kept = [i for i in range(len(keys)) if i not in skipped]
    places = [cache.places[keys[i]] for i in kept]
    return Features(cache.rows(), np.array(places, np.int64), np.array(kept, np.int64), skipped)


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


class _FileCache:
    """Rows by key in two append-only files: `.rows` (fixed size each) and `.keys` (a line each).

    A row counts once its key's line is whole; what a killed process left beyond is overwritten.
    """

    def __init__(self, stem: Path, views: int) -> None:
        self._rows_path = stem.with_suffix(".rows")
        self._keys_path = stem.with_suffix(".keys")
        self._shape = (1 + views, EMBEDDING_SIZE)
        self._row_bytes = 2 * (1 + views) * EMBEDDING_SIZE
        stem.parent.mkdir(parents=True, exist_ok=True)
        for path in (self._rows_path, self._keys_path):
            path.touch()
        lines = self._keys_path.read_text().split("\n")[:-1]
        self._count = min(len(lines), self._rows_path.stat().st_size // self._row_bytes)
        self.places = {key: place for place, key in enumerate(lines[: self._count])}
        self._keys_path.write_text("".join(f"{key}\n" for key in lines[: self._count]))

    def append(self, keys: Sequence[str], rows: npt.NDArray[np.float16]) -> None:
        with self._rows_path.open("r+b") as file:
            file.seek(self._count * self._row_bytes)
            file.write(np.ascontiguousarray(rows).tobytes())
        with self._keys_path.open("a") as file:
            file.writelines(f"{key}\n" for key in keys)
        self.places.update({key: self._count + i for i, key in enumerate(keys)})
        self._count += len(keys)

    def rows(self) -> npt.NDArray[np.float16]:
        shape = (self._count, *self._shape)
        if self._count == 0:
            return np.empty(shape, np.float16)
        return np.memmap(self._rows_path, np.float16, mode="r", shape=shape)


def _open_cache(
    cache_dir: Path | None, embedder: Embedder, recipe: Recipe, views: int
) -> _MemoryCache | _FileCache:
    if cache_dir is None:
        return _MemoryCache(views)
    settings: dict[str, Any] = {"backbone": embedder.backbone.sha256, "views": views}
    if views:
        names = ("seed", "rotation", "shift", "shear", "zoom", "flip")
        settings |= {name: getattr(recipe, name) for name in names}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return _FileCache(cache_dir / f"features-{digest[:32]}", views)


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

"""The index of look-alikes on disk: what a backbone makes of each photo, in few numbers. Derived
from the rows of Embedding by the worker (worker/similar.py), so it may be deleted at any time.

    MODELS_DIR/similar/<backbone>/<generation>/
        components.npz            mean and axes; never changes
        <name>.ids.npy            image ids (N,) int64
        <name>.vectors.npy        (N, K) float32 of length 1, in the same order; never change
        index.json                which of these count; replaced by a rename

Nothing is ever changed in place: a reader maps what the manifest names, and a writer that dies or
finds the disk full leaves files behind that none names. Of two writers at once the later manifest
stands, and the other's rows are found missing at its next turn."""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from django.conf import settings

FORMAT = 1
MANIFEST = "index.json"
COMPONENTS = "components.npz"

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segment:
    name: str
    rows: int
    crc: int
    """Of its vectors' bytes; the worker looks at it once as it starts."""


@dataclass(frozen=True)
class Manifest:
    dimensions: int
    known: int
    """How many photos had an embedding when the components were fitted."""
    last: int = 0
    """Id of the newest embedding that was taken in."""
    complete_since: float = 0.0
    """Seconds since 1970; 0 while it is being built."""
    segments: tuple[Segment, ...] = field(default=())

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """OSError or ValueError where there is none that can be read."""
        try:
            values = json.loads((folder / MANIFEST).read_bytes())
            if values.pop("format") != FORMAT:
                raise ValueError("another format")
            segments = tuple(Segment(**segment) for segment in values.pop("segments"))
            return cls(**values, segments=segments)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{folder / MANIFEST} is damaged: {error}") from error

    def write(self, folder: Path) -> None:
        text = json.dumps({"format": FORMAT, **asdict(self)})
        write(folder / MANIFEST, lambda file: file.write(text.encode()))


def folder_of(sha256: str) -> Path:
    """Where the indexes of the backbone with these weights lie."""
    return settings.MODELS_DIR / "similar" / sha256[:16]


def generations(folder: Path) -> list[Path]:
    """Newest first. A generation shares its components; a backbone gets a new one when there are
    many more photos than the components were fitted on, or when the last one is damaged."""
    try:
        return sorted((entry for entry in folder.iterdir() if entry.is_dir()), reverse=True)
    except FileNotFoundError:
        return []


def new_generation(folder: Path) -> Path:
    made = folder / f"{time.time_ns():020}-{secrets.token_hex(3)}"
    made.mkdir(parents=True)
    return made


def write(target: Path, content: Callable[[IO[bytes]], object]) -> None:
    """Aside, synced, renamed: `target` is whole or not there."""
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with aside.open("wb") as file:
            content(file)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_components(folder: Path, mean: Floats, axes: Floats) -> None:
    write(folder / COMPONENTS, lambda file: np.savez(file, mean=mean, axes=axes))


def read_components(folder: Path) -> tuple[Floats, Floats]:
    """(mean (D,), axes (K, D)); OSError or ValueError."""
    try:
        with (folder / COMPONENTS).open("rb") as file:  # np.load leaves it open when it raises
            kept = np.load(file, allow_pickle=False)
            mean, axes = kept["mean"], kept["axes"]
    except (KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{folder / COMPONENTS} is damaged: {error}") from error
    if axes.ndim != 2 or mean.shape != axes.shape[1:]:
        raise ValueError(f"{folder / COMPONENTS} is damaged.")
    return mean, axes


def write_segment(folder: Path, ids: Ids, vectors: Floats) -> Segment:
    name = secrets.token_hex(8)
    vectors = np.ascontiguousarray(vectors, np.float32)
    write(folder / f"{name}.ids.npy", lambda file: np.save(file, ids.astype(np.int64)))
    write(folder / f"{name}.vectors.npy", lambda file: np.save(file, vectors))
    return Segment(name, len(ids), checksum(vectors))


def read_segment(folder: Path, segment: Segment, dimensions: int) -> tuple[Ids, Floats]:
    """Mapped, not read; OSError or ValueError where the files do not hold what they should."""
    try:
        ids = np.load(folder / f"{segment.name}.ids.npy", mmap_mode="r", allow_pickle=False)
        vectors = np.load(folder / f"{segment.name}.vectors.npy", mmap_mode="r", allow_pickle=False)
    except EOFError as error:
        raise ValueError(f"{folder / segment.name} is damaged: {error}") from error
    rows = segment.rows
    if (ids.shape, ids.dtype) != ((rows,), np.dtype(np.int64)):
        raise ValueError(f"{folder / segment.name}.ids.npy is damaged.")
    if (vectors.shape, vectors.dtype) != ((rows, dimensions), np.dtype(np.float32)):
        raise ValueError(f"{folder / segment.name}.vectors.npy is damaged.")
    return ids, vectors


def checksum(vectors: Floats) -> int:
    return zlib.crc32(np.ascontiguousarray(vectors).data)


@dataclass(frozen=True)
class Index:
    """One generation, open."""

    folder: Path
    manifest: Manifest
    mean: Floats
    axes: Floats
    parts: dict[str, tuple[Ids, Floats]]
    """Mapped ids and vectors by segment."""

    @classmethod
    def open(cls, folder: Path, before: Index | None = None) -> Index:
        """`before` lends what it has open of the same generation. OSError or ValueError."""
        manifest = Manifest.read(folder)
        same = before if before is not None and before.folder == folder else None
        mean, axes = (same.mean, same.axes) if same else read_components(folder)
        if len(axes) != manifest.dimensions:
            raise ValueError(f"{folder} is damaged: its parts do not belong together.")
        opened = same.parts if same else {}
        parts = {
            segment.name: opened.get(segment.name)
            or read_segment(folder, segment, manifest.dimensions)
            for segment in manifest.segments
        }
        return cls(folder, manifest, mean, axes, parts)

    @cached_property
    def ids(self) -> Ids:
        """Image ids (N,), segment by segment."""
        parts = [ids for ids, _ in self.parts.values()]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    @cached_property
    def by_id(self) -> npt.NDArray[np.intp]:
        """Places in `ids`, by rising id."""
        return np.argsort(self.ids, kind="stable")

    def likeness(self, embedding: npt.NDArray[Any]) -> Floats:
        """The cosine with every photo of the index (N,), -1 to 1, of one embedding (D,)."""
        if not self.parts:
            return np.zeros(0, np.float32)
        seen = self.axes @ (embedding.astype(np.float32) - self.mean)
        seen /= max(float(np.linalg.norm(seen)), 1e-6)
        return np.concatenate([vectors @ seen for _, vectors in self.parts.values()])

    def places(self, ids: Ids) -> npt.NDArray[np.intp]:
        """Where in the index those of the ids are that it holds."""
        if not len(self.ids):
            return np.zeros(0, np.intp)
        ordered = self.ids[self.by_id]
        found = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
        places: npt.NDArray[np.intp] = self.by_id[found[ordered[found] == ids]]
        return places


class Open:
    """What this process has open of one backbone's index; looks for a newer manifest each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._seen: tuple[Path, int, int] | None = None

    def index(self) -> Index | None:
        """The newest generation that is complete and sound; None where there is none."""
        with self._lock:
            for generation in generations(self.folder):
                try:
                    index = self._look(generation)
                except (OSError, ValueError):
                    continue  # the worker builds another
                if index.manifest.complete_since:
                    return index
            self._index = self._seen = None
            return None

    def _look(self, generation: Path) -> Index:
        status = (generation / MANIFEST).stat()
        seen = (generation, status.st_mtime_ns, status.st_ino)
        if self._index is not None and self._seen == seen:
            return self._index
        index = Index.open(generation, self._index)
        if index.manifest.complete_since:
            self._index, self._seen = index, seen
        return index

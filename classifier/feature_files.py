"""Embeddings by photo in files, from run to run. numpy only.

Two append-only files each: `<name>-<views>.rows`, (1 + views) x 2,048 float16 values a photo, and
`<name>-<views>.keys`, a line a photo. One process may write at a time.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

EMBEDDING_SIZE = 2048
EMBEDDING_BYTES = 2 * EMBEDDING_SIZE
COPIED_AT_ONCE = 512


class StoredRows:
    """`rows[places, views]` of a file, as numpy would give them: float16 (N, 2048), read when
    asked for. Nothing is mapped, since the pages of a mapping count as this process's memory: what
    a run needs at once stays the same however many photos there are.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __getitem__(self, where: tuple[Any, Any]) -> npt.NDArray[np.float16]:
        places, views = np.broadcast_arrays(*where)
        offsets = ((places.astype(np.int64) * self.shape[1] + views) * EMBEDDING_BYTES).ravel()
        found = np.empty((len(offsets), EMBEDDING_SIZE), np.float16)
        # Neighbours are read in one go.
        ends = np.append(np.flatnonzero(np.diff(offsets) != EMBEDDING_BYTES) + 1, len(offsets))
        start = 0
        for end in ends.tolist():
            part = found[start:end].data
            if part.nbytes and os.preadv(self._file, [part], int(offsets[start])) != part.nbytes:
                raise OSError("A file of embeddings is shorter than its keys say.")
            start = end
        return found.reshape(*places.shape, EMBEDDING_SIZE)


Rows = npt.NDArray[np.float16] | StoredRows
"""(photos, 1 + views, 2048), in memory or in a file."""


class FeatureFile:
    """Rows by key. A row counts once its key's line is whole; what a killed process left beyond is
    overwritten.
    """

    def __init__(self, stem: Path) -> None:
        views = int(stem.name.rpartition("-")[2])
        self._rows_path = stem.with_suffix(".rows")
        self._keys_path = stem.with_suffix(".keys")
        self._shape = (1 + views, EMBEDDING_SIZE)
        self._row_bytes = 2 * (1 + views) * EMBEDDING_SIZE
        stem.parent.mkdir(parents=True, exist_ok=True)
        for path in (self._rows_path, self._keys_path):
            path.touch()
        lines = _whole_lines(self._keys_path)
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

    def rows(self) -> StoredRows:
        return StoredRows(self._rows_path, (self._count, *self._shape))

    def without(self, unwanted: Collection[str]) -> None:
        """Write both files anew without these keys."""
        kept = [(key, place) for key, place in self.places.items() if key not in unwanted]
        if len(kept) == len(self.places):
            return
        old, views = self.rows(), self._shape[0]
        aside = self._rows_path.with_suffix(".aside")
        with aside.open("wb") as file:
            for start in range(0, len(kept), COPIED_AT_ONCE):
                places = np.array([place for _, place in kept[start : start + COPIED_AT_ONCE]])
                file.write(old[places[:, np.newaxis], np.arange(views)].tobytes())
        # In this order a crash in between leaves rows without keys, never keys of other rows.
        self._keys_path.write_text("")
        aside.replace(self._rows_path)
        self._keys_path.write_text("".join(f"{key}\n" for key, _ in kept))
        self.places = {key: place for place, (key, _) in enumerate(kept)}
        self._count = len(kept)


def keys(folder: Path) -> set[str]:
    """Every key that any file in the folder holds."""
    return {key for path in folder.glob("*.keys") for key in _whole_lines(path)}


def forget(folder: Path, unwanted: Collection[str]) -> None:
    """Remove the rows of these keys from every file in the folder."""
    for path in folder.glob("*.keys"):
        FeatureFile(path.with_suffix("")).without(unwanted)


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the `count` files that were used last."""
    newest = sorted(folder.glob("*.keys"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[count:]:
        path.unlink()
        path.with_suffix(".rows").unlink(missing_ok=True)


def _whole_lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1]

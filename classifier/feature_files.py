"""Embeddings by photo in files, from run to run. numpy only.

Two append-only files each: `<name>-<views>.rows`, (1 + views) x 2,048 float16 values a photo, and
`<name>-<views>.keys`, a line a photo. Several processes may use a folder: each change is made under
its lock.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from classifier.errors import CacheBusy

EMBEDDING_SIZE = 2048
EMBEDDING_BYTES = 2 * EMBEDDING_SIZE
COPIED_AT_ONCE = 512
LOCK = "lock"
LOCK_SECONDS = 60.0
"""Far longer than anybody needs it, but for a process that is frozen just then."""


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
    overwritten. What another process added or removed since is taken in before each step.
    """

    def __init__(self, stem: Path) -> None:
        views = int(stem.name.rpartition("-")[2])
        self._folder = stem.parent
        self._rows_path = stem.with_suffix(".rows")
        self._keys_path = stem.with_suffix(".keys")
        self._shape = (1 + views, EMBEDDING_SIZE)
        self._row_bytes = 2 * (1 + views) * EMBEDDING_SIZE
        self._seen: tuple[int, int, int] | None = None
        self.places: dict[str, int] = {}
        with _alone(self._folder):
            self._keys_path.touch()  # used now, says `keep_newest`
            self._look()

    def append(self, keys: Sequence[str], rows: npt.NDArray[np.float16]) -> None:
        with _alone(self._folder):
            self._look()
            count = len(self.places)
            new = [i for i, key in enumerate(keys) if key not in self.places]
            with self._rows_path.open("r+b") as file:
                file.seek(count * self._row_bytes)
                file.write(np.ascontiguousarray(rows[new]).tobytes())
            with self._keys_path.open("a") as file:
                file.writelines(f"{keys[i]}\n" for i in new)
            self.places.update({keys[i]: count + place for place, i in enumerate(new)})
            self._seen = self._stamp()

    def rows(self) -> StoredRows:
        """Read `places` after this, not before."""
        with _alone(self._folder):
            self._look()
            return self._stored()

    def without(self, unwanted: Collection[str]) -> None:
        """Write both files anew without these keys."""
        with _alone(self._folder):
            self._look()
            kept = [(key, place) for key, place in self.places.items() if key not in unwanted]
            if len(kept) < len(self.places):
                self._rewrite(kept)

    def _rewrite(self, kept: list[tuple[str, int]]) -> None:
        old, views = self._stored(), self._shape[0]
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
        self._seen = self._stamp()

    def _stored(self) -> StoredRows:
        return StoredRows(self._rows_path, (len(self.places), *self._shape))

    def _look(self) -> None:
        """Read the keys, unless they are as this process left them, and cut off what does not
        count. A key that comes again is where two processes once wrote at odds: from there on keys
        stand at other photos' rows."""
        if self._seen == self._stamp():
            return
        self._rows_path.open("ab").close()
        whole = self._rows_path.stat().st_size // self._row_bytes
        self.places = {}
        for key in _whole_lines(self._keys_path)[:whole]:
            if key in self.places:
                break
            self.places[key] = len(self.places)
        os.truncate(self._keys_path, sum(len(key.encode()) + 1 for key in self.places))
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int, int]:
        """Differs once another process changed the keys. Opened, since NFS looks only then whether
        another host did."""
        with self._keys_path.open("ab") as file:
            status = os.fstat(file.fileno())
        return status.st_ino, status.st_size, status.st_mtime_ns


def keys(folder: Path) -> set[str]:
    """Every key that any file in the folder holds."""
    with _alone(folder):
        return {key for path in folder.glob("*.keys") for key in _whole_lines(path)}


def forget(folder: Path, unwanted: Collection[str]) -> None:
    """Remove the rows of these keys from every file in the folder."""
    for path in folder.glob("*.keys"):
        FeatureFile(path.with_suffix("")).without(unwanted)


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the `count` files that were used last."""
    with _alone(folder):
        newest = sorted(folder.glob("*.keys"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in newest[count:]:
            path.unlink()
            path.with_suffix(".rows").unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process is between these lines for the same folder. CacheBusy where one stays there
    too long. Not to be nested."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    with (folder / LOCK).open("ab") as file:
        while not _locked(file):
            if time.monotonic() > deadline:
                raise CacheBusy(
                    f"Another process has held {folder / LOCK} for a minute. If a trainer hangs, "
                    "end it, then start the run again."
                )
            time.sleep(0.02)
        yield


def _locked(file: IO[bytes]) -> bool:
    """Until it is closed. True as well on a file system that has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _whole_lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1]

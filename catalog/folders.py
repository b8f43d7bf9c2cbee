"""Folders of photos on disk, a folder per category: what is in them, before anything is stored."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .errors import CatalogError

SPLIT_NAMES = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
CLUTTER = {"thumbs.db", "desktop.ini"}


class BadFolder(CatalogError):
    """The folder cannot be taken as one of photos; the message says what to do."""


@dataclass(frozen=True)
class Photo:
    path: Path
    folders: tuple[str, ...]
    """Names of the folders from the top: the category's path."""


@dataclass
class Scan:
    """Files that may be photos, in the order of their paths, and what is left out and why."""

    unlabelled: bool
    photos: list[Photo] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)


def scan(root: Path, *, unlabelled: bool = False) -> Scan:
    """Look through `root`; BadFolder when it is no folder, cannot be read, holds nothing, or holds
    splits. Hidden files are passed over, links that lead out of `root` refused."""
    try:
        found = _look_through(root, unlabelled=unlabelled)
    except OSError as error:
        raise BadFolder(
            f"{error.filename or root} cannot be read ({error.strerror}); let this user read it, "
            "or name another folder."
        ) from error
    if not found.photos and not found.refused:
        raise BadFolder(f"{root} holds no photos; put them there, a folder per category.")
    return found


def _look_through(root: Path, *, unlabelled: bool) -> Scan:
    if not root.is_dir():
        raise BadFolder(f"{root} is not a folder; name the folder that holds the categories.")
    if not unlabelled:
        _require_no_splits(root)
    found = Scan(unlabelled)
    for path in _files(root, found):
        reason = _why_not(path, root, unlabelled=unlabelled)
        if reason:
            found.refused.append((path, reason))
        else:
            found.photos.append(Photo(path, path.relative_to(root).parts[:-1]))
    if not unlabelled:
        _refuse_inner_folders(found)
    return found


def _files(root: Path, found: Scan) -> Iterator[Path]:
    """Every visible file, sorted; folders that cannot be read or are links are refused."""

    def unreadable(error: OSError) -> None:
        where = Path(error.filename or root)
        found.refused.append((where, f"The folder cannot be read ({error.strerror})."))

    for folder, inner, names in os.walk(root, onerror=unreadable):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        links = [name for name in inner if (Path(folder) / name).is_symlink()]
        for name in links:
            reason = "The folder is a link; import the folder it leads to."
            found.refused.append((Path(folder) / name, reason))
        for name in sorted(names):
            if not name.startswith(".") and name.lower() not in CLUTTER:
                yield Path(folder) / name


def _why_not(path: Path, root: Path, *, unlabelled: bool) -> str:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        return "The file is a link that leads out of the folder."
    if not path.is_file():
        return "This is not a file."
    if path.parent == root and not unlabelled:
        return "The photo lies in no category folder."
    folder = path.relative_to(root).parent
    if shown(folder) != str(folder) and not unlabelled:
        return "The folder's name is not UTF-8; rename it."
    return ""


def shown(path: Path) -> str:
    """The path as text that can be stored and printed: � for bytes that are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _refuse_inner_folders(found: Scan) -> None:
    """Only the lowest folders hold photos, as only leaves of the tree do."""
    above = {p.folders[:depth] for p in found.photos for depth in range(1, len(p.folders))}
    reason = "The folder has category folders below it; move the photo into one of them."
    found.refused += [(p.path, reason) for p in found.photos if p.folders in above]
    found.photos = [p for p in found.photos if p.folders not in above]


def _require_no_splits(root: Path) -> None:
    tops = sorted(p for p in root.iterdir() if p.is_dir() and p.name.lower() in SPLIT_NAMES)
    if tops:
        commands = [
            f"`manage.py import_images {shlex.quote(str(top))} --split "
            f"{SPLIT_NAMES[top.name.lower()]}`"
            for top in tops
        ]
        raise BadFolder(
            f"{root} holds splits, not categories; import each by itself: {', '.join(commands)}."
        )

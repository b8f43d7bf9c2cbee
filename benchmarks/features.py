"""Photos of a folder as embeddings, computed once: what the benchmarks of confidence stand on.

The folder holds train/, validation/ and test/, each with one folder per category."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT.parent / "shared" / "data" / "clothing-small"
SPLITS = ("train", "validation", "test")
QUICK_IMAGES = 400


@dataclass(frozen=True)
class Embedded:
    """The readable photos of one split: embeddings float16 (N, 2048), columns (N,) of `classes`."""

    paths: list[Path]
    embeddings: npt.NDArray[np.float16]
    columns: npt.NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def labels(self) -> list[str]:
        return [self.classes[column] for column in self.columns]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="about so many photos; 0 for all")
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--cache", type=Path, help="keep the embeddings here from run to run")
    parser.add_argument("--quick", action="store_true", help=f"about {QUICK_IMAGES} photos")
    parser.add_argument("--json", action="store_true")


def missing(photos: Path) -> str:
    """Why the folder cannot be used, in a sentence; empty when it can."""
    if all((photos / split).is_dir() for split in SPLITS):
        return ""
    return f"{photos} has no train/, validation/ and test/; name a folder with --photos."


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options; ends the program where their folder cannot be used."""
    add_arguments(parser)
    options = parser.parse_args()
    if reason := missing(options.photos):
        sys.exit(reason)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return options


def embed(options: argparse.Namespace) -> dict[str, Embedded]:
    """Every split's photos through the frozen backbone, about `options.images` of them."""
    limit = QUICK_IMAGES if options.quick and not options.images else options.images
    files = {split: _files(options.photos / split) for split in SPLITS}
    total = sum(map(len, files.values()))
    step = max(1, total // limit) if limit else 1
    files = {split: found[::step] for split, found in files.items()}
    classes = tuple(sorted({path.parent.name for path in files["train"]}))
    with _folder(options.cache) as cache:
        return _embed(files, classes, options.weights, cache)


def _embed(
    files: dict[str, list[Path]], classes: tuple[str, ...], weights: str, cache: Path
) -> dict[str, Embedded]:
    from classifier import network  # TensorFlow: seconds to import
    from classifier.engines.keras import Embedder
    from classifier.features import extract_features
    from classifier.recipe import Recipe
    from classifier.weights import resolve

    embedder = Embedder(network.load_backbone(resolve(weights)))
    found: dict[str, Embedded] = {}
    for split, paths in files.items():
        known = [path for path in paths if path.parent.name in classes]
        features = extract_features(embedder, known, recipe=Recipe(), cache_dir=cache)
        kept = [known[place] for place in features.kept]
        columns = np.array([classes.index(path.parent.name) for path in kept], np.int64)
        found[split] = Embedded(kept, features.clean(), columns, classes)
    return found


def settings(options: argparse.Namespace, found: dict[str, Embedded]) -> dict[str, Any]:
    """What every answer says of its photos."""
    return {
        "weights": options.weights,
        "images": {split: len(photos) for split, photos in found.items()},
        "categories": len(found["train"].classes),
    }


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*") if path.is_file())


@contextlib.contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    if cache is not None:
        yield cache
        return
    with tempfile.TemporaryDirectory(prefix="bench-features-") as folder:
        yield Path(folder)

"""Photos and labels to batches: decoding in threads, augmentation, class weights."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from classifier.errors import UnreadableImage
from classifier.images import Pixels, load
from classifier.recipe import Recipe

Item = TypeVar("Item")
Result = TypeVar("Result")

DECODING_THREADS = 2


@dataclass
class Skipped:
    """Files that could not be read, each with its reason; named once, counted once."""

    reasons: dict[Path, str] = field(default_factory=dict)

    def add(self, path: Path, reason: str) -> None:
        self.reasons.setdefault(path, reason)

    def __len__(self) -> int:
        return len(self.reasons)


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, window: int
) -> Iterator[Result]:
    """`work` of each item in order, computed in threads at most `window` items ahead."""
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def photo_seed(recipe: Recipe, *parts: object) -> np.random.Generator:
    """Random numbers that depend on nothing but the recipe's seed and `parts`."""
    text = "/".join(str(part) for part in (recipe.seed, *parts))
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


def augment(pixels: Pixels, recipe: Recipe, generator: np.random.Generator) -> Pixels:
    """One random rotation, shift, shear, zoom and flip of (s, s, 3) uint8, in one resampling.

    What comes into view beyond the edge repeats the edge's pixels.
    """
    side = pixels.shape[0]
    matrix = _affine(recipe, generator)
    shift = side * generator.uniform(-recipe.shift, recipe.shift, 2)
    centre = side / 2
    reach = np.abs(matrix).sum(axis=1) * centre + np.abs(shift)
    margin = max(0, math.ceil(reach.max() - centre)) + 1
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    offset = centre + margin + shift - matrix @ (centre, centre)
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    moved = Image.fromarray(padded).transform(
        (side, side), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    )
    return np.asarray(moved)


def _affine(recipe: Recipe, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """2 x 2 map from output to input coordinates about the centre."""
    angle = math.radians(generator.uniform(-recipe.rotation, recipe.rotation))
    shear = math.tan(math.radians(generator.uniform(-recipe.shear, recipe.shear)))
    zoom = (1 + recipe.zoom) ** generator.uniform(-1, 1)
    mirror = -1.0 if recipe.flip and generator.random() < 0.5 else 1.0
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    skew = np.array([[mirror, shear], [0.0, 1.0]])
    result: npt.NDArray[np.float64] = turn @ skew / zoom
    return result


def sample_weights(
    labels: npt.NDArray[np.integer[Any]], class_weights: str
) -> npt.NDArray[np.float32]:
    """A weight per label, mean 1: balanced gives every class the same total."""
    if class_weights == "none" or len(labels) == 0:
        return np.ones(len(labels), np.float32)
    counts = np.bincount(labels)
    present = np.count_nonzero(counts)
    balanced: npt.NDArray[np.float32] = np.asarray(
        len(labels) / (present * counts[labels]), np.float32
    )
    return balanced


def one_hot(labels: npt.NDArray[np.integer[Any]], classes: int) -> npt.NDArray[np.float32]:
    """(N,) columns to (N, classes)."""
    rows: npt.NDArray[np.float32] = np.eye(classes, dtype=np.float32)[labels]
    return rows


@dataclass
class PhotoBatches:
    """Augmented, shuffled batches of photos, another order and other views for each `epoch`.

    Iterating gives (pixels float32 (B, s, s, 3), one-hot (B, C), weights (B,)); at most
    two batches wait decoded in memory. Unreadable files get weight 0 and are noted in `skipped`. A
    batch is filled up with rows of weight 0 to a multiple of `multiple`, the number of devices that
    share it.
    """

    paths: Sequence[Path]
    labels: npt.NDArray[np.integer[Any]]
    classes: int
    image_size: int
    recipe: Recipe
    training: bool
    skipped: Skipped
    epoch: int = 0
    multiple: int = 1

    @classmethod
    def of(
        cls,
        pairs: Sequence[tuple[Path, int]],
        classes: int,
        image_size: int,
        recipe: Recipe,
        skipped: Skipped,
        *,
        training: bool,
        multiple: int = 1,
    ) -> PhotoBatches:
        """Batches of (path, column) pairs; without `training`, in order and as they are."""
        paths = [path for path, _ in pairs]
        labels = np.array([column for _, column in pairs], np.int64)
        return cls(paths, labels, classes, image_size, recipe, training, skipped, multiple=multiple)

    @property
    def batches(self) -> int:
        return math.ceil(len(self.paths) / self.recipe.fine_tune_batch_size)

    def __call__(self) -> Iterator[tuple[Any, Any, Any]]:
        epoch = self.epoch
        order = np.arange(len(self.paths))
        if self.training:
            photo_seed(self.recipe, "order", epoch).shuffle(order)
        targets = one_hot(self.labels, self.classes)
        weights = sample_weights(
            self.labels, self.recipe.class_weights if self.training else "none"
        )
        size = self.recipe.fine_tune_batch_size
        pixels = ahead(lambda row: self._pixels(int(row), epoch), order, window=2 * size)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = [next(pixels) for _ in rows]
            readable = np.array([image is not None for image in batch], np.float32)
            blank = np.zeros((self.image_size, self.image_size, 3), np.uint8)
            stacked = np.stack([blank if image is None else image for image in batch])
            yield self._filled_up(
                stacked.astype(np.float32), targets[rows], weights[rows] * readable
            )

    def _filled_up(self, pixels: Any, targets: Any, weights: Any) -> tuple[Any, Any, Any]:
        missing = -len(pixels) % self.multiple
        if not missing:
            return pixels, targets, weights
        again, full = [0] * missing, len(pixels) + missing
        weights = weights * full / len(pixels)  # the loss is divided by the number of rows
        return (
            np.concatenate([pixels, pixels[again]]),
            np.concatenate([targets, targets[again]]),
            np.concatenate([weights, np.zeros(missing)]).astype(np.float32),
        )

    def _pixels(self, row: int, epoch: int) -> Pixels | None:
        path = self.paths[row]
        try:
            pixels = load(path, self.image_size)
        except UnreadableImage as error:
            self.skipped.add(path, str(error))
            return None
        if not self.training:
            return pixels
        return augment(pixels, self.recipe, photo_seed(self.recipe, "epoch", epoch, row))

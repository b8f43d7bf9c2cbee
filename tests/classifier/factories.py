"""Photos drawn for a test, and small networks with random weights."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

COLOURS = {"red-hats": (220, 40, 40), "blue-hats": (40, 60, 220), "green-hats": (40, 200, 60)}


def pixels(*, seed: int = 0, width: int = 40, height: int = 48) -> npt.NDArray[np.uint8]:
    """(height, width, 3) smooth colours, so that resampling and JPEG change them little."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def write_photo(path: Path, colour: tuple[int, int, int], *, seed: int) -> Path:
    """A noisy photo that is mostly of one colour."""
    noise = np.random.default_rng(seed).integers(-35, 36, (40, 32, 3))
    image = Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG")
    return path


def write_catalog(
    folder: Path, counts: dict[str, int], *, seed: int = 0
) -> tuple[list[Path], list[str]]:
    """`counts[slug]` photos of each category's own colour: (paths, labels)."""
    paths, labels = [], []
    for slug, count in counts.items():
        for number in range(count):
            path = folder / slug / f"{number}.png"
            paths.append(write_photo(path, COLOURS[slug], seed=hash((seed, number)) % 2**32))
            labels.append(slug)
    return paths, labels

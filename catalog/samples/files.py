"""Sample pictures as files, drawn on every core. Knows no Django: the processes start bare."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .drawing import draw

QUALITY = 88


@dataclass(frozen=True)
class Drawing:
    """One picture to draw, and where its file goes."""

    slug: str
    seed: int
    file: Path


def draw_all(drawings: Sequence[Drawing]) -> Iterator[None]:
    """Yields after each file, in their order."""
    for folder in {drawing.file.parent for drawing in drawings}:
        folder.mkdir(parents=True, exist_ok=True)
    # Spawned, not forked: nothing of this process, such as its database connection, is shared.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context) as pool:
        yield from pool.map(_draw_one, drawings, chunksize=4)


def _draw_one(drawing: Drawing) -> None:
    draw(drawing.slug, seed=drawing.seed).save(drawing.file, "JPEG", quality=QUALITY)

"""What reading a photo for the network costs: by the short cut for ordinary JPEGs, and by Pillow
alone, in processor time of one thread, and how far apart the pixels are.

    python -m benchmarks.reading [--json] [--photos DIR] [--images N] [--quick]

DIR holds train/, with one folder per category."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.served import PHOTOS, NoPhotos, files_of

SIZES = (224, 112)
ROUNDS = 3


def measure(data: list[bytes], size: int) -> dict[str, Any]:
    from classifier import images

    def read() -> tuple[float, np.ndarray[Any, Any]]:
        """Milliseconds a photo in the fastest of the rounds, and the pixels."""
        seconds = []
        for _ in range(ROUNDS):
            began = time.process_time()
            pixels = [images.load(photo, size) for photo in data]
            seconds.append(time.process_time() - began)
        return 1000 * min(seconds) / len(data), np.stack(pixels).astype(int)

    short, ours = read()
    with mock.patch.object(images, "_by_short_cut", return_value=None):
        whole, theirs = read()
    return {
        "image_size": size,
        "short_cut_ms": short,
        "pillow_ms": whole,
        "mean_difference_of_255": float(np.abs(ours - theirs).mean()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="What reading a photo for the network costs.")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="40 photos")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        files = files_of(options.photos, "train", options.images or (40 if options.quick else 400))
    except NoPhotos as error:
        print(error, file=sys.stderr)
        return 1
    data = [file.read_bytes() for file in files]
    rows = [measure(data, size) for size in SIZES]
    for row in rows:
        print(
            f"{row['image_size']} px: {row['short_cut_ms']:.2f} ms by the short cut, "
            f"{row['pillow_ms']:.2f} ms by Pillow alone, "
            f"{row['mean_difference_of_255']:.1f} of 255 apart"
        )
    if options.json:
        print(json.dumps({"settings": {"images": len(files)}, "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

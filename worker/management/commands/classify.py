"""manage.py classify PATH..."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandParser

from catalog import folders
from catalog.errors import CatalogError
from catalog.management.contract import Result
from classifier.engines import Engine
from classifier.errors import UnreadableImage
from classifier.images import Pixels, load
from worker.answers import Tree

from ..contract import ClassifierCommand, engine_of, percent, version_of

BATCH = 32


class Command(ClassifierCommand):
    help = "What the live version says of files; nothing is stored."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="files or folders")
        parser.add_argument(
            "--top", type=int, default=3, metavar="N", help="so many answers of each (3)"
        )

    def run(self, **options: Any) -> Result:
        if options["top"] < 1:
            raise CatalogError("--top takes a number of at least 1.")
        version = version_of(None)
        files = list(_files(options["paths"]))
        tree = Tree.now(version.classes)
        if not tree:
            raise CatalogError("The live version knows none of today's categories; retrain.")
        classifier = engine_of(version)
        results = [
            result
            for start in range(0, len(files), BATCH)
            for result in _answers(
                classifier, tree, files[start : start + BATCH], count=options["top"]
            )
        ]
        failed = all("error" in result for result in results)
        return Result(
            {"version": version.pk, "results": results},
            [_line(result) for result in results],
            refused="None of the files is a photo that can be read." if failed else "",
        )


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files as named; of folders, every visible file in them. A path that is not there, or that
    nobody may look at, is kept, so that its result says so."""
    for path in paths:
        path = path.expanduser()
        if os.path.isdir(path):  # noqa: PTH112 - Path's own raises where it may not look
            yield from (photo.path for photo in folders.scan(path, unlabelled=True).photos)
        else:
            yield path


def _answers(
    classifier: Engine, tree: Tree, files: Sequence[Path], *, count: int
) -> list[dict[str, Any]]:
    pixels: dict[Path, Pixels] = {}
    errors: dict[Path, str] = {}
    for path in files:
        try:
            pixels[path] = load(path, classifier.image_size)
        except UnreadableImage as error:
            errors[path] = str(error)
    rows: dict[Path, Any] = {}
    if pixels:
        probabilities, _ = classifier.predict(np.stack(list(pixels.values())))
        rows = dict(zip(pixels, tree.masked(probabilities), strict=True))
    return [
        {"path": folders.shown(path), "error": errors[path]}
        if path in errors
        else {"path": folders.shown(path), "top": _named(tree, rows[path], count)}
        for path in files
    ]


def _named(tree: Tree, row: Any, count: int) -> list[dict[str, Any]]:
    best = tree.top_slugs(row, count=count)
    return [{"category": slug, "confidence": round(share, 4)} for slug, share in best]


def _line(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['path']}: {result['error']}"
    top = ", ".join(f"{t['category']} {percent(t['confidence'])}" for t in result["top"])
    return f"{result['path']}: {top}"

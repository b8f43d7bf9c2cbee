"""manage.py evaluate"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandParser

from catalog import category_names, folders, merging, training_set
from catalog.errors import CatalogError
from catalog.management.contract import Bar, Result, bar_on
from catalog.models import ModelVersion, Split
from classifier.certainty import certainty
from classifier.errors import UnreadableImage
from classifier.evaluation import report
from classifier.images import Pixels, load
from worker import photos
from worker.answers import as_counted

from ..contract import ClassifierCommand, engine_of, percent, version_of

BATCH = 32
SHOWN = 10
SURENESS = ("temperature", "ece_before", "ece_by_chance", "reliability", "coverage", "intervals")


class Command(ClassifierCommand):
    help = "How well a version does on labelled photos."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--model", type=int, metavar="VERSION", help="the live one if left out")
        parser.add_argument(
            "--split",
            choices=[s.value for s in Split if s.value],
            default="test",
            help="which of the catalog's own photos (test)",
        )
        parser.add_argument(
            "--dataset", type=Path, metavar="DIR", help="other photos, a folder per category"
        )

    def run(self, **options: Any) -> Result:
        version = version_of(options["model"])
        refused: list[dict[str, str]] = []
        split: str | None = None
        if options["dataset"] is None:
            split = options["split"]
            found = _labelled(Split(split))
        else:
            found, refused = _in_folders(options["dataset"].expanduser())
        with bar_on(self.stderr) as bar:
            measured, unreadable = _measure(version, found, bar)
        data = {
            "version": version.pk,
            "split": split,
            "images": measured["images"],
            **{key: measured[key] for key in ("accuracy", "macro_f1", "ece", "per_class")},
            "confusion": measured["confusion"],
            "unknown_categories": measured["unknown_categories"],
            "unreadable": refused + unreadable,
            **{key: measured[key] for key in SURENESS},
        }
        if not data["images"]:
            nothing = "None of the files is a photo that can be read in a folder of its category."
            return Result(data, _left_out(data), refused=nothing)
        return Result(data, [*_summary(version, data), *_left_out(data)])


def _labelled(split: Split) -> list[tuple[Path, str]]:
    """(path, slug) of the catalog's own photos of one split."""
    rows = training_set.build().of(split)
    if not rows:
        raise CatalogError(f"There are no labelled {split} photos yet; label or import some.")
    return [(photos.path_of(row.file), row.slug) for row in rows]


def _in_folders(root: Path) -> tuple[list[tuple[Path, str]], list[dict[str, str]]]:
    """(path, slug) of the photos below `root`, and the other files with their reasons."""
    scan = folders.scan(root)
    found = scan.photos
    slugs = {names: category_names.folder_slug(names) for names in {p.folders for p in found}}
    refused = [{"path": folders.shown(path), "reason": reason} for path, reason in scan.refused]
    return [(photo.path, slugs[photo.folders]) for photo in found], refused


def _measure(
    version: ModelVersion, found: Sequence[tuple[Path, str]], bar: Bar
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The report on the readable ones, and the others with their reasons."""
    classifier = engine_of(version)
    answers: list[Any] = [np.empty((0, len(classifier.classes)), np.float32)]
    labels: list[str] = []
    unreadable: list[dict[str, str]] = []
    for start in range(0, len(found), BATCH):
        pixels: list[Pixels] = []
        for path, slug in found[start : start + BATCH]:
            try:
                pixels.append(load(path, classifier.image_size))
                labels.append(slug)
            except UnreadableImage as error:
                unreadable.append({"path": folders.shown(path), "reason": str(error)})
        if pixels:
            answers.append(classifier.predict(np.stack(pixels))[0])
        bar.show("evaluating", min(start + BATCH, len(found)), len(found))
    merged = merging.slugs()
    probabilities, classes = as_counted(np.concatenate(answers), classifier.classes, merged)
    labels = [merged.get(slug, slug) for slug in labels]
    sureness = certainty(probabilities, labels, classes, temperature=classifier.temperature)
    return report(probabilities, labels, classes) | sureness, unreadable


def _within(interval: list[float]) -> str:
    return f"{percent(interval[0])} to {percent(interval[1])}"


def _summary(version: ModelVersion, data: dict[str, Any]) -> list[str]:
    within = {key: _within(data["intervals"][key]) for key in ("accuracy", "macro_f1", "ece")}
    chance = data["ece_by_chance"]
    overall = (
        f"Version {version.pk} on {data['images']} photos: {percent(data['accuracy'])} right "
        f"[{within['accuracy']}], macro-F1 {percent(data['macro_f1'])} [{within['macro_f1']}], "
        f"calibration error {percent(data['ece'])} [{within['ece']}]."
    )
    by_chance = (
        f"On so few photos chance alone shows a calibration error of {percent(chance['mean'])}, up "
        f"to {percent(chance['high'])}; without calibration it is {percent(data['ece_before'])}."
    )
    lines = [overall, by_chance, f"{'category':<32} precision recall    f1 photos"]
    for slug, score in data["per_class"].items():
        figures = " ".join(f"{percent(score[k]):>6}" for k in ("precision", "recall", "f1"))
        lines.append(f"{slug:<32}    {figures} {score['support']:>6}")
    if data["unknown_categories"]:
        lines.append(f"Unknown to the model: {', '.join(data['unknown_categories'])}.")
    return lines


def _left_out(data: dict[str, Any]) -> list[str]:
    left_out = data["unreadable"]
    if not left_out:
        return []
    named = [f"  {r['path']}: {r['reason']}" for r in left_out[:SHOWN]]
    return [f"{len(left_out)} files were left out:", *named]

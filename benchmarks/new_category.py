"""A new category with ten photos, learned by a quick run: one category at a time is left out, a
head is trained on the others and stands for the live one; then ten photos of it are added and the
head learns them, as `retrain --mode head` does where nothing else is new; with --corrected it
learns on, as it does where people corrected others as well. Reports on the test photos, over
several draws of the ten: the new category's recall, what the others' mean recall changes by, the
most photos any lost. Beside it what a head would have of it that begins anew with all photos of
the category.

    python -m benchmarks.new_category [--json] [--photos DIR] [--images N] [--quick]
        [--categories SLUG ...] [--seeds N] [--added N] [--drawn-from SPLIT] [--corrected]
        [--cache DIR] [--weights W] [--set KEY=VALUE]

DIR holds train/, validation/ and test/, each with one folder per category. Embeddings are computed
once and stay in --cache. The starter weights learned clothing-small's training photos together with
their categories; photos of a category that is new to a shop are new to its weights, too. So the ten
are drawn from its validation photos, which then judge nothing."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from .real_photos import PHOTOS, SPLITS, sample

if TYPE_CHECKING:
    from classifier.network import Backbone
    from classifier.recipe import Recipe
    from classifier.run import LabelledPhotos, Trained

ADDED = 10
SEEDS = 5
QUICK_IMAGES = 600
DRAWN_FROM = "validation"
RECALL = 0.70
FALL = 0.01
LOST = 2


Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class Bench:
    photos: dict[str, LabelledPhotos]
    backbone: Backbone
    recipe: Recipe
    cache: Path
    drawn_from: str
    corrected: bool

    def with_all(self) -> Trained:
        """A head that begins anew with all photos of all categories: what can be had at most."""
        return self._train(self.photos, self.recipe)

    def live(self, without: str) -> Trained:
        """The head before the category is there."""
        return self._train(self._chosen(lambda slug: slug != without), self.recipe)

    def with_new(self, slug: str, live: Trained, *, added: int, seed: int) -> Trained:
        """The head after a quick run with `added` photos of it. None of them is for validation."""
        from classifier.inheritance import Ancestor

        chosen = self._chosen(lambda other: other != slug)
        own = self._only(self.drawn_from, lambda other: other == slug)
        places = np.random.default_rng(seed).choice(len(own), min(added, len(own)), replace=False)
        chosen["train"] = _joined(chosen["train"], _at(own, places.tolist()))
        chosen["test"] = self.photos["test"]
        before = Ancestor(live.head, live.classes, is_up_to_date=not self.corrected)
        ancestor = before if self.recipe.quick_from_live else None
        recipe = self.recipe.with_overrides([f"seed={seed}"])
        return self._train(chosen, recipe, ancestor=ancestor)

    def _train(self, photos: dict[str, LabelledPhotos], recipe: Recipe, **options: Any) -> Trained:
        from classifier.run import train

        return train(
            photos,
            backbone=self.backbone,
            recipe=recipe,
            full=False,
            views=recipe.quick_views,
            cache_dir=self.cache,
            **options,
        )

    def _chosen(self, wanted: Wanted) -> dict[str, LabelledPhotos]:
        return {split: self._only(split, wanted) for split in SPLITS}

    def _only(self, split: str, wanted: Wanted) -> LabelledPhotos:
        photos = self.photos[split]
        return _at(photos, [i for i, slug in enumerate(photos.labels) if wanted(slug)])


def _at(photos: LabelledPhotos, places: list[int]) -> LabelledPhotos:
    from classifier.run import LabelledPhotos

    keys = photos.keys or ()
    return LabelledPhotos(
        [photos.paths[i] for i in places],
        [photos.labels[i] for i in places],
        [keys[i] for i in places],
    )


def _joined(first: LabelledPhotos, second: LabelledPhotos) -> LabelledPhotos:
    from classifier.run import LabelledPhotos

    return LabelledPhotos(
        [*first.paths, *second.paths],
        [*first.labels, *second.labels],
        [*(first.keys or ()), *(second.keys or ())],
    )


def read(photos: Path) -> dict[str, LabelledPhotos]:
    from classifier.run import LabelledPhotos
    from classifier.weights import file_sha256

    found = {}
    for split in SPLITS:
        paths = sorted(path for path in (photos / split).glob("*/*") if path.is_file())
        labels = [path.parent.name for path in paths]
        found[split] = LabelledPhotos(paths, labels, [file_sha256(path) for path in paths])
    return found


def right(trained: Trained) -> dict[str, int]:
    """{category: test photos answered right}"""
    judged = trained.judgements["test"]
    pairs = zip(judged.labels, judged.predicted, strict=True)
    hits = [label for label, predicted in pairs if label == predicted]
    return {slug: hits.count(slug) for slug in trained.classes}


def measure(
    bench: Bench, slug: str, with_all: Trained, *, added: int, seeds: int
) -> dict[str, Any]:
    """One category held out, over the seeds."""
    live = bench.live(slug)
    support = {s: list(bench.photos["test"].labels).count(s) for s in [*live.classes, slug]}

    def compared(learned: Trained) -> dict[str, Any]:
        before, after = right(live), right(learned)
        changes = [(after[s] - before[s]) / support[s] for s in live.classes if support[s]]
        lost = {s: before[s] - after[s] for s in live.classes}
        return {
            "recall": after[slug] / support[slug],
            "others_change": float(np.mean(changes)),
            "most_lost": max(lost.values()),
            "lost_in": max(lost, key=lambda s: lost[s]),
        }

    draws = [compared(bench.with_new(slug, live, added=added, seed=seed)) for seed in range(seeds)]
    return {
        "category": slug,
        "test_photos": support[slug],
        **_verdict(draws),
        "with_all_photos": compared(with_all),
        "draws": draws,
    }


def _verdict(draws: list[dict[str, Any]]) -> dict[str, Any]:
    recall = float(np.mean([draw["recall"] for draw in draws]))
    change = float(np.mean([draw["others_change"] for draw in draws]))
    lost = max(draw["most_lost"] for draw in draws)
    return {
        "recall": recall,
        "recall_lowest": min(draw["recall"] for draw in draws),
        "others_change": change,
        "most_lost": lost,
        "holds": recall >= RECALL and change >= -FALL and lost <= LOST,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="about so many photos; 0 for all")
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--categories", nargs="+", help="which are held out in turn; default all")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--added", type=int, default=ADDED)
    parser.add_argument("--drawn-from", choices=("train", "validation"), default=DRAWN_FROM)
    parser.add_argument(
        "--corrected",
        action="store_true",
        help="learn on as though photos of the other categories had been corrected, too",
    )
    parser.add_argument("--cache", type=Path, help="where embeddings stay from run to run")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--quick", action="store_true", help="600 photos, one category, one draw")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.photos / "train").is_dir():
        print(f"{options.photos} has no train/ folder; name one with --photos.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        limit = QUICK_IMAGES if options.quick else options.images
        photos = sample(options.photos, limit, Path(folder)) if limit else options.photos
        rows = list(_rows(options, photos, options.cache or Path(folder) / "cache"))
    held = [row["category"] for row in rows if row["holds"]]
    draws = [draw for row in rows for draw in row["draws"]]
    kind = sum(draw["most_lost"] <= LOST for draw in draws)
    print(
        f"Over all categories: recall {_mean(rows, 'recall'):.3f}, others "
        f"{100 * _mean(rows, 'others_change'):+.1f} points; {kind} of {len(draws)} draws cost no "
        f"category more than {LOST} photos"
    )
    print(f"All three conditions hold for {len(held)} of {len(rows)}: {', '.join(held) or '–'}")
    if options.json:
        settings = {"weights": options.weights, "added": options.added, "seeds": options.seeds}
        settings |= {"images": limit or "all", "set": options.set}
        settings |= {"drawn_from": options.drawn_from, "corrected": options.corrected}
        within = {"draws": len(draws), "draws_within": kind}
        means = {name: _mean(rows, name) for name in ("recall", "others_change")}
        print(json.dumps({"settings": settings, "rows": rows, "hold": held} | means | within))
    return 0


def _mean(rows: list[dict[str, Any]], name: str) -> float:
    return float(np.mean([row[name] for row in rows]))


def _rows(options: argparse.Namespace, photos: Path, cache: Path) -> Any:
    from classifier.network import load_backbone
    from classifier.recipe import Recipe
    from classifier.weights import resolve

    began = time.perf_counter()
    recipe = Recipe().with_overrides(options.set)
    backbone = load_backbone(resolve(options.weights))
    bench = Bench(read(photos), backbone, recipe, cache, options.drawn_from, options.corrected)
    categories = options.categories or sorted(set(bench.photos["test"].labels))
    seeds = options.seeds
    if options.quick:
        categories, seeds = categories[:1], 1
    with_all = bench.with_all()
    for slug in categories:
        row = measure(bench, slug, with_all, added=options.added, seeds=seeds)
        print(
            f"{slug}: recall {row['recall']:.3f} (lowest {row['recall_lowest']:.3f}) of "
            f"{row['test_photos']} test photos, others {100 * row['others_change']:+.1f} points, "
            f"most lost {row['most_lost']}{'' if row['holds'] else ', does not hold'}; with all "
            f"its photos recall {row['with_all_photos']['recall']:.3f}, others "
            f"{100 * row['with_all_photos']['others_change']:+.1f}, most lost "
            f"{row['with_all_photos']['most_lost']} "
            f"({time.perf_counter() - began:.0f} s)",
            flush=True,
        )
        yield row


if __name__ == "__main__":
    raise SystemExit(main())

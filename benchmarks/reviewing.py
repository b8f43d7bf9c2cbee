"""A simulated reviewer whose keys come from the true labels: how many decisions and keystrokes a
photo takes on the desk (Focus), in the grid of look-alikes, and on a plain list, first in, first
out. The product's own queue, leases, grid and decisions do the work, on an SQLite file; only the
person is made up.

    python -m benchmarks.reviewing [--json] [--photos DIR] [--images N] [--quick] [--cache DIR]

A head is trained on the training photos' embeddings. What is reviewed are the validation and test
photos, which neither the backbone nor the head has learned from. One photo in ten is drawn at
random, as in service, and so never stands in the grid.

A grid page costs one action for Enter and one for each flag (a click, or arrows and X: keystrokes
count every arrow). On the desk and the list a right suggestion costs one key, another of the five
one, and any other category as many letters as make it the first match, and Enter. An action is one
decision of the person: a page confirmed, a tile flagged, a photo decided."""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from benchmarks import features
from benchmarks.features import Embedded

SLACK = 0.01
TARGETS = (0.10, 0.05, 0.02, 0.0)
HELD_OUT = 7
"""One training photo in so many stops the training of the head."""


@dataclass
class Work:
    """What a person did, and what was wrong in the catalog after each step."""

    photos: int
    wrong: int
    actions: int = 0
    keys: int = 0
    decided: int = 0
    course: list[tuple[int, int]] = field(default_factory=list)
    """(actions so far, photos whose answer is wrong)"""

    def step(self, *, actions: int, keys: int, decided: int, righted: int) -> None:
        self.actions += actions
        self.keys += keys
        self.decided += decided
        self.wrong -= righted
        self.course.append((self.actions, self.wrong))

    def actions_to(self, share: float) -> int | None:
        """Actions until at most this share of the photos is wrong."""
        enough = (done for done, wrong in self.course if wrong <= share * self.photos)
        return next(enough, None)

    def row(self) -> dict[str, Any]:
        each = max(self.decided, 1)
        return {
            "photos_decided": self.decided,
            "actions": self.actions,
            "keys": self.keys,
            "actions_per_image": round(self.actions / each, 4),
            "keys_per_image": round(self.keys / each, 4),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options = features.parsed(parser)
    began = time.perf_counter()
    found = features.embed(options)
    probabilities, reviewed = _answers(found)
    with tempfile.TemporaryDirectory(prefix="bench-reviewing-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DATABASE_URL": "",
            "REDIS_URL": "memory://",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "catalog.settings",
            "HTTPS": "0",
        }
        os.environ.pop("MODELS_DIR", None)
        result = measure(reviewed, probabilities)
    result["settings"] = features.settings(options, found)
    result["seconds"] = round(time.perf_counter() - began, 1)
    _print(result)
    if options.json:
        print(json.dumps(result))
    return 0 if options.quick or result["grid"]["within_bar"] else 1


def _answers(found: dict[str, Embedded]) -> tuple[npt.NDArray[np.float64], Embedded]:
    """The head's probabilities of the photos to review, and those photos."""
    from classifier.evaluation import fit_temperature, softmax  # TensorFlow: seconds to import
    from classifier.features import Features
    from classifier.recipe import Recipe
    from classifier.training import head_logits, train_head

    train = found["train"]
    held = np.arange(len(train)) % HELD_OUT == 0
    stop = (train.embeddings[held], train.columns[held])
    places = np.arange(int((~held).sum()))
    trained = train_head(
        Features(train.embeddings[~held][:, np.newaxis], places, places, {}),
        train.columns[~held],
        classes=len(train.classes),
        validation=stop,
        recipe=Recipe(),
    )
    temperature = fit_temperature(head_logits(trained.head, stop[0]), stop[1])
    parts = [found["validation"], found["test"]]
    reviewed = Embedded(
        [path for part in parts for path in part.paths],
        np.concatenate([part.embeddings for part in parts]),
        np.concatenate([part.columns for part in parts]),
        train.classes,
    )
    logits = head_logits(trained.head, reviewed.embeddings)
    return softmax(logits / temperature).astype(np.float64), reviewed


# From here on Django is configured by the environment.


def measure(reviewed: Embedded, probabilities: npt.NDArray[np.float64]) -> dict[str, Any]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    truth = _fill(reviewed, probabilities)
    _index(truth)
    wrong = int((probabilities.argmax(axis=1) != reviewed.columns).sum())
    run = _Run(truth, wrong)
    first_in, focus = run.alone(run.first_in_first_out), run.alone(run.focus)
    grid, after = run.alone(run.grid_then_focus)
    tiles, flags = grid.decided, run.flags
    bar = 1 / 24 + flags / max(tiles + flags, 1) + SLACK
    shown = tiles + flags
    grid_row = grid.row() | {
        "tiles_shown": shown,
        "flagged": flags,
        "actions_per_image": round(grid.actions / max(shown, 1), 4),
        "keys_per_image": round(grid.keys / max(shown, 1), 4),
        "error_rate": round(flags / max(shown, 1), 4),
        "bar": round(bar, 4),
        "within_bar": grid.actions / max(shown, 1) <= bar,
    }
    orders = {"focus": focus, "grid_then_focus": after}
    return {
        "images": len(reviewed),
        "wrong_before": wrong,
        "fifo": first_in.row(),
        "focus": focus.row(),
        "grid": grid_row,
        "focus_after_grid": {
            "photos_decided": after.decided - grid.decided,
            "actions": after.actions - grid.actions,
            "keys": after.keys - grid.keys,
        },
        "grid_then_focus": after.row(),
        "share_of_fifo": {f"{target:.0%}": _shares(orders, first_in, target) for target in TARGETS},
    }


def _shares(orders: dict[str, Work], first_in: Work, target: float) -> dict[str, float | None]:
    """{order: its actions until so little is wrong, as a share of first in, first out}"""
    plain, found = first_in.actions_to(target), {}
    for name, order in orders.items():
        ours = order.actions_to(target)
        found[name] = round(ours / plain, 3) if ours is not None and plain else None
    return found


def _fill(reviewed: Embedded, probabilities: npt.NDArray[np.float64]) -> dict[int, int]:
    """Rows as uploads and a worker leave them, without files; {image id: true category id}."""
    from catalog.models import (
        Backbone,
        Category,
        Embedding,
        MachineState,
        Merchant,
        ModelVersion,
        Prediction,
        Product,
        ProductImage,
        Serving,
        VersionState,
    )

    from .growth_rows import stored_columns

    dice = random.Random(3)
    leaves = [
        Category.objects.create(name=name.capitalize(), slug=name, path=name.capitalize())
        for name in reviewed.classes
    ]
    backbone = Backbone.objects.create(
        sha256=secrets.token_hex(32), directory="backbones/0", source="starter", image_size=112
    )
    version = ModelVersion.objects.create(
        backbone=backbone, state=VersionState.LIVE, directory="versions/0", recipe={}, metrics={},
        classes=list(reviewed.classes), fingerprint="", weights="starter weights",
    )  # fmt: skip
    Serving.objects.update_or_create(id=1, defaults={"live": version})
    merchant = Merchant.objects.create(name="Shop")
    order = dice.sample(range(len(reviewed)), len(reviewed))
    truth = {}
    for n, place in enumerate(order):
        best = np.argsort(-probabilities[place])[:5]
        top = [(leaves[c].pk, float(probabilities[place, c])) for c in best]
        image = ProductImage.objects.create(
            merchant=merchant,
            product=Product.objects.create(merchant=merchant, sku=f"S-{n}"),
            original_name=f"{n}.jpg",
            machine=MachineState.CLASSIFIED,
            predicted_id=top[0][0],
            confidence=top[0][1],
            version=version,
            drawn=dice.random() < 0.1,
            **stored_columns(dice),
        )
        image.prediction = Prediction.objects.create(
            image=image, version=version, category_id=top[0][0], confidence=top[0][1], top=top
        )
        image.save(update_fields=["prediction"])
        vector = reviewed.embeddings[place].astype("<f2").tobytes()
        Embedding.objects.create(image=image, backbone=backbone, vector=vector)
        truth[image.pk] = leaves[reviewed.columns[place]].pk
    return truth


def _index(truth: dict[int, int]) -> None:
    from catalog import similar
    from catalog.models import ProductImage
    from worker.similar import keep_up

    image = ProductImage.objects.get(pk=max(truth))
    while similar.why_none(image):
        keep_up(seconds=60)


class _Run:
    """The three ways through the same photos; each leaves no trace for the next."""

    def __init__(self, truth: dict[int, int], wrong: int) -> None:
        from catalog.models import Category, Role, User

        self.truth, self.wrong, self.flags = truth, wrong, 0
        self.leaves = Category.objects.in_bulk()
        self.names = sorted(leaf.name.lower() for leaf in self.leaves.values())
        self.user = User.objects.create_user("rita", role=Role.REVIEWER)

    def alone(self, way: Callable[[], Any]) -> Any:
        from .growth import taken_back

        with taken_back():
            return way()

    def first_in_first_out(self) -> Work:
        from catalog.models import ProductImage

        work = Work(len(self.truth), self.wrong)
        for image in ProductImage.objects.order_by("id").select_related("prediction"):
            self._decide(image, work)
        return work

    def focus(self) -> Work:
        return self._focus(Work(len(self.truth), self.wrong))

    def grid_then_focus(self) -> tuple[Work, Work]:
        """(after the last page of the grid, after the desk has seen the rest)."""
        work = Work(len(self.truth), self.wrong)
        for category, images in self._pages():
            wrong = [place for place, i in enumerate(images) if self.truth[i.pk] != category.pk]
            self._save(category, images, wrong)
            self.flags += len(wrong)
            keys = 1 + len(wrong) + _arrows(wrong)
            actions, decided = 1 + len(wrong), len(images) - len(wrong)
            work.step(actions=actions, keys=keys, decided=decided, righted=0)
        grid = Work(work.photos, work.wrong, work.actions, work.keys, work.decided)
        return grid, self._focus(work)

    def _pages(self) -> Iterator[tuple[Any, list[Any]]]:
        from catalog import grid

        while (page := grid.open_grid(self.user)).images:
            yield page.category, list(page.images)

    def _save(self, category: Any, images: list[Any], wrong: list[int]) -> None:
        from catalog import grid

        seen = {image.pk: image.revision for image in images}
        flagged = [images[place].pk for place in wrong]
        saved = grid.save(self.user, category, seen=seen, flagged=flagged, batch=uuid4())
        if saved.confirmed != len(images) - len(wrong):
            raise RuntimeError(f"the grid did not save a page: {saved.refused}")

    def _focus(self, work: Work) -> Work:
        from catalog import queue

        while images := queue.next_images(self.user):
            self._decide(images[0], work)
        return work

    def _decide(self, image: Any, work: Work) -> None:
        from catalog import lifecycle

        belongs = self.leaves[self.truth[image.pk]]
        lifecycle.decide_category(image, belongs, by=self.user, revision=image.revision)
        righted = int(image.predicted_id != belongs.pk)
        work.step(actions=1, keys=self._keys(image, belongs), decided=1, righted=righted)

    def _keys(self, image: Any, belongs: Any) -> int:
        if any(pk == belongs.pk for pk, _ in image.prediction.top):
            return 1
        name = belongs.name.lower()
        for length in range(1, len(name) + 1):
            if next(n for n in self.names if n.startswith(name[:length])) == name:
                return length + 1
        return len(name) + 1


def _arrows(places: list[int], columns: int = 8) -> int:
    """Arrow keys from tile to tile, in rows of eight."""
    at, keys = (0, 0), 0
    for place in places:
        to = divmod(place, columns)
        keys += abs(to[0] - at[0]) + abs(to[1] - at[1])
        at = to
    return keys


def _print(result: dict[str, Any]) -> None:
    grid = result["grid"]
    print(f"{result['images']} photos, {result['wrong_before']} with a wrong suggestion")
    for name in ("fifo", "focus", "grid", "grid_then_focus"):
        row = result[name]
        print(
            f"{name:<16} {row['actions']:>5} actions, {row['keys']:>5} keys: "
            f"{row['actions_per_image']:.3f} and {row['keys_per_image']:.3f} an image"
        )
    print(
        f"grid: {grid['tiles_shown']} tiles, {grid['flagged']} flagged; bar {grid['bar']:.3f}, "
        f"{'kept' if grid['within_bar'] else 'missed'}; afterwards on the desk "
        f"{result['focus_after_grid']['photos_decided']} photos"
    )
    for target, shares in result["share_of_fifo"].items():
        print(f"down to {target} wrong, share of FIFO's decisions: {shares}")


if __name__ == "__main__":
    raise SystemExit(main())

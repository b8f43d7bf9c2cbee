"""One training run from labelled photos to a judged model, without storing any of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.checkpoint import Resumption
from classifier.engines.keras import Embedder
from classifier.errors import Diverged, NotEnoughData
from classifier.evaluation import fit_temperature, report, softmax
from classifier.features import (
    Embeddings,
    Features,
    JoinedEmbeddings,
    Known,
    Progress,
    extract_features,
    silent,
)
from classifier.fit import FINE_TUNE, HEAD, History
from classifier.inheritance import LOST, Ancestor, has_only_few_new, make_room
from classifier.network import Backbone
from classifier.recipe import Recipe
from classifier.training import FineTuneResult, fine_tune, head_logits, train_head

CHECKED_IN_TRAINING = 50
"""Photos of a category without validation photos."""


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos of one split with their category slugs; `keys` are the SHA-256 of their bytes, `known`
    gives the embeddings that were computed elsewhere."""

    paths: Sequence[Path] = ()
    labels: Sequence[str] = ()
    keys: Sequence[str] | None = None
    known: Known | None = None

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Judgement:
    """The finished network on one split's readable photos.

    `kept` are their places in the split, `embeddings` float16 (K, 2048), `predicted` slugs. The
    training photos are not judged: of them there are `kept` and `embeddings` alone.
    """

    kept: npt.NDArray[np.int64]
    embeddings: Embeddings
    probabilities: npt.NDArray[np.float64]
    predicted: list[str]
    labels: list[str]
    report: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """What a run made. `backbone` is the one that went in unless the run fine-tuned it.

    `judgements` has each split; test was never trained, stopped or calibrated on. `share` of what
    fine-tuning changed is in the network (`FineTuneResult`); None without fine-tuning. Where
    `only_new`, what the ancestor knew is as it was.
    """

    backbone: Backbone
    head: Any
    classes: tuple[str, ...]
    temperature: float
    judgements: dict[str, Judgement]
    histories: dict[str, History]
    skipped: dict[Path, str]
    seconds: dict[str, float] = field(default_factory=dict)
    share: float | None = None
    only_new: bool = False


@dataclass(frozen=True)
class NewNetwork:
    """What a full run made, before it looks at the training photos again.

    `fine_tuned` is False where the backbone is the one that went in after all. `features` are those
    of the validation and test photos; `embed` gives those of the training photos at some places,
    `kept` being places among all training photos.
    """

    backbone: Backbone
    head: Any
    classes: tuple[str, ...]
    features: dict[str, Features]
    embed: Callable[[Sequence[int]], Features]
    fine_tuned: bool


Made = Callable[[NewNetwork], None]


def nothing_more(network: NewNetwork) -> None:
    """A Made for callers who need none."""


def train(
    splits: dict[str, LabelledPhotos],
    *,
    backbone: Backbone,
    recipe: Recipe,
    full: bool,
    views: int | None = None,
    ancestor: Ancestor | None = None,
    cache_dir: Path | None = None,
    resumption: Resumption | None = None,
    log_dir: Path | None = None,
    made: Made = nothing_more,
    progress: Progress = silent,
) -> Trained:
    """Train a head on `backbone`; in a full run also fine-tune the backbone's top layers.

    The classes are the labels of the readable training photos, sorted; `splits` has train,
    validation and test, of which the last two may be empty. The head sees `views` augmented copies
    of each photo, the recipe's number where None, and begins as its `ancestor` where there is one.
    Embeddings are cached below `cache_dir` from run to run; a run that was killed goes on from its
    last epoch by `resumption`.
    A full run calls `made` once, before it looks for what is known of the training photos.
    NotEnoughData with fewer than two categories; Diverged; Cancelled when `progress` raises it.
    """
    resumption = resumption.on(backbone.sha256) if resumption else None
    steps = _Run(splits, recipe, ancestor, cache_dir, resumption, log_dir, made, progress)
    return steps.execute(backbone, full=full, views=recipe.views if views is None else views)


class _Run:
    """The steps of one run and what they leave behind."""

    def __init__(
        self,
        splits: dict[str, LabelledPhotos],
        recipe: Recipe,
        ancestor: Ancestor | None,
        cache_dir: Path | None,
        resumption: Resumption | None,
        log_dir: Path | None,
        made: Made,
        progress: Progress,
    ) -> None:
        self.splits = splits
        self.recipe = recipe
        self.ancestor = ancestor
        self.cache_dir = cache_dir
        self.resumption = resumption
        self.log_dir = log_dir
        self.made = made
        self.progress = progress
        self.classes: tuple[str, ...] = ()
        self.columns: dict[str, int] = {}
        self._learn(splits["train"].labels)
        self.histories: dict[str, History] = {}
        self.skipped: dict[Path, str] = {}
        self.seconds: dict[str, float] = {}
        self.share: float | None = None
        self.only_new = False

    def execute(self, backbone: Backbone, *, full: bool, views: int) -> Trained:
        if len(self.classes) < 2:
            raise NotEnoughData("Fewer than two categories have training photos. Label more.")
        features = self._features(Embedder(backbone), self.splits, views=views)
        labels = self.splits["train"].labels
        self._learn(labels[place] for place in features["train"].kept)
        head = self._head(features)
        if full:
            tuned = self._fine_tune(backbone, head)
            backbone, head = tuned.backbone, tuned.head
            features = self._features_of(backbone, head)
        logits = {
            split: head_logits(head, found.embeddings)
            for split, found in features.items()
            if split != "train"
        }
        if not all(np.isfinite(found).all() for found in logits.values()):
            raise Diverged(
                "Learning came apart, and the new network answers nothing that could be judged."
                " Start a run with lower learning rates."
            )
        temperature = self._temperature(features, logits)
        judgements = {
            split: self._judge(split, features[split], found / temperature)
            for split, found in logits.items()
        }
        judgements["train"] = self._unjudged(features["train"])
        return Trained(
            backbone,
            head,
            self.classes,
            temperature,
            judgements,
            self.histories,
            self.skipped,
            self.seconds,
            self.share,
            self.only_new,
        )

    def _learn(self, labels: Iterable[str]) -> None:
        self.classes = tuple(sorted(set(labels)))
        self.columns = {slug: column for column, slug in enumerate(self.classes)}

    def _features_of(self, backbone: Backbone, head: Any) -> dict[str, Features]:
        """With the new network. The photos that judge it come first: they are few, and decide how
        it is served, so that others may then look at the training photos with it."""
        embedder = Embedder(backbone)
        judging = self._features(embedder, [name for name in self.splits if name != "train"])
        self.made(
            NewNetwork(
                backbone,
                head,
                self.classes,
                judging,
                partial(self._sample, embedder),
                fine_tuned=bool(self.share),
            )
        )
        return judging | self._features(embedder, ["train"])

    def _features(
        self, embedder: Embedder, splits: Iterable[str], *, views: int = 0
    ) -> dict[str, Features]:
        started = time.monotonic()
        found = {}
        for split in splits:
            photos = self.splits[split]
            found[split] = self._extract(
                embedder, split, photos, views=views if split == "train" else 0
            )
            for place, reason in found[split].skipped.items():
                self.skipped[photos.paths[place]] = reason
        self._spent("features", started)
        return found

    def _sample(self, embedder: Embedder, places: Sequence[int]) -> Features:
        """The training photos at these places."""
        photos = self.splits["train"]
        some = LabelledPhotos(
            [photos.paths[place] for place in places],
            [photos.labels[place] for place in places],
            [photos.keys[place] for place in places] if photos.keys is not None else None,
        )
        found = self._extract(embedder, "train", some)
        return replace(found, kept=np.array(places, np.int64)[found.kept])

    def _extract(
        self, embedder: Embedder, split: str, photos: LabelledPhotos, *, views: int = 0
    ) -> Features:
        return extract_features(
            embedder,
            photos.paths,
            recipe=self.recipe,
            views=views,
            keys=photos.keys,
            known=photos.known,
            cache_dir=self.cache_dir,
            progress=self.progress,
            phase=f"{split} photos",
        )

    def _head(self, features: dict[str, Features]) -> Any:
        labels = self._kept_columns("train", features["train"])
        checks = self._kept_columns("validation", features["validation"])
        before = self.ancestor
        if before is not None and before.units != self.recipe.head_units:
            before = None
        self.only_new = before is not None and has_only_few_new(
            before, self.classes, labels, checks
        )
        result = train_head(
            features["train"],
            labels,
            classes=len(self.classes),
            validation=self._checks(features),
            recipe=self.recipe,
            ancestor=before,
            names=self.classes,
            learns_on=not self.only_new,
            resumption=self.resumption,
            log_dir=self.log_dir,
            progress=self.progress,
        )
        self.histories[HEAD] = result.history
        self.seconds[HEAD] = result.seconds
        if before is None:
            return result.head
        photos = features["validation"].embeddings.only(checks >= 0)
        most = 0 if self.only_new else LOST
        return make_room(result.head, before, self.classes, photos, checks[checks >= 0], most=most)

    def _fine_tune(self, backbone: Backbone, head: Any) -> FineTuneResult:
        result = fine_tune(
            backbone,
            head,
            self._pairs("train"),
            self._pairs("validation"),
            classes=len(self.classes),
            recipe=self.recipe,
            resumption=self.resumption,
            log_dir=self.log_dir,
            progress=self.progress,
        )
        self.histories[FINE_TUNE] = result.history
        self.seconds[FINE_TUNE] = result.seconds
        self.share = result.share
        self.skipped |= result.skipped
        return result

    def _temperature(self, features: dict[str, Features], logits: dict[str, Any]) -> float:
        columns = self._kept_columns("validation", features["validation"])
        return fit_temperature(logits["validation"][columns >= 0], columns[columns >= 0])

    def _judge(self, split: str, found: Features, logits: npt.NDArray[Any]) -> Judgement:
        labels = [self.splits[split].labels[place] for place in found.kept]
        probabilities = softmax(logits)
        predicted = [self.classes[column] for column in probabilities.argmax(axis=1)]
        judged = report(probabilities, labels, self.classes)
        return Judgement(found.kept, found.embeddings, probabilities, predicted, labels, judged)

    def _unjudged(self, found: Features) -> Judgement:
        """Without photos that could be read only after their category was left out."""
        nothing = np.empty((0, len(self.classes)))
        known = self._kept_columns("train", found) >= 0
        return Judgement(found.kept[known], found.embeddings.only(known), nothing, [], [], {})

    def _checks(
        self, features: dict[str, Features]
    ) -> tuple[Embeddings | JoinedEmbeddings, npt.NDArray[np.int64]]:
        """What decides when to stop: the validation photos and, of categories that have none there,
        some that are trained on. The head must at least have learned those; without them it would
        stop before it learns a new category, which costs the others a little."""
        columns = self._kept_columns("validation", features["validation"])
        known = features["validation"].embeddings.only(columns >= 0)
        if len(known) == 0:
            return known, columns[columns >= 0]
        trained = self._kept_columns("train", features["train"])
        unseen = np.setdiff1d(np.arange(len(self.classes)), columns)
        places = [np.flatnonzero(trained == c)[:CHECKED_IN_TRAINING] for c in unseen]
        standing_in = np.concatenate([np.empty(0, np.int64), *places])
        chosen = np.zeros(len(trained), bool)
        chosen[standing_in] = True
        joined = JoinedEmbeddings((known, features["train"].embeddings.only(chosen)))
        return joined, np.concatenate([columns[columns >= 0], trained[chosen]])

    def _kept_columns(self, split: str, found: Features) -> npt.NDArray[np.int64]:
        """The class column of each readable photo; -1 for a category training does not have."""
        labels = self.splits[split].labels
        return np.array([self.columns.get(labels[p], -1) for p in found.kept], np.int64)

    def _pairs(self, split: str) -> list[tuple[Path, int]]:
        photos = self.splits[split]
        return [
            (path, self.columns[label])
            for path, label in zip(photos.paths, photos.labels, strict=True)
            if label in self.columns and path not in self.skipped
        ]

    def _spent(self, name: str, started: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started

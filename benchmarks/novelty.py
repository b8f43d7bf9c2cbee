"""Whether photos of a kind that was never checked are noticed: each category is left out in turn,
and the nearness of its photos is compared with that of the others' test photos. The rivals are the
nearest photo, the mean of the nearest 20, and the confidence of a linear head.

    python -m benchmarks.novelty [--json] [--photos DIR] [--images N] [--quick] [--cache DIR]"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import features
from benchmarks.features import Embedded
from classifier.intervals import wilson
from classifier.novelty import Familiar, learn_familiar
from classifier.suspicious import LinearHead

RESAMPLES = 500
FALSE_ALARMS = (0.01, 0.05, 0.1, 0.2, 0.5)
OURS = "nearness"
Floats = npt.NDArray[np.floating[Any]]


def leave_out(found: dict[str, Embedded], category: int) -> dict[str, Any]:
    """What each score says of the photos of one category when the others alone are known."""
    train, validation, test = (found[split] for split in features.SPLITS)
    kept = train.columns != category
    started = time.perf_counter()
    familiar = learn_familiar(
        train.embeddings[kept],
        train.columns[kept],
        np.flatnonzero(kept),
        known=validation.embeddings[validation.columns != category],
    )
    learning = time.perf_counter() - started
    new = np.concatenate([s.embeddings[s.columns == category] for s in (validation, test)])
    known = test.embeddings[test.columns != category]
    scores = _scores(familiar, train.embeddings[kept], train.columns[kept], len(train.classes))
    looks = familiar.look(new), familiar.look(known)
    return {
        "category": train.classes[category],
        "new": len(new),
        "known": len(known),
        "auc": {name: auc(score(new), score(known)) for name, score in scores.items()},
        "auc_95": interval(scores[OURS](new), scores[OURS](known)),
        "roc": roc(scores[OURS](new), scores[OURS](known)),
        "hinted_new": int(looks[0].unfamiliar.sum()),
        "hinted_known": int(looks[1].unfamiliar.sum()),
        "seconds_to_learn": learning,
    }


def _scores(
    familiar: Familiar, embeddings: Floats, columns: npt.NDArray[np.int64], classes: int
) -> dict[str, Any]:
    """Functions of embeddings (M, 2048); the lower, the newer."""
    head = LinearHead.fitted(familiar.components.project(embeddings), columns, classes=classes)

    def cosines(asked: Floats) -> Floats:
        return np.asarray(familiar.components.directions(asked) @ familiar.photos.T)

    return {
        OURS: lambda asked: familiar.look(asked).nearness,
        "nearest": lambda asked: cosines(asked).max(axis=1),
        "nearest_20": lambda asked: np.sort(cosines(asked), axis=1)[:, -20:].mean(axis=1),
        "confidence": lambda asked: head.probabilities(familiar.components.project(asked)).max(1),
    }


def auc(new: Floats, known: Floats) -> float:
    """The chance that a new photo scores lower than a known one (Mann & Whitney 1947)."""
    ranks = np.concatenate([new, known]).argsort(kind="stable").argsort() + 1
    below = ranks[: len(new)].sum() - len(new) * (len(new) + 1) / 2
    return float(1 - below / (len(new) * len(known)))


def roc(new: Floats, known: Floats) -> list[list[float]]:
    """[share of known photos hinted, share of new photos hinted] at some thresholds."""
    return [[share, float((new < np.quantile(known, share)).mean())] for share in FALSE_ALARMS]


def interval(new: Floats, known: Floats, *, seed: int = 0) -> list[float]:
    """95%, percentile bootstrap over both kinds of photos."""
    generator = np.random.default_rng(seed)
    drawn = [
        auc(generator.choice(new, len(new)), generator.choice(known, len(known)))
        for _ in range(RESAMPLES)
    ]
    return [float(value) for value in np.quantile(drawn, [0.025, 0.975])]


def look_seconds(found: dict[str, Embedded]) -> float:
    """Of a batch of 32, with an index of all training photos."""
    train = found["train"]
    known = found["validation"].embeddings
    familiar = learn_familiar(train.embeddings, train.columns, np.arange(len(train)), known=known)
    batch = found["test"].embeddings[:32]
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        familiar.look(batch)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options = features.parsed(parser)
    found = features.embed(options)
    rows = [leave_out(found, category) for category in range(len(found["train"].classes))]
    new, known = sum(row["new"] for row in rows), sum(row["known"] for row in rows)
    hinted_new = sum(row["hinted_new"] for row in rows)
    hinted_known = sum(row["hinted_known"] for row in rows)
    answer = {
        "settings": features.settings(options, found),
        "auc": {name: float(np.mean([r["auc"][name] for r in rows])) for name in rows[0]["auc"]},
        "roc": np.mean([row["roc"] for row in rows], axis=0).tolist(),
        "hinted_new": hinted_new / new,
        "hinted_new_95": wilson(hinted_new, new),
        "hinted_known": hinted_known / known,
        "milliseconds_per_32": 1000 * look_seconds(found),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": rows,
    }
    for row in rows:
        low, high = row["auc_95"]
        print(
            f"{row['category']:<12} AUC {row['auc'][OURS]:.3f} [{low:.3f}, {high:.3f}], hinted "
            f"{row['hinted_new']} of {row['new']} new and {row['hinted_known']} of {row['known']} "
            "known photos"
        )
    means = ", ".join(f"{name} {value:.3f}" for name, value in answer["auc"].items())
    print(f"mean AUC: {means}")
    curve = ", ".join(f"{new:.0%} at {known:.0%}" for known, new in answer["roc"])
    print(f"new photos hinted at a share of known ones: {curve}")
    print(
        f"hinted: {answer['hinted_new']:.1%} of new, {answer['hinted_known']:.1%} of known photos; "
        f"{answer['milliseconds_per_32']:.1f} ms for 32 photos"
    )
    if options.json:
        print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

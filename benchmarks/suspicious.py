"""Whether wrong labels are found: a share of the training labels is changed at random, and the
list of suspicious labels is compared with what was changed. The data's own wrong labels count as
false alarms, so the precision is a lower bound.

    python -m benchmarks.suspicious [--json] [--photos DIR] [--images N] [--quick] [--cache DIR]"""

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
from classifier.components import fit_components
from classifier.suspicious import Suspect, confident_joint, out_of_sample, suspects

Projected = npt.NDArray[np.float32]


def measure(train: Embedded, projected: Projected, share: float, seed: int) -> dict[str, Any]:
    """Change `share` of the labels, look for them, and count."""
    labels, planted = plant(train, share, seed)
    started = time.perf_counter()
    answers = out_of_sample(projected, labels, classes=len(train.classes), seed=seed)
    found = suspects(answers, labels)
    seconds = time.perf_counter() - started
    return {
        "seed": seed,
        "planted": len(planted),
        "seconds": seconds,
        "ours": count(found, train, planted),
        "confident_joint": count(confident_joint(answers, labels), train, planted),
    }


def count(found: list[Suspect], train: Embedded, planted: npt.NDArray[np.int64]) -> dict[str, Any]:
    """How much of the list was planted, at its top and in all."""
    wrong, top = set(planted.tolist()), len(planted)
    hits = [suspect.place in wrong for suspect in found]
    right = [train.columns[s.place] == s.suggested for s in found if s.place in wrong]
    return {
        "found": len(found),
        "precision_at_planted": sum(hits[:top]) / min(top, len(found) or 1),
        "recall_at_planted": sum(hits[:top]) / top,
        "precision_at_half": sum(hits[: top // 2]) / (top // 2),
        "recall_of_list": sum(hits) / top,
        "true_label_suggested": float(np.mean(right)) if right else None,
    }


def plant(
    train: Embedded, share: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Labels of which `share` were moved to another category, and their places."""
    generator = np.random.default_rng(seed)
    places = generator.choice(len(train), round(share * len(train)), replace=False)
    labels, classes = train.columns.copy(), len(train.classes)
    labels[places] = (labels[places] + generator.integers(1, classes, len(places))) % classes
    return labels, places


def unplanted(train: Embedded, projected: Projected) -> int:
    """How many labels are suspicious as the data comes."""
    answers = out_of_sample(projected, train.columns, classes=len(train.classes))
    return len(suspects(answers, train.columns))


def _mean(rows: list[dict[str, Any]], kind: str, name: str) -> float:
    return float(np.mean([row[kind][name] for row in rows]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.05, help="of the labels to change")
    options = features.parsed(parser)
    found = features.embed(options)
    train = found["train"]
    projected = fit_components([train.embeddings]).project(train.embeddings)
    rows = [measure(train, projected, options.share, seed) for seed in range(options.seeds)]
    answer = {
        "settings": features.settings(options, found) | {"share": options.share},
        "precision_at_planted": _mean(rows, "ours", "precision_at_planted"),
        "recall_at_planted": _mean(rows, "ours", "recall_at_planted"),
        "recall_of_list": _mean(rows, "ours", "recall_of_list"),
        "recall_of_list_confident_joint": _mean(rows, "confident_joint", "recall_of_list"),
        "suspicious_as_it_comes": unplanted(train, projected),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": rows,
    }
    for row in rows:
        ours, rival = row["ours"], row["confident_joint"]
        print(
            f"seed {row['seed']}: {row['planted']} planted; of the first {row['planted']} listed "
            f"{ours['precision_at_planted']:.1%} were planted; all {ours['found']} hold "
            f"{ours['recall_of_list']:.1%} (confident joint: {rival['found']} hold "
            f"{rival['recall_of_list']:.1%}); {row['seconds']:.1f} s"
        )
    print(f"{answer['suspicious_as_it_comes']} labels are suspicious as the data comes.")
    if options.json:
        print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

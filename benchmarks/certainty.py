"""How sure a head on the frozen backbone may be: calibration error on test before and after the
temperature, against what chance alone shows; and thresholds certified on validation, with what they
do on test. Several seeds of the head.

    python -m benchmarks.certainty [--json] [--photos DIR] [--images N] [--quick] [--cache DIR]"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import features
from benchmarks.features import Embedded
from classifier.certainty import certainty
from classifier.evaluation import fit_temperature, report, softmax
from classifier.recipe import Recipe
from classifier.selective import Answers, selective

TARGETS = (0.9, 0.95, 0.98)


def measure(found: dict[str, Embedded], seed: int) -> dict[str, Any]:
    """One head: trained on train, calibrated and certified on validation, reported on test."""
    logits = _logits(found, seed)
    validation, test = found["validation"], found["test"]
    temperature = fit_temperature(logits["validation"], validation.columns)
    sure = {split: softmax(logits[split] / temperature) for split in ("validation", "test")}
    classes = test.classes
    judged = report(sure["test"], test.labels, classes)
    kept = certainty(sure["test"], test.labels, classes, temperature=temperature)
    answers = {s: Answers.of(sure[s], found[s].labels, classes) for s in ("validation", "test")}
    promised = selective(answers["validation"], answers["test"], targets=TARGETS)
    return {
        "seed": seed,
        "accuracy": judged["accuracy"],
        "macro_f1": judged["macro_f1"],
        "macro_f1_95": kept["intervals"]["macro_f1"],
        "temperature": temperature,
        "ece": judged["ece"],
        "ece_95": kept["intervals"]["ece"],
        "ece_before": kept["ece_before"],
        "ece_by_chance": kept["ece_by_chance"],
        "selective": [_row(target) for target in promised["targets"]],
    }


def _logits(found: dict[str, Embedded], seed: int) -> dict[str, Any]:
    from classifier.features import Features  # TensorFlow: seconds to import
    from classifier.training import head_logits, train_head

    train, validation = found["train"], found["validation"]
    places = np.arange(len(train))
    trained = train_head(
        Features(train.embeddings[:, np.newaxis], places, places, {}),
        train.columns,
        classes=len(train.classes),
        validation=(validation.embeddings, validation.columns),
        recipe=replace(Recipe(), seed=seed),
    )
    return {split: head_logits(trained.head, found[split].embeddings) for split in found}


def _row(target: dict[str, Any]) -> dict[str, Any]:
    pooled = target["pooled"]
    row: dict[str, Any] = {"target": target["target"], "certified": pooled is not None}
    if pooled is None:
        return row
    test = pooled["test"]
    return row | {
        "threshold": pooled["value"],
        "coverage_validation": pooled["images"] / pooled["of"],
        "coverage_test": test["images"] / test["of"],
        "precision_test": test["right"] / test["images"] if test["images"] else None,
        "precision_test_95": test["interval"],
        "categories": sorted(target["per_class"]),
    }


def _say(row: dict[str, Any]) -> None:
    low, high = row["ece_95"]
    chance = row["ece_by_chance"]
    print(
        f"seed {row['seed']}: accuracy {row['accuracy']:.3f}, ECE {row['ece']:.3f} "
        f"[{low:.3f}, {high:.3f}], before {row['ece_before']:.3f}, by chance {chance['mean']:.3f} "
        f"up to {chance['high']:.3f}"
    )
    for target in row["selective"]:
        if not target["certified"]:
            print(f"  {target['target']:.0%}: no threshold can be shown")
            continue
        low, high = target["precision_test_95"]
        print(
            f"  {target['target']:.0%}: above {target['threshold']:.3f}, "
            f"{target['coverage_test']:.0%} of test, {target['precision_test']:.3f} right "
            f"[{low:.3f}, {high:.3f}]"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=3)
    options = features.parsed(parser)
    found = features.embed(options)
    rows = [measure(found, seed) for seed in range(1 if options.quick else options.seeds)]
    for row in rows:
        _say(row)
    if options.json:
        print(json.dumps({"settings": features.settings(options, found), "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

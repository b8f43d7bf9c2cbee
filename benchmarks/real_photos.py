"""The loop on real photos, by the commands a user runs: `import_images` of three folders,
`retrain` in head and in full mode, `evaluate` on the test photos. Reports accuracy, seconds and
peak memory of each step, in a fresh DATA_DIR.

    python -m benchmarks.real_photos [--json] [--photos DIR] [--images N] [--quick] [--weights W]

DIR holds train/, validation/ and test/, each with one folder per category."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT.parent / "shared" / "data" / "clothing-small"
SPLITS = ("train", "validation", "test")
QUICK_IMAGES = 150


@dataclass(frozen=True)
class Step:
    """One command run to its end."""

    command: str
    seconds: float
    peak_rss_mb: float
    answer: dict[str, Any]


class StepFailed(Exception):
    """A command ended with another status than 0; its own words are on standard error."""


def run(arguments: list[str], environment: dict[str, str]) -> Step:
    """`manage.py ARGUMENTS --json` in a process of its own; its last line is the answer."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, str(ROOT / "manage.py"), *arguments, "--json"],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1)],
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - began
        output.seek(0)
        lines = output.read().strip().splitlines()
    if os.waitstatus_to_exitcode(status) != 0:
        raise StepFailed(f"manage.py {' '.join(arguments)} failed; see above.")
    return Step(" ".join(arguments), seconds, usage.ru_maxrss / 1024, json.loads(lines[-1]))


def sample(photos: Path, limit: int, target: Path) -> Path:
    """Link an even share of each split's categories, about `limit` photos in all."""
    files = sorted(p for split in SPLITS for p in (photos / split).glob("*/*") if p.is_file())
    step = max(1, len(files) // limit)
    for file in files[::step]:
        link = target / file.relative_to(photos)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, link)
    return target


def measure(photos: Path, *, weights: str, modes: list[str]) -> list[Step]:
    """Every command in turn on a database of its own."""
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as data_dir:
        environment = os.environ | {
            "DATA_DIR": data_dir,
            "CLASSIFIER_WEIGHTS": weights,
            "LOG_LEVEL": "ERROR",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        environment.pop("DATABASE_URL", None)
        migrate(environment)
        for split in SPLITS:
            steps.append(run(["import_images", str(photos / split), "--split", split], environment))
        for mode in modes:
            steps.append(run(["retrain", "--mode", mode, "--promote", "always"], environment))
            steps.append(run(["evaluate", "--split", "test"], environment))
    return steps


def migrate(environment: dict[str, str]) -> None:
    arguments = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    pid = os.posix_spawn(sys.executable, arguments, environment)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise StepFailed("manage.py migrate failed; see above.")


def summary(steps: list[Step]) -> list[dict[str, Any]]:
    """One row per trained model: its evaluation and the cost of its run."""
    rows = []
    for trained, evaluated in itertools.pairwise(steps):
        if not (trained.command.startswith("retrain") and evaluated.command.startswith("evaluate")):
            continue
        rows.append(
            {
                "mode": trained.command.split()[2],
                "accuracy": evaluated.answer["accuracy"],
                "accuracy_95": evaluated.answer["intervals"]["accuracy"],
                "macro_f1": evaluated.answer["macro_f1"],
                "macro_f1_95": evaluated.answer["intervals"]["macro_f1"],
                "ece": evaluated.answer["ece"],
                "ece_95": evaluated.answer["intervals"]["ece"],
                "ece_before": evaluated.answer["ece_before"],
                "ece_by_chance": evaluated.answer["ece_by_chance"],
                "images_test": evaluated.answer["images"],
                "train_seconds": trained.seconds,
                "train_peak_rss_mb": trained.peak_rss_mb,
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="about so many photos; 0 for all")
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--modes", nargs="+", default=["head", "full"])
    parser.add_argument("--quick", action="store_true", help="150 photos, head only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.photos / "train").is_dir():
        print(f"{options.photos} has no train/ folder; name one with --photos.", file=sys.stderr)
        return 1
    limit = QUICK_IMAGES if options.quick else options.images
    modes = ["head"] if options.quick else options.modes
    with tempfile.TemporaryDirectory(prefix="bench-photos-") as folder:
        photos = sample(options.photos, limit, Path(folder)) if limit else options.photos
        steps = measure(photos, weights=options.weights, modes=modes)
    rows = summary(steps)
    for step in steps:
        print(f"{step.seconds:8.1f} s  {step.peak_rss_mb:7.0f} MB  {step.command}")
    for row in rows:
        low, high = row["accuracy_95"]
        print(
            f"{row['mode']}: accuracy {row['accuracy']:.3f} [{low:.3f}, {high:.3f}], macro-F1 "
            f"{row['macro_f1']:.3f}, ECE {row['ece']:.3f} on {row['images_test']} test photos"
        )
    if options.json:
        settings = {"weights": options.weights, "modes": modes, "images": limit or "all"}
        print(json.dumps({"settings": settings, "steps": [asdict(s) for s in steps], "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

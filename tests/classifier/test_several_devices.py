"""Several GPUs share every batch; two logical CPU devices stand in for them, each in a process of
its own, since TensorFlow divides a device only before it is first used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from launcher.place import ROOT


def start_on(devices: int, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.classifier.on_two_devices", str(devices), str(folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_two_devices_learn_what_one_learns(tmp_path: Path) -> None:
    processes = [start_on(devices, tmp_path / str(devices)) for devices in (1, 2)]
    one, two = (answer_of(process) for process in processes)

    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert one["changed"]
    assert two["changed"]
    assert set(one["history"]) == set(two["history"])
    assert two["history"]["loss"] == pytest.approx(one["history"]["loss"], rel=0.02)
    assert two["history"]["val_loss"] == pytest.approx(one["history"]["val_loss"], rel=0.02)
    assert np.corrcoef(one["embedding"], two["embedding"])[0, 1] > 0.999

"""`make` hands its variables on as they were written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("variable", ["DATA_DIR=my catalog", "RUNS_DIR=my catalog/runs"])
def test_tensorboard_reads_a_folder_with_a_space_in_its_name(tmp_path: Path, variable: str) -> None:
    program = tmp_path / "tensorboard"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    program.chmod(0o755)

    done = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "tensorboard",
            variable,
            f"VENV={tmp_path}",
            "LAUNCHER=true",
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # not what a `make test` above hands on
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "--logdir|my catalog/runs|--port|6006|"

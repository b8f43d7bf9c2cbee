"""Worker and trainer may share a GPU: neither takes all its memory at the start."""

from __future__ import annotations

import importlib.util
import mmap
import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "TF_FORCE_GPU_ALLOW_GROWTH"


def told_to_tensorflow(**environment: str) -> str:
    """What TensorFlow would read in a process that opens versions."""
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    code = f"import os, classifier.serving; print(os.environ['{VARIABLE}'])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


def test_memory_is_taken_as_it_is_needed() -> None:
    assert told_to_tensorflow() == "true"


def test_a_host_that_wants_it_otherwise_is_listened_to() -> None:
    assert told_to_tensorflow(TF_FORCE_GPU_ALLOW_GROWTH="false") == "false"


def test_the_pinned_tensorflow_reads_the_variable() -> None:
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.origin is not None
    library = Path(spec.origin).parent / "libtensorflow_framework.so.2"
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as code:
        assert code.find(VARIABLE.encode()) >= 0

"""`bin/with-python` finds a supported interpreter, or says in one sentence that there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WITH_PYTHON = Path(__file__).parents[2] / "bin" / "with-python"


def interpreter(folder: Path, name: str, version: str) -> None:
    """A program that answers like Python `version`: it prints its name for everything else."""
    supported = version.startswith(("3.11.", "3.12.", "3.13."))
    file = folder / name
    file.write_text(
        "#!/bin/sh\n"
        f'case $1 in -c) exit {0 if supported else 1} ;; --version) echo "Python {version}" ;;\n'
        f"*) echo {name} ;; esac\n"
    )
    file.chmod(0o755)


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(WITH_PYTHON), "-m", "launcher", "demo"],
        env={"PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_python3_is_used_where_it_is_supported(tmp_path: Path) -> None:
    interpreter(tmp_path, "python3", "3.13.1")
    interpreter(tmp_path, "python3.12", "3.12.4")

    assert run(tmp_path).stdout == "python3\n"


def test_another_version_is_used_where_python3_is_too_old(tmp_path: Path) -> None:
    interpreter(tmp_path, "python3", "3.10.13")
    interpreter(tmp_path, "python3.11", "3.11.2")

    assert run(tmp_path).stdout == "python3.11\n"


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0"])
def test_an_unsupported_version_is_one_sentence(tmp_path: Path, version: str) -> None:
    interpreter(tmp_path, "python3", version)

    done = run(tmp_path)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(
        f"Python 3.11, 3.12 or 3.13 is needed and python3 is {version}: install one"
    )
    assert done.stderr.count("\n") == 1


def test_no_python_at_all_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path)

    assert done.returncode == 1
    assert "python3 is not found" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_python_that_was_asked_for_is_the_only_one_tried(tmp_path: Path) -> None:
    interpreter(tmp_path, "python3", "3.11.2")
    interpreter(tmp_path, "old", "3.9.1")

    done = run(tmp_path, PYTHON="old")

    assert done.returncode == 1
    assert "old is 3.9.1" in done.stderr


def test_the_python_that_was_asked_for_may_lie_in_a_folder_with_a_space(tmp_path: Path) -> None:
    (tmp_path / "my python").mkdir()
    interpreter(tmp_path / "my python", "python3", "3.11.2")

    assert run(tmp_path, PYTHON=str(tmp_path / "my python/python3")).stdout == "python3\n"


def test_arguments_reach_the_interpreter_that_runs_the_tests() -> None:
    done = subprocess.run(
        ["/bin/sh", str(WITH_PYTHON), "-c", "import sys; print(sys.argv[1:])", "two words"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "['two words']\n"

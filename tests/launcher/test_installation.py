"""A .venv is made once, kept while the pins are the same, and never believed half-made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from launcher import apt
from launcher.errors import LauncherError
from launcher.installation import DEVELOPS, RUNS, Installation, install
from launcher.preflight import check_disk

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHON"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A real .venv of requirements that name no package."""
    root = tmp_path_factory.mktemp("checkout")
    (root / RUNS).write_text("# Download: about 680 MB\n")
    (root / DEVELOPS).write_text("# Download: about 90 MB\n-r requirements.txt\n")
    installation = Installation(root)
    install(installation, dev=False, environment=ENVIRONMENT)
    return installation


def refuse() -> None:
    raise AssertionError("something was about to be downloaded")


def test_an_unchanged_installation_is_skipped(installed: Installation) -> None:
    install(installed, dev=False, environment=ENVIRONMENT, check=refuse)

    assert installed.python.exists()


def test_what_must_hold_is_checked_before_anything_is_downloaded(installed: Installation) -> None:
    (installed.root / RUNS).write_text("# Download: about 690 MB\n")

    with pytest.raises(AssertionError, match="about to be downloaded"):
        install(installed, dev=False, environment=ENVIRONMENT, check=refuse)


def test_changed_pins_are_installed(installed: Installation) -> None:
    (installed.root / RUNS).write_text("# Download: about 681 MB\n")
    assert not installed.is_current(dev=False, python=None)

    install(installed, dev=False, environment=ENVIRONMENT)

    assert installed.is_current(dev=False, python=None)


def test_the_download_is_announced(
    installed: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    (installed.root / RUNS).write_text("# Download: about 700 MB\n")
    (installed.root / DEVELOPS).write_text("# Download: about 90 MB\n-r requirements.txt\n\n")

    install(installed, dev=True, environment=ENVIRONMENT)

    assert "up to 790 MB to download" in capsys.readouterr().out


def test_what_is_already_installed_is_not_announced_again(
    installed: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    install(installed, dev=True, environment=ENVIRONMENT)
    (installed.root / DEVELOPS).write_text("# Download: about 95 MB\n-r requirements.txt\n")

    install(installed, dev=True, environment=ENVIRONMENT)

    assert "up to 95 MB to download" in capsys.readouterr().out


def test_an_installation_for_development_is_good_for_running(installed: Installation) -> None:
    install(installed, dev=True, environment=ENVIRONMENT)

    assert installed.is_current(dev=False, python=None)


def test_an_installation_that_failed_is_not_taken_for_a_finished_one(
    installed: Installation,
) -> None:
    before = (installed.root / RUNS).read_text()
    (installed.root / RUNS).write_text("./no-such-folder\n")
    try:
        with pytest.raises(LauncherError, match="run the same command again"):
            install(installed, dev=False, environment=ENVIRONMENT)
        (installed.root / RUNS).write_text(before)

        assert not installed.is_current(dev=False, python=None)
    finally:
        (installed.root / RUNS).write_text(before)

    install(installed, dev=False, environment=ENVIRONMENT)
    assert subprocess.run([installed.python, "-m", "pip", "--version"], check=False).returncode == 0


def test_a_moved_checkout_is_installed_anew(installed: Installation, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.symlink_to(installed.root)

    assert not Installation(moved).is_current(dev=False, python=None)


def test_another_python_is_installed_anew_when_it_is_asked_for(installed: Installation) -> None:
    install(installed, dev=False, environment=ENVIRONMENT)

    assert installed.is_current(dev=False, python=None)
    assert not installed.is_current(dev=False, python="3.99")


def test_after_an_upgrade_of_the_systems_python_everything_is_installed_anew(
    installed: Installation, tmp_path: Path
) -> None:
    install(installed, dev=False, environment=ENVIRONMENT)
    upgraded = tmp_path / "python3"
    upgraded.write_text("#!/bin/sh\necho Python 3.99.0\n")
    upgraded.chmod(0o755)
    installed.python.unlink()
    installed.python.symlink_to(upgraded)
    assert not installed.is_current(dev=False, python=None)

    install(installed, dev=False, environment=ENVIRONMENT)

    assert installed.is_current(dev=False, python=None)
    assert subprocess.run([installed.python, "-m", "pip", "--version"], check=False).returncode == 0


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match=r"GB of free disk and 1000000000 GB are needed: free"):
        check_disk(tmp_path, needed=10**18)


def test_a_missing_system_package_names_the_command_where_it_cannot_be_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LauncherError, match=r"^python3\.11-venv is missing: run `apt install pyth"):
        apt.install(["python3.11-venv"])

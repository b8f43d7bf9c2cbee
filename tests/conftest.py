"""Every session's ground: a DATA_DIR of its own, set before the settings are read, and the services
that tests ask for. Warnings are errors (pyproject.toml).

Environment: DATABASE_URL chooses the database, SQLite without it (`python -m tests.postgres
COMMAND` runs a command with a temporary PostgreSQL); PHOTOS_DIR the real photos; CHROMIUM the
browser; KEEP_SITES=1 leaves the folders of the sites that tests ran.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

DATA_DIR = tempfile.mkdtemp(prefix="tests-")
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

# Here and not in pyproject.toml: pytest-django would read the settings before this file.
os.environ["DJANGO_SETTINGS_MODULE"] = "catalog.settings"
os.environ["DATA_DIR"] = DATA_DIR
os.environ["SECRET_KEY"] = "for-tests-only"
os.environ["HTTPS"] = "0"
os.environ["CLASSIFIER_WEIGHTS"] = "starter"
os.environ["CLASSIFIER_ENGINE"] = "keras"  # exports take seconds; the tests of the engines make one
os.environ["REVIEW_BLIND_SHARE"] = "0"  # tests of blind photos set it
os.environ["LOG_LEVEL"] = "WARNING"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
for name in ("REDIS_URL", "PHOTOS", "PORT", "HOST"):
    os.environ.pop(name, None)

django.setup()  # test modules import models; pytest-django has nothing to set up before this file
# The processes of a parallel session inherit the environment: there, too, it shall be this file
# that reads the settings, with a DATA_DIR for each.
del os.environ["DJANGO_SETTINGS_MODULE"]
pytest_plugins = ["tests.services"]


@pytest.fixture(autouse=True)
def same_log_level() -> Iterator[None]:
    """A command run as from a shell sets the level of its process, which here is everybody's."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def quick_settings() -> Iterator[None]:
    """No `collectstatic` and no slow password hashes for what runs inside pytest.

    WhiteNoise warns where STATIC_ROOT is missing, as it is in a fresh checkout: an empty one stands
    in for it, and the finders serve `static/`."""
    from django.conf import settings
    from django.test import override_settings

    collected = Path(DATA_DIR) / "staticfiles"
    collected.mkdir(exist_ok=True)
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with override_settings(
        STATIC_ROOT=collected,
        STORAGES={**settings.STORAGES, "staticfiles": {"BACKEND": plain}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield

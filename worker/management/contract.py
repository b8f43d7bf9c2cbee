"""The contract's commands that need the classifier."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, ClassVar

from django.conf import settings

from catalog.errors import CatalogError, NotAllowed
from catalog.management.contract import ContractCommand
from catalog.models import ModelVersion, Serving
from classifier.engines import KERAS, Engine
from classifier.errors import ClassifierError

from .. import process
from .quiet import load_tensorflow


class ClassifierCommand(ContractCommand):
    expected: ClassVar[tuple[type[Exception], ...]] = (CatalogError, ClassifierError)


def version_of(number: int | None) -> ModelVersion:
    """The version of that number, or the live one; NotAllowed when there is none, or no files."""
    if number is None:
        live = Serving.current().live
        if live is None:
            raise NotAllowed("No version is live yet; run `manage.py retrain`.")
        return live
    version = ModelVersion.objects.select_related("backbone").filter(pk=number).first()
    if version is None:
        raise NotAllowed(
            f"There is no version {number}; `manage.py model_versions` lists what there is."
        )
    if not version.files_present:
        raise NotAllowed(f"Version {number}'s files are gone from disk; choose a newer one.")
    return version


def engine_of(version: ModelVersion) -> Engine:
    """The version as a worker on this host would serve it."""
    from classifier import serving

    root, setting = settings.MODELS_DIR, settings.CLASSIFIER_ENGINE
    if serving.engine_of(root, version.backbone.sha256, setting) == KERAS:
        load_tensorflow()
    return serving.open_engine(root, version.directory, setting=setting)


def stop_on_sigterm() -> None:
    """A command told to end stops at its next batch, like a worker."""

    def note(_signum: int, _frame: FrameType | None) -> None:
        process.stopping.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, note)


def percent(value: Any) -> str:
    return f"{100 * float(value):.1f}%"

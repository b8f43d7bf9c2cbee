"""Which pretrained backbone weights to start from, where they come from, checked by checksum."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import WeightsError

logger = logging.getLogger(__name__)

ARCHITECTURE = "resnet50-avg-middle"
"""What backbones are: a ResNet50 without its top, averaged over the image, which is the middle of a
photo (`images.to_array`)."""

STARTER_PATH = Path(__file__).parent / "starter_weights" / "resnet50_starter_notop.weights.h5"
STARTER_SHA256 = "3a2601f73b9bd78b48050788a4807c46ed98517f97267ac34845cf7437e46b28"
STARTER_IMAGE_SIZE = 112

IMAGENET_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
IMAGENET_URL = (
    f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{IMAGENET_FILE}"
)
IMAGENET_MD5 = "4d473c1dd8becc155b73f8504c6f6626"
IMAGENET_IMAGE_SIZE = 224

CONNECT_SECONDS = 6.0
STALL_SECONDS = 10.0


@dataclass(frozen=True)
class Weights:
    """Verified weights on this disk. `note` says in a sentence where they came from; `stand_in` are
    those that take the place of the ones asked for, which cannot be had at the moment."""

    path: Path
    source: str  # "imagenet", "starter" or "file"
    sha256: str
    image_size: int
    note: str
    stand_in: bool = False


def resolve(
    setting: str,
    *,
    file_image_size: int = IMAGENET_IMAGE_SIZE,
    cache_dir: Path | None = None,
    url: str = IMAGENET_URL,
) -> Weights:
    """The weights `setting` names: `imagenet`, `starter` or a path to a ResNet50 weights file.

    ImageNet weights come from `cache_dir` (Keras' own cache by default) or are downloaded there;
    out of reach within seconds, the starter weights take their place, loudly. `file_image_size`
    is the side in pixels a file's weights were trained at. WeightsError if nothing usable is found.
    """
    if setting == "starter":
        return starter("Starter weights, as configured.")
    if setting == "imagenet":
        return _imagenet(cache_dir or keras_cache(), url)
    return _from_file(Path(setting).expanduser(), file_image_size)


def starter(note: str, *, stand_in: bool = False) -> Weights:
    """The weights shipped with this package; WeightsError if the file is missing or altered."""
    if not STARTER_PATH.is_file():
        raise WeightsError(f"{STARTER_PATH} is missing. Check the file out again.")
    if file_sha256(STARTER_PATH) != STARTER_SHA256:
        raise WeightsError(f"{STARTER_PATH} was altered. Check the file out again.")
    size = STARTER_IMAGE_SIZE
    return Weights(STARTER_PATH, "starter", STARTER_SHA256, size, note, stand_in=stand_in)


def keras_cache() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_file(path: Path, image_size: int) -> Weights:
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise WeightsError(
            f"No weights file can be read at {path} ({_in_words(error)}). Set CLASSIFIER_WEIGHTS to"
            " imagenet, starter or a file."
        ) from error
    return Weights(path, "file", digest, image_size, f"Weights from the file {path}.")


def _imagenet(cache_dir: Path, url: str) -> Weights:
    path = cache_dir / IMAGENET_FILE
    try:
        if not (path.is_file() and _is_imagenet(path)):
            _download(url, path)
        digest = file_sha256(path)
    except (OSError, WeightsError) as error:
        why = _in_words(error)
        note = f"ImageNet weights could not be had ({why}); the starter weights are used."
        logger.warning(note)
        return starter(note, stand_in=True)
    note = "ImageNet weights from keras.applications."
    return Weights(path, "imagenet", digest, IMAGENET_IMAGE_SIZE, note)


def _in_words(error: Exception) -> str:
    """What went wrong, without the class names that urllib wraps around it."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return (isinstance(cause, OSError) and cause.strerror) or str(cause)


def _is_imagenet(path: Path) -> bool:
    with path.open("rb") as file:
        # MD5 is what Keras publishes for this file; it guards against damage, not attack.
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest() == IMAGENET_MD5


def _download(url: str, path: Path) -> None:
    """Write the file aside, check it, rename it. OSError or WeightsError if it cannot be had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _connect(url) as answer, aside.open("wb") as file:
            logger.info("Downloading the ImageNet weights (95 MB) to %s", path)
            while block := answer.read(1 << 20):
                file.write(block)
        if not _is_imagenet(aside):
            raise WeightsError("the downloaded file does not match its checksum")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _connect(url: str) -> Any:
    """An open response. Name resolution has no timeout of its own, hence the thread."""
    answers: list[Any] = []
    errors: list[OSError] = []

    def connect() -> None:
        try:
            answers.append(urllib.request.urlopen(url, timeout=STALL_SECONDS))  # noqa: S310 - https
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if answers:
        return answers[0]
    raise errors[0] if errors else TimeoutError(f"no answer in {CONNECT_SECONDS:g} seconds")

"""A backbone made ready for CPU hosts: converted to OpenVINO, rounded to int8, and compared."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import openvino.frontend.tensorflow.utils as tensorflow_frontend
import tensorflow as tf

from classifier import store
from classifier.dataset import ahead
from classifier.engines.openvino import Embedder
from classifier.errors import UnreadableImage
from classifier.feature_files import EMBEDDING_SIZE
from classifier.features import Progress, silent
from classifier.gate import mcnemar_one_sided
from classifier.head import Head
from classifier.images import Pixels, load
from classifier.network import Backbone

PHASE = "preparing to serve"
CALIBRATION_PHOTOS = 200
COMPARED_PHOTOS = 1000
"""So many photos outside the test split are compared, where there are so many."""
MIN_AGREEMENT = 0.99
MAX_CHANCE = 0.05
INT8, FP32 = "int8", "fp32"
BATCH = 32


@dataclass(frozen=True)
class Sample:
    """Photos outside the test split, and what Keras makes of them.

    `embeddings` is float16 (N, 2048); `columns` (N,) the place of each one's category among the
    head's, -1 for one it does not know; `held_out` (N,) says which were never trained on.
    """

    paths: Sequence[Path]
    embeddings: npt.NDArray[np.float16]
    columns: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """int8 against Keras on the readable photos of a sample."""

    compared: int
    agreement: float | None
    """Share of the photos whose first answer is the same; None without photos."""
    cosine: float | None
    """Of the least alike pair of embeddings."""
    validation: int
    """How many of the photos were never trained on; the rest is about those."""
    accuracy_keras: float | None
    accuracy_int8: float | None
    lost: int
    """Photos that Keras answers right and int8 wrong."""
    won: int
    chance: float
    """That so many or more are lost by a fair coin (one-sided McNemar)."""


@dataclass(frozen=True)
class Report(Comparison):
    """What a stored export says of itself."""

    precision: str
    reason: str
    calibrated_on: int
    seconds: float


def export(
    root: Path,
    backbone: Backbone,
    *,
    head: Head,
    calibration: Sequence[Path],
    sample: Sample,
    progress: Progress = silent,
) -> Report:
    """Store `backbone`, which is stored already, once more for OpenVINO: at int8 where that answers
    as Keras does, else at fp32.

    `calibration` are training photos. StoreError if it cannot be written; what `progress` raises
    stops it.
    """
    started = time.monotonic()
    progress(PHASE, 0, 0, "converting")
    exact = _converted(backbone)
    pixels = _readable(calibration, backbone.image_size)
    rounded = _quantised(exact, pixels, progress) if pixels else exact
    found = _compare(rounded, backbone, head, sample, progress)
    precision, reason = choose_precision(found)
    served = rounded if precision == INT8 else exact
    report = Report(
        **asdict(found),
        precision=precision,
        reason=reason,
        calibrated_on=len(pixels),
        seconds=round(time.monotonic() - started, 1),
    )
    progress(PHASE, 0, 0, "saving")
    store.save_export(
        root,
        backbone,
        precision=precision,
        report=asdict(report),
        write=lambda path: _save(served, path),
    )
    return report


def choose_precision(found: Comparison) -> tuple[str, str]:
    """int8 or fp32, and why in a sentence."""
    if found.agreement is None:
        return FP32, "There were no photos to compare int8 on."
    share = (
        f"int8 gave {100 * found.agreement:.1f}% of {found.compared} photos the same first answer "
        "as Keras"
    )
    if found.agreement < MIN_AGREEMENT:
        return FP32, f"{share}; {100 * MIN_AGREEMENT:.0f}% are needed."
    if found.chance < MAX_CHANCE:
        return FP32, (
            f"{share}, but lost {found.lost} right answers on validation photos and won "
            f"{found.won}: more than chance explains."
        )
    return INT8, f"{share}."


def _converted(backbone: Backbone) -> Any:
    """The backbone as an openvino.Model: uint8 (N, s, s, 3) to float32 (N, 2048)."""
    size, model = backbone.image_size, backbone.model

    def embed(images: Any) -> Any:
        return model(tf.cast(images, tf.float32), training=False)

    pixels = tf.TensorSpec((None, size, size, 3), tf.uint8, name="images")
    if sys.version_info >= (3, 13):
        # OpenVINO 2026.4 looks up TensorFlow's version with `exec("del tensorflow")`, which
        # raises NameError since local names became a snapshot (PEP 667).
        tensorflow_frontend.get_environment_setup = lambda _: {"tensorflow": tf.__version__}
    return ov.convert_model(tf.function(embed, input_signature=[pixels]))


def _readable(paths: Sequence[Path], size: int) -> list[Pixels]:
    """(1, s, s, 3) of each photo that can be read."""
    found = ahead(lambda path: _read(path, size), paths, window=BATCH)
    return [pixels[np.newaxis] for pixels in found if pixels is not None]


def _read(path: Path, size: int) -> Pixels | None:
    try:
        return load(path, size)
    except UnreadableImage:
        return None


@dataclass(frozen=True)
class _Reported:
    """Iterates over `pixels` and tells `progress` how far it came."""

    pixels: Sequence[Pixels]
    progress: Progress

    def __len__(self) -> int:
        return len(self.pixels)

    def __iter__(self) -> Iterator[Pixels]:
        for done, photo in enumerate(self.pixels, start=1):
            yield photo
            self.progress(PHASE, done, len(self.pixels), "learning the ranges")


def _quantised(model: Any, pixels: Sequence[Pixels], progress: Progress) -> Any:
    """The model with int8 weights and activations, their ranges as seen on `pixels`.

    The slow bias correction: the fast one halved the time, and doubled the disagreement with Keras.
    """
    with _quiet_nncf() as nncf:
        return nncf.quantize(
            model,
            nncf.Dataset(_Reported(pixels, progress)),
            subset_size=len(pixels),
            fast_bias_correction=False,
        )


@contextlib.contextmanager
def _quiet_nncf() -> Iterator[Any]:
    """NNCF, which otherwise draws bars on standard output and changes every logger made later."""
    logger_class = logging.getLoggerClass()
    try:
        import nncf
    finally:
        logging.setLoggerClass(logger_class)
    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        yield nncf


def _compare(
    model: Any, backbone: Backbone, head: Head, sample: Sample, progress: Progress
) -> Comparison:
    """What the model, at int8, and Keras make of the same photos."""
    size = backbone.image_size
    embedder = Embedder(model, sha256=backbone.sha256, image_size=size, precision=INT8)
    pixels = ahead(lambda path: _read(path, size), sample.paths, window=2 * BATCH)
    places: list[int] = []
    rows = [np.empty((0, EMBEDDING_SIZE), np.float16)]
    for start in range(0, len(sample.paths), BATCH):
        progress(PHASE, start, len(sample.paths), "comparing with Keras")
        step = range(start, min(start + BATCH, len(sample.paths)))
        readable = {place: photo for place in step if (photo := next(pixels)) is not None}
        if readable:
            places += readable
            rows.append(embedder.embed(np.stack(list(readable.values()))))
    kept = np.array(places, np.int64)
    return compare(
        head,
        np.concatenate(rows),
        sample.embeddings[kept],
        sample.columns[kept],
        sample.held_out[kept],
    )


def compare(
    head: Head,
    ours: npt.NDArray[np.float16],
    keras: npt.NDArray[np.float16],
    columns: npt.NDArray[np.int64],
    held_out: npt.NDArray[np.bool_],
) -> Comparison:
    """Two sets of embeddings (N, 2048) of the same photos, through one head."""
    answer, yardstick = head.logits(ours).argmax(axis=1), head.logits(keras).argmax(axis=1)
    right, was_right = (answer == columns)[held_out], (yardstick == columns)[held_out]
    lost, won = int((was_right & ~right).sum()), int((right & ~was_right).sum())
    return Comparison(
        compared=len(ours),
        agreement=float((answer == yardstick).mean()) if len(ours) else None,
        cosine=float(_cosines(ours, keras).min()) if len(ours) else None,
        validation=len(right),
        accuracy_keras=float(was_right.mean()) if len(right) else None,
        accuracy_int8=float(right.mean()) if len(right) else None,
        lost=lost,
        won=won,
        chance=mcnemar_one_sided(lost, won) if lost else 1.0,
    )


def _cosines(a: npt.NDArray[np.float16], b: npt.NDArray[np.float16]) -> npt.NDArray[np.float64]:
    """Of each pair of rows."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    result: npt.NDArray[np.float64] = (x * y).sum(axis=1) / np.maximum(lengths, 1e-12)
    return result


def _save(model: Any, path: Path) -> None:
    ov.save_model(model, path, compress_to_fp16=False)

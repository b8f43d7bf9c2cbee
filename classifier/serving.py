"""A stored version as the engine that serves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import store
from classifier.engines import KERAS, OPENVINO, Engine, choose, has_gpu
from classifier.errors import StoreError
from classifier.head import Head

if TYPE_CHECKING:
    from classifier.engines import keras, openvino
    from classifier.engines.answering import Embedder as AnyEmbedder
    from classifier.network import Backbone


def engine_of(root: Path, backbone_sha256: str, setting: str) -> str:
    """`keras` or `openvino`: what `setting` means for this backbone. One that was never exported is
    served by Keras. No file is read: whether they are intact is found out when they are opened.

    EngineError if `setting` names no engine.
    """
    if choose(setting) == OPENVINO and store.has_export(root, backbone_sha256):
        return OPENVINO
    return KERAS


def open_engine(
    root: Path, directory: str, *, setting: str, current: Engine | None = None
) -> Engine:
    """The stored version, verified, with the engine of `setting`; its backbone is `current`'s where
    that is the same.

    StoreError says what is wrong with its files, EngineError with the engine.
    """
    manifest = store.read_manifest(root, directory)
    export = _export(root, manifest["backbone_sha256"], setting)
    if export is None:
        return _open_keras(root, directory, manifest["backbone_sha256"], current)
    return _open_openvino(root / directory, manifest, export, current)


def open_embedder(root: Path, backbone_sha256: str, *, setting: str) -> AnyEmbedder:
    """A stored backbone alone, verified, with the engine of `setting`.

    StoreError says what is wrong with its files, EngineError with the engine.
    """
    export = _export(root, backbone_sha256, setting)
    if export is None:
        return _keras_embedder(root, backbone_sha256)
    return _openvino_embedder(export, backbone_sha256)


def _open_openvino(
    directory: Path, manifest: dict[str, Any], export: store.ExportInfo, current: Engine | None
) -> openvino.Classifier:
    from classifier.engines.openvino import Classifier

    classes, sha256 = tuple(manifest["classes"]), manifest["backbone_sha256"]
    units = manifest["head_units"]
    head = Head.read(directory / store.HEAD_FILE, units=units, classes=len(classes))
    if isinstance(current, Classifier) and current.backbone_sha256 == sha256:
        embedder = current.embedder
    else:
        embedder = _openvino_embedder(export, sha256)
    return Classifier(embedder, head, classes, manifest["temperature"])


def _openvino_embedder(export: store.ExportInfo, sha256: str) -> openvino.Embedder:
    from classifier.engines.openvino import Embedder

    size, precision = export.image_size, export.precision
    return Embedder(export.model, sha256=sha256, image_size=size, precision=precision)


def _open_keras(
    root: Path, directory: str, sha256: str, current: Engine | None
) -> keras.Classifier:
    from classifier.engines.keras import Classifier

    if isinstance(current, Classifier) and current.backbone_sha256 == sha256:
        return store.open_version(root, directory, embedder=current.embedder)
    return store.open_version(root, directory, embedder=_keras_embedder(root, sha256))


def _keras_embedder(root: Path, sha256: str) -> keras.Embedder:
    from classifier.engines.keras import Embedder

    on_gpu = has_gpu()
    backbone = open_half(root, sha256) if on_gpu else store.open_backbone(root, sha256)
    return Embedder(backbone, xla=on_gpu)


def open_half(root: Path, sha256: str) -> Backbone:
    """A stored backbone that computes in float16 where that is safe (Micikevicius et al. 2018), as
    GPUs are fastest at it. Its weights stay float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return store.open_backbone(root, sha256)
    finally:
        keras.config.set_dtype_policy(before)


def _export(root: Path, sha256: str, setting: str) -> store.ExportInfo | None:
    """What OpenVINO is to serve the backbone from, verified; None where Keras serves it."""
    if choose(setting) != OPENVINO:
        return None
    try:
        return store.read_export(root, sha256)
    except StoreError as error:
        raise StoreError(
            f"{error} Without the {store.EXPORT_FOLDER} folder Keras serves."
        ) from error

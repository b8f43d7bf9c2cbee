"""Backbones and versions on disk: written aside, synced, renamed, verified when opened.

    backbones/<sha256>/           backbone.weights.h5       manifest.json
    backbones/<sha256>/openvino/  backbone.xml backbone.bin manifest.json
    versions/<name>/              head.weights.h5           manifest.json

A manifest lists every file's SHA-256. A version is a head that names its backbone. The export to
OpenVINO may come later than its backbone, or never. Keras is imported where a network is built.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import StoreError
from classifier.head import Head
from classifier.recipe import Recipe
from classifier.weights import ARCHITECTURE, file_sha256

if TYPE_CHECKING:
    from classifier.engines.keras import Classifier, Embedder
    from classifier.network import Backbone

MANIFEST = "manifest.json"
BACKBONE_FILE = "backbone.weights.h5"
HEAD_FILE = "head.weights.h5"
EXPORT_FOLDER = "openvino"
EXPORT_FILE = "backbone.xml"
FORMAT = 1
LEFTOVER_SECONDS = 24 * 3600

WriteModel = Callable[[Path], None]


@dataclass(frozen=True)
class BackboneInfo:
    """A stored backbone. `directory` is relative to the store's root."""

    sha256: str
    directory: str
    image_size: int
    source: str


def save_backbone(
    root: Path, backbone: Backbone, *, extra: dict[str, Any] | None = None
) -> BackboneInfo:
    """Store a backbone under its checksum; one already stored and intact is left as it is."""
    directory = f"backbones/{backbone.sha256}"
    info = BackboneInfo(backbone.sha256, directory, backbone.image_size, backbone.source)
    target = root / directory
    if target.exists():
        try:
            _verified(target, "backbone")
        except StoreError:
            target.rename(target.with_name(f"{target.name}.damaged-{time.time_ns()}"))
        else:
            return info
    with _written_aside(target) as aside:
        backbone.model.save_weights(aside / BACKBONE_FILE)
        _write_manifest(
            aside,
            kind="backbone",
            architecture=ARCHITECTURE,
            sha256=backbone.sha256,
            image_size=backbone.image_size,
            source=backbone.source,
            extra=extra or {},
        )
    return info


def save_version(
    root: Path,
    name: str,
    *,
    head: Any,
    backbone_sha256: str,
    classes: list[str],
    temperature: float,
    recipe: Recipe,
    metrics: dict[str, Any],
    fingerprint: str,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Store a version, with `files` of other uses beside it; its directory relative to `root`.
    StoreError if the name is taken."""
    directory = f"versions/{name}"
    if (root / directory).exists():
        raise StoreError(f"A version named {name} is already stored. Choose another name.")
    with _written_aside(root / directory) as aside:
        head.save_weights(aside / HEAD_FILE)
        for file, content in (files or {}).items():
            (aside / file).write_bytes(content)
        _write_manifest(
            aside,
            kind="version",
            architecture=ARCHITECTURE,
            backbone_sha256=backbone_sha256,
            classes=classes,
            temperature=temperature,
            head_units=int(head.get_layer("hidden").units),
            recipe=recipe.to_dict(),
            metrics=metrics,
            fingerprint=fingerprint,
        )
    return directory


@dataclass(frozen=True)
class ExportInfo:
    """A backbone's export, verified. `report` says how its answers compare with Keras'."""

    model: Path
    image_size: int
    precision: str
    report: dict[str, Any]


def save_export(
    root: Path, backbone: Backbone, *, precision: str, report: dict[str, Any], write: WriteModel
) -> None:
    """Store a backbone's export beside its weights, whatever was there before; `write` is called
    with the path of the .xml file, beside which it may write others."""
    target = root / "backbones" / backbone.sha256 / EXPORT_FOLDER
    if target.exists():
        target.rename(target.with_name(f".replaced-{time.time_ns()}"))
    with _written_aside(target) as aside:
        write(aside / EXPORT_FILE)
        _write_manifest(
            aside,
            kind="export",
            architecture=ARCHITECTURE,
            sha256=backbone.sha256,
            image_size=backbone.image_size,
            precision=precision,
            report=report,
        )
    for old in target.parent.glob(".replaced-*"):
        shutil.rmtree(old, ignore_errors=True)


def has_export(root: Path, sha256: str) -> bool:
    """Whether a backbone has an export, intact or not."""
    return (root / "backbones" / sha256 / EXPORT_FOLDER).exists()


def read_export(root: Path, sha256: str) -> ExportInfo | None:
    """A backbone's export; None if it has none, StoreError if it is damaged."""
    if not has_export(root, sha256):
        return None
    directory = root / "backbones" / sha256 / EXPORT_FOLDER
    manifest = _verified(directory, "export")
    if manifest["sha256"] != sha256:
        raise StoreError(f"{directory} was made of another backbone. Remove it: Keras serves then.")
    return ExportInfo(
        directory / EXPORT_FILE, manifest["image_size"], manifest["precision"], manifest["report"]
    )


def open_backbone(root: Path, sha256: str) -> Backbone:
    """The stored backbone, verified; StoreError says what is wrong with it."""
    from classifier.network import Backbone, build_backbone

    directory = root / "backbones" / sha256
    manifest = _verified(directory, "backbone")
    if manifest["sha256"] != sha256:
        raise StoreError(f"{directory} holds another backbone than its name says. Restore it.")
    model = build_backbone(None, manifest["image_size"])
    _load_weights(model, directory / BACKBONE_FILE)
    return Backbone(model, manifest["image_size"], manifest["source"], sha256)


def open_version(root: Path, directory: str, *, embedder: Embedder | None = None) -> Classifier:
    """The stored version, verified and compiled; StoreError says what is wrong with it.

    `embedder` (of the version serving now, say) is used again where it holds the same backbone.
    """
    from classifier.engines.keras import Classifier, Embedder

    manifest = _verified(root / directory, "version")
    sha256 = manifest["backbone_sha256"]
    if embedder is None or embedder.backbone.sha256 != sha256:
        embedder = Embedder(open_backbone(root, sha256))
    head = open_head(root, directory)
    return Classifier(embedder, head, tuple(manifest["classes"]), manifest["temperature"])


def open_head(root: Path, directory: str) -> Any:
    """A stored version's head as a Keras model: embeddings (N, 2048) to logits (N, C)."""
    from classifier.network import build_head

    manifest = _verified(root / directory, "version")
    units, classes = manifest["head_units"], len(manifest["classes"])
    stored = Head.read(root / directory / HEAD_FILE, units=units, classes=classes)
    head = build_head(classes, units=units, dropout=0.0, room=stored.room is not None)
    head.set_weights(stored.weights)
    return head


def read_manifest(root: Path, directory: str) -> dict[str, Any]:
    """What a stored directory says of itself, its files verified."""
    kind = "backbone" if directory.startswith("backbones/") else "version"
    return _verified(root / directory, kind)


@contextlib.contextmanager
def _written_aside(target: Path) -> Iterator[Path]:
    """A new directory that becomes `target` at once, synced, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target.parent)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        yield aside
        aside.chmod(0o755)
        for path in (*aside.iterdir(), aside):
            _sync(path)
        aside.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise StoreError(
            f"{target} could not be written: {error}. Check space and rights."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _remove_leftovers(parent: Path) -> None:
    """What a killed process left half-written, once nobody can still be writing it."""
    for path in parent.glob(".writing-*"):
        if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_manifest(directory: Path, *, kind: str, **content: Any) -> None:
    files = {
        path.name: {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        for path in sorted(directory.iterdir())
    }
    manifest = {"format": FORMAT, "kind": kind, **content, "files": files}
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _verified(directory: Path, kind: str) -> dict[str, Any]:
    """The manifest, once every file it lists was found unchanged."""
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_bytes())
        found = (manifest["format"], manifest["kind"], manifest["architecture"])
        files = dict(manifest["files"])
    except FileNotFoundError:
        raise StoreError(f"{directory} is missing. Restore it from a backup.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{directory}/{MANIFEST} is damaged. Restore it from a backup.") from error
    if found != (FORMAT, kind, ARCHITECTURE):
        raise StoreError(
            f"{directory} is not a {ARCHITECTURE} {kind}. Use the release that wrote it."
        )
    for name, expected in files.items():
        path = directory / name
        if not path.is_file() or file_sha256(path) != expected["sha256"]:
            raise StoreError(f"{path} is missing or damaged. Restore it from a backup.")
    return manifest


def _load_weights(model: Any, path: Path) -> None:
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{path} does not fit the network: {error}") from error

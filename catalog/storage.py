"""Where files live. Photos go through one Storage class: durable before the row that names them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible
from whitenoise.storage import (  # type: ignore[import-untyped]  # it has none
    CompressedManifestStaticFilesStorage,
)


@deconstructible(path="catalog.storage.DurableStorage")
class DurableStorage(FileSystemStorage):
    """Writes to a temporary name, fsyncs, renames, then fsyncs the folder: after `save` returns,
    the whole file survives a power cut; before, nothing stands under the final name."""

    def _save(self, name: str, content: File[bytes]) -> str:
        target = Path(self.path(name))
        _make_folder(target.parent)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with temporary.open("wb") as handle:
                for chunk in content.chunks():
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            temporary.chmod(0o640)
            temporary.rename(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return name


class HashedStatic(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Hashes the names in `import … from "./x.js"` too, so that a page never mixes the modules of
    two releases."""

    support_js_module_import_aggregation = True


def _make_folder(folder: Path) -> None:
    """Make `folder` and those above it, each entry fsynced into its parent."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

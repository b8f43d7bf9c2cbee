"""Reading one uploaded file from a request without ever holding more than one file may be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    SkipFile,
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest

from . import intake
from .errors import Rejected, StorageFull

FORM_BYTES = 100_000
"""What the other fields and the boundaries of the form may take."""
TOO_LARGE, NO_ROOM = "upload_too_large", "upload_finds_no_room"
PATIENCE = 4
"""A body of up to so many times the cap is read and thrown away, so that the browser gets to see
the answer; a longer one is refused unread."""


class NoUpload(FileUploadHandler):
    """For every form that asks for no file: Django would write what comes even so, of any size and
    from anybody, before a view is reached."""

    def new_file(self, *_args: Any, **_options: Any) -> NoReturn:
        raise StopUpload(connection_reset=True)


class CappedUpload(TemporaryFileUploadHandler):
    """Writes to a temporary file and stops at the cap, or where the disk is full: the rest of the
    file is skipped."""

    def __init__(self, request: HttpRequest, most: int) -> None:
        super().__init__(request)
        self.most = most

    def new_file(self, *args: Any, **options: Any) -> None:
        if _has(self.request, NO_ROOM):
            raise SkipFile
        with self._skipped_on_a_full_disk():
            super().new_file(*args, **options)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > self.most:
            _mark(self.request, TOO_LARGE)
            raise SkipFile
        with self._skipped_on_a_full_disk():
            super().receive_data_chunk(raw_data, start)
        return None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        with suppress(SkipFile), self._skipped_on_a_full_disk():
            return super().file_complete(file_size)
        return None

    def handle_raw_input(self, *args: Any, **options: Any) -> None:
        """Part of Django's interface; the whole body goes on to the parser."""

    @contextmanager
    def _skipped_on_a_full_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in intake.FULL:
                raise
            _mark(self.request, NO_ROOM)
            if hasattr(self, "file"):  # it may be the one that cannot be made
                with suppress(OSError):  # closing writes what is left, in vain; it goes even so
                    self.file.close()
            raise SkipFile from error


def is_hopeless(request: HttpRequest, *, most: int) -> bool:
    """So long that it is refused without reading it."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    limit = PATIENCE * most + FORM_BYTES
    return not declared.isdigit() or int(declared) > limit


def prepare(request: HttpRequest, *, most: int) -> None:
    """Before anything reads the form: CSRF protection does. A body that there is no room for is
    read and thrown away."""
    request.upload_handlers = [CappedUpload(request, most)]
    coming = min(int(request.META.get("CONTENT_LENGTH") or 0), most + FORM_BYTES)
    try:
        intake.require_room(coming)
        free = shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()).free
    except StorageFull:
        free = 0
    if free < coming:
        _mark(request, NO_ROOM)


def sent_file(request: HttpRequest) -> UploadedFile[bytes]:
    """The field `file`; Rejected when it is missing, TooLarge over the cap, StorageFull without
    room for it."""
    sent = request.FILES.get("file")
    if _has(request, TOO_LARGE):
        raise TooLarge
    if _has(request, NO_ROOM):
        raise StorageFull(intake.DISK_FULL)
    if not isinstance(sent, UploadedFile):
        raise Rejected("Choose a file first.")
    return sent


def one_photo(request: HttpRequest) -> tuple[bytes, str]:
    """(bytes, name) of the field `file`."""
    sent = sent_file(request)
    return sent.read(settings.UPLOAD_MAX_BYTES + 1), sent.name or "photo"


def is_zip(file: UploadedFile[bytes]) -> bool:
    start = file.read(4)
    file.seek(0)
    return start in {b"PK\x03\x04", b"PK\x05\x06"}


class TooLarge(Rejected):
    """The file is over the cap; it was not kept."""

    def __init__(self, most: int = 0) -> None:
        megabytes = (most or settings.UPLOAD_MAX_BYTES) // 1_000_000
        super().__init__(f"The file is larger than {megabytes} MB; send a smaller copy.")


def _mark(request: HttpRequest | None, what: str) -> None:
    """For `sent_file`, which stands behind the parser."""
    if request is not None:
        setattr(request, what, True)


def _has(request: HttpRequest | None, what: str) -> bool:
    return getattr(request, what, False)

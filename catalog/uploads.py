"""Reading one uploaded file from a request without ever holding more than one file may be."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from .errors import Rejected

FORM_BYTES = 100_000
"""What the other fields and the boundaries of the form may take."""
PATIENCE = 4
"""A body of up to so many times the cap is read and thrown away, so that the browser gets to see
the answer; a longer one is refused unread."""


class CappedUpload(TemporaryFileUploadHandler):
    """Writes to a temporary file and stops at the cap: the rest of the file is skipped."""

    def __init__(self, request: HttpRequest, most: int) -> None:
        super().__init__(request)
        self.most = most

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > self.most:
            _mark(self.request)
            raise SkipFile
        return super().receive_data_chunk(raw_data, start)

    def handle_raw_input(self, *args: Any, **options: Any) -> None:
        """Part of Django's interface; the whole body goes on to the parser."""


def is_hopeless(request: HttpRequest, *, most: int) -> bool:
    """So long that it is refused without reading it."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    limit = PATIENCE * most + FORM_BYTES
    return not declared.isdigit() or int(declared) > limit


def prepare(request: HttpRequest, *, most: int) -> None:
    """Before anything reads the form: CSRF protection does."""
    request.upload_handlers = [CappedUpload(request, most)]


def sent_file(request: HttpRequest) -> UploadedFile[bytes]:
    """The field `file`; Rejected when it is missing, TooLarge over the cap."""
    sent = request.FILES.get("file")
    if getattr(request, "upload_too_large", False):
        raise TooLarge
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


def _mark(request: HttpRequest | None) -> None:
    if request is not None:
        request.upload_too_large = True  # type: ignore[attr-defined]  # read by one_file

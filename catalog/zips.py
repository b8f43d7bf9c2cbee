"""What is in a ZIP that anybody may have made: every number in it is a claim, and only bytes really
read count. Nothing is ever written under a name from the archive."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

from django.conf import settings

from .errors import Rejected

CHUNK = 64_000
DIRECTORY_BYTES = 4_000_000
"""What the list of entries may take; zipfile reads it whole, before anybody could count."""
RATIO = 100
RATIO_COUNTS_FROM = 1_000_000
"""A photo packs by a few percent; what unpacks to more than RATIO times its size is no photo."""
LIST_BYTES = 2_000_000
READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ARCHIVES = re.compile(r"\.(zip|7z|rar|tar|tgz|gz|bz2|xz|zst|jar)$", re.IGNORECASE)
ARCHIVE_BYTES = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
JUNK = re.compile(r"(^|/)(__MACOSX/|\.(?!\.?/)|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
DAMAGED = "This file in the archive is damaged; pack the archive again."
NOT_A_ZIP = "This is no ZIP archive, or a damaged one; pack it again."
DAMAGES = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError,
    NotImplementedError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One file of the archive, by its place in it; names may repeat."""

    number: int
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        return PurePosixPath(self._path).name or "photo"

    @property
    def folders(self) -> list[str]:
        """The folders it lies in, the innermost last."""
        return [p for p in PurePosixPath(self._path).parts[:-1] if p not in {"/", ".", ".."}]

    @property
    def folder(self) -> str:
        """`Men › Shirts`: what the merchant may have meant by it."""
        return " › ".join(self.folders)

    @property
    def is_list(self) -> bool:
        return self.name.lower().endswith(".csv")

    @property
    def _path(self) -> str:
        return self.info.filename.replace("\\", "/")


class Zip:
    """An opened archive; Rejected with a sentence where it cannot be taken at all."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(cast("IO[bytes]", _Bounded(file)))
        except DAMAGES as error:
            raise Rejected(NOT_A_ZIP) from error
        found = [info for info in self._zip.infolist() if not JUNK.search(info.filename)]
        files = [info for info in found if not info.filename.endswith("/")]
        if len(files) > settings.UPLOAD_ZIP_MAX_FILES:
            raise Rejected(
                f"The archive holds {len(files)} files; at most "
                f"{settings.UPLOAD_ZIP_MAX_FILES} go into one."
            )
        if not files:
            raise Rejected("The archive holds no files.")
        self.entries = [Entry(number, info) for number, info in enumerate(files)]

    def read(self, entry: Entry, count: Callable[[int], None]) -> bytes:
        """The entry's bytes; `count` hears of all that are unpacked, also of a file that is then
        Rejected."""
        _require_harmless(entry)
        limit = LIST_BYTES if entry.is_list else settings.UPLOAD_MAX_BYTES
        try:
            data = self._unpack(entry.info, limit, count)
        except DAMAGES as error:
            raise Rejected(DAMAGED) from error
        if data.startswith(ARCHIVE_BYTES):
            raise Rejected(NESTED)
        return data

    def _unpack(self, info: zipfile.ZipInfo, limit: int, count: Callable[[int], None]) -> bytes:
        unpacked = bytearray()
        most = max(RATIO * info.compress_size, RATIO_COUNTS_FROM)
        with self._zip.open(info) as packed:
            while chunk := packed.read(CHUNK):
                count(len(chunk))
                unpacked += chunk
                if len(unpacked) > limit:
                    raise Rejected(f"The file is larger than {limit // 1_000_000} MB.")
                if len(unpacked) > most:
                    raise Rejected("The file unpacks to far more than a photo would.")
        return bytes(unpacked)


NESTED = "An archive inside an archive is not opened; pack the photos into one."


def _require_harmless(entry: Entry) -> None:
    info, path = entry.info, PurePosixPath(entry.info.filename.replace("\\", "/"))
    if ".." in path.parts or path.is_absolute() or re.match(r"[A-Za-z]:", str(path)):
        raise Rejected("The file's name points outside the archive; pack the archive again.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Rejected("This is a link to a file, not a photo.")
    if info.flag_bits & 0x1:
        raise Rejected("The file is protected by a password; pack the archive without one.")
    if info.compress_type not in READABLE:
        raise Rejected("The file is packed in an uncommon way; pack the archive as a plain ZIP.")
    if ARCHIVES.search(entry.name):
        raise Rejected(NESTED)


class _Bounded:
    """A file never read in one piece larger than DIRECTORY_BYTES, whatever a header says."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its list of files is too long")
        return self._file.read(size if size >= 0 else DIRECTORY_BYTES)

    def seekable(self) -> bool:
        return True

"""Where things are: the repository, and what the environment asks of a demo."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import LauncherError

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000
LOCAL = ["localhost", "127.0.0.1", "[::1]"]
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
BEYOND = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that are nobody's, on the way to everybody's."""


@dataclass(frozen=True)
class Place:
    """One demo: where it listens and where it keeps its state.

    `photos` is a folder of one's own photos, a folder per category; None means drawn samples.
    """

    host: str
    port: int
    data_dir: Path
    photos: Path | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Place:
        photos = environment.get("PHOTOS")
        return cls(
            host=environment.get("HOST") or "127.0.0.1",
            port=_port(environment.get("PORT") or str(DEFAULT_PORT)),
            data_dir=_folder(environment.get("DATA_DIR") or str(ROOT / "var")),
            photos=_folder(photos) if photos else None,
        )

    @property
    def address(self) -> str:
        is_local = self.host == "127.0.0.1" or self.is_everywhere
        return f"http://{'localhost' if is_local else in_address(self.host)}:{self.port}/"

    @property
    def is_everywhere(self) -> bool:
        """It listens on every address of the machine."""
        return self.host in EVERYWHERE

    @property
    def names(self) -> list[str]:
        """What people on this machine and, where it listens to others, on those may call it."""
        more = _own_names() if self.is_everywhere else [self.host]
        return list(dict.fromkeys([*LOCAL, *map(in_address, more)]))

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"


def in_address(host: str) -> str:
    """As it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _own_names() -> list[str]:
    """The machine's name, and the addresses under which it reaches others. Nothing is sent."""
    names = [socket.gethostname()]
    for family, beyond in BEYOND:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((beyond, 9))
            names.append(probe.getsockname()[0])
    return names


def _port(raw: str) -> int:
    if raw.isdecimal() and 0 < int(raw) < 65536:
        return int(raw)
    raise LauncherError(f"PORT={raw} is not a port: give a number from 1 to 65535.")


def _folder(raw: str) -> Path:
    return Path(raw).expanduser().resolve()

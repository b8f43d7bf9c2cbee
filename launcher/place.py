"""Where things are: the repository, and what the environment asks of a demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LauncherError

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000


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
        shown = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{shown}:{self.port}/"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"


def _port(raw: str) -> int:
    if raw.isdecimal() and 0 < int(raw) < 65536:
        return int(raw)
    raise LauncherError(f"PORT={raw} is not a port: give a number from 1 to 65535.")


def _folder(raw: str) -> Path:
    return Path(raw).expanduser().resolve()

"""Whether work stopped for want of room. Each library says it in its own way."""

from __future__ import annotations

WORDS = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "database or disk is full",
)


def why_no_room(error: BaseException) -> str:
    """What people should read; empty when the error is another."""
    if not any(words in str(error) for words in WORDS):
        return ""
    return (
        "The disk is full or a file's size is limited, so nothing was changed. Make room, then "
        f"start the run again. ({str(error)[:200]})"
    )

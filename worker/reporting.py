"""How work reports its progress. The same shape as the classifier's, without TensorFlow."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called after every batch of every phase. It may raise Cancelled to stop the work there."""

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None: ...


def silent(phase: str, done: int, total: int, message: str = "") -> None:
    """A Progress for callers who want none."""

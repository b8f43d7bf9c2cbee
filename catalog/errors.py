"""Errors of the catalog. Each message is one sentence for the person who meets it, and says what
to do next."""

from __future__ import annotations


class CatalogError(Exception):
    """Base of every error this package raises on purpose."""


class Rejected(CatalogError):
    """An uploaded file was refused; the message says why, in plain words."""


class StaleImage(CatalogError):
    """Somebody or something changed the image after it was shown; the message says what."""


class LeaseLost(CatalogError):
    """The image is, by now, on another reviewer's screen."""


class NotAllowed(CatalogError):
    """The action is not open in this state."""


class RunActive(CatalogError):
    """A training run is already queued or running."""


class CategoryRule(CatalogError):
    """A change of the category tree would break one of its rules. `field` names what to change:
    name, code, photos_to, or nothing in particular."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class StorageFull(CatalogError):
    """Too little free disk to take the work on."""


class TooManyAttempts(CatalogError):
    """Too many wrong passwords; the message says how long to wait."""

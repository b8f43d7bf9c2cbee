"""Django's admin over every table, for managers. States are read-only here: catalog/lifecycle and
its neighbours change them, so that each change has its history row."""

from . import accounts, categories, images, learning, people
from .base import site

__all__ = ["accounts", "categories", "images", "learning", "people", "site"]

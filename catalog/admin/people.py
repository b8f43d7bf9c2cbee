"""What people did to photos: append-only."""

from __future__ import annotations

from django.contrib import admin

from ..models import BlindLook, Complaint, Decision, ReviewSkip
from .base import TableAdmin, site


@admin.register(Decision, site=site)
class DecisionAdmin(TableAdmin):
    list_display = ("id", "image", "kind", "category", "reason", "by", "at")
    list_filter = ("kind", "origin", "reason")
    list_select_related = ("image", "category", "by")
    search_fields = ("=image__id", "^image__original_name", "=by__username")
    search_help_text = "Number or start of the file name of a photo, or who decided."


@admin.register(Complaint, site=site)
class ComplaintAdmin(TableAdmin):
    list_display = ("id", "image", "category", "note", "by", "at", "taken_back_at", "settled_by")
    list_select_related = ("image", "category", "by", "settled_by")
    search_fields = ("=image__id", "^image__original_name", "=by__username")
    search_help_text = "Number or start of the file name of a photo, or who reported it."


@admin.register(ReviewSkip, site=site)
class ReviewSkipAdmin(TableAdmin):
    list_display = ("image", "reviewer", "at")
    list_select_related = ("image", "reviewer")
    search_fields = ("=image__id", "^image__original_name", "=reviewer__username")
    date_hierarchy = "at"


@admin.register(BlindLook, site=site)
class BlindLookAdmin(TableAdmin):
    list_display = ("image", "reviewer", "decision", "again", "disagrees", "at")
    list_filter = ("again", "disagrees")
    list_select_related = ("image", "reviewer", "decision")
    search_fields = ("=image__id", "reviewer__username")

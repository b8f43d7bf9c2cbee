"""Backbones, versions, runs, and what is served. /models/ promotes, rolls back and cancels."""

from __future__ import annotations

from django.contrib import admin

from ..models import (
    Backbone,
    ChangedAnswer,
    EmbeddingShare,
    LabelCheck,
    LabelDoubt,
    ModelVersion,
    Preview,
    RunRow,
    Serving,
    TrainingRun,
    WorkerStatus,
)
from .base import TableAdmin, site


@admin.register(Backbone, site=site)
class BackboneAdmin(TableAdmin):
    list_display = ("sha256", "source", "image_size", "fine_tuned", "created_at")
    list_filter = ("source", "fine_tuned", "image_size")
    search_fields = ("^sha256", "source")
    date_hierarchy = "created_at"


@admin.register(ModelVersion, site=site)
class ModelVersionAdmin(TableAdmin):
    editable = ("pinned",)
    list_display = ("id", "state", "backbone", "run", "weights", "pinned", "created_at")
    list_filter = ("state", "pinned", "approved_by_hand", "files_present")
    list_select_related = ("backbone", "run")
    search_fields = ("=id", "reason", "^fingerprint")
    date_hierarchy = "created_at"


@admin.register(TrainingRun, site=site)
class TrainingRunAdmin(TableAdmin):
    list_display = ("id", "state", "trigger", "mode", "requested_by", "created_at", "finished_at")
    list_filter = ("state", "trigger", "mode")
    list_select_related = ("requested_by",)
    search_fields = ("=id", "reason", "note", "^fingerprint")
    date_hierarchy = "created_at"


@admin.register(RunRow, site=site)
class RunRowAdmin(TableAdmin):
    list_display = ("run", "image", "label", "split", "predicted")
    list_filter = ("split",)
    list_select_related = ("run", "image", "label")
    search_fields = ("=run__id", "=image__id", "=label__slug", "=predicted")
    search_help_text = "Number of a run or a photo, or the slug of a category."


@admin.register(EmbeddingShare, site=site)
class EmbeddingShareAdmin(TableAdmin):
    list_display = ("run", "backbone", "size", "owner", "lease_until", "attempts")
    list_select_related = ("run", "backbone")
    search_fields = ("=run__id", "owner")


@admin.register(Serving, site=site)
class ServingAdmin(TableAdmin):
    list_display = ("id", "live", "previous", "changed_at", "paused_at", "paused_by")
    list_select_related = ("live", "previous", "paused_by")
    search_fields = ("paused_why",)


@admin.register(WorkerStatus, site=site)
class WorkerStatusAdmin(TableAdmin):
    list_display = ("name", "version", "loaded_at", "seen_at", "error")
    list_select_related = ("version",)
    search_fields = ("name", "error")


@admin.register(LabelCheck, site=site)
class LabelCheckAdmin(TableAdmin):
    list_display = ("id", "state", "requested_by", "labels", "found", "created_at", "finished_at")
    list_filter = ("state",)
    list_select_related = ("requested_by",)
    search_fields = ("=id", "reason")


@admin.register(LabelDoubt, site=site)
class LabelDoubtAdmin(TableAdmin):
    list_display = ("image", "label", "suggested", "confidence", "own", "dismissed_at")
    list_select_related = ("image", "label", "suggested")
    search_fields = ("=image__id", "=label__slug", "=suggested__slug")


@admin.register(Preview, site=site)
class PreviewAdmin(TableAdmin):
    list_display = ("version", "against", "state", "requested_by", "created_at", "finished_at")
    list_filter = ("state",)
    list_select_related = ("version", "against", "requested_by")
    search_fields = ("=version__id", "reason")


@admin.register(ChangedAnswer, site=site)
class ChangedAnswerAdmin(TableAdmin):
    list_display = ("image", "preview", "is_test", "before", "after", "confidence")
    list_select_related = ("image", "preview", "before", "after")
    search_fields = ("=image__id", "=before__slug", "=after__slug")

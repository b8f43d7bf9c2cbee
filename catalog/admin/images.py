"""Photos, what the model answered and what was uploaded when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from ..models import Archive, Embedding, Prediction, ProductImage, Reclassification, Upload
from .base import TableAdmin, site


@admin.register(ProductImage, site=site)
class ProductImageAdmin(TableAdmin):
    list_display = (
        "id",
        "original_name",
        "product",
        "merchant",
        "machine",
        "predicted",
        "label_state",
        "label",
        "created_at",
    )
    list_filter = (
        "machine",
        "label_state",
        "priority",
        "disputed",
        "split_conflict",
        "drawn",
        ("withdrawn_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("product", "merchant", "predicted", "label")
    search_fields = ("=id", "^original_name", "=sha256", "=product__sku")
    search_help_text = "Number, start of the file name, SKU or SHA-256."


@admin.register(Prediction, site=site)
class PredictionAdmin(TableAdmin):
    list_display = ("id", "image", "category", "confidence", "version", "at")
    list_filter = ("version", "at")
    list_select_related = ("image", "category", "version")
    search_fields = ("=image__id", "^image__original_name")
    search_help_text = "Number or start of the file name of a photo."


@admin.register(Embedding, site=site)
class EmbeddingAdmin(TableAdmin):
    list_display = ("id", "image", "backbone", "bytes")
    list_filter = ("backbone",)
    list_select_related = ("image", "backbone")
    search_fields = ("=image__id", "^image__original_name")
    search_help_text = "Number or start of the file name of a photo."

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return ["image", "backbone", "bytes"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["image", "backbone", "bytes"]

    @admin.display(description="bytes")
    def bytes(self, embedding: Embedding) -> int:
        return len(embedding.vector)


@admin.register(Archive, site=site)
class ArchiveAdmin(TableAdmin):
    list_display = ("id", "name", "merchant", "entries", "position", "created_at")
    list_select_related = ("merchant",)
    search_fields = ("=id", "^merchant__name")
    search_help_text = "Number of the archive or merchant."


@admin.register(Upload, site=site)
class UploadAdmin(TableAdmin):
    list_display = ("upload_id", "merchant", "status", "created_at")
    list_select_related = ("merchant",)
    search_fields = ("=upload_id", "^merchant__name")
    search_help_text = "Upload id or merchant."

    @admin.display(description="outcome")
    def status(self, upload: Upload) -> str:
        return str(upload.outcome.get("status", ""))


@admin.register(Reclassification, site=site)
class ReclassificationAdmin(TableAdmin):
    list_display = (
        "id",
        "scope",
        "category",
        "selected",
        "total",
        "created_at",
        "finished_at",
        "cancelled_at",
        "reason",
    )
    list_filter = ("scope",)
    list_select_related = ("category",)
    search_fields = ("reason", "category__path")
    date_hierarchy = "created_at"

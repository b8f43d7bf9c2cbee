"""Categories and products. The tree itself changes on /categories/, which keeps its rules."""

from __future__ import annotations

from django.contrib import admin

from ..models import Category, CategoryChange, CategoryExample, Product
from .base import TableAdmin, site


@admin.register(Category, site=site)
class CategoryAdmin(TableAdmin):
    editable = ("code", "guidance")
    list_display = ("path", "slug", "code", "is_sample", "retired_at", "created_at")
    list_filter = ("is_sample", ("retired_at", admin.EmptyFieldListFilter))
    list_select_related = ("parent",)
    search_fields = ("path", "slug", "code")
    date_hierarchy = "created_at"


@admin.register(CategoryChange, site=site)
class CategoryChangeAdmin(TableAdmin):
    list_display = ("at", "by", "kind", "category", "words", "undone_at", "is_settled")
    list_filter = ("kind",)
    list_select_related = ("by", "category")
    search_fields = ("words", "category__path")
    date_hierarchy = "at"


@admin.register(CategoryExample, site=site)
class CategoryExampleAdmin(TableAdmin):
    list_display = ("category", "position", "image")
    list_filter = ("position",)
    list_select_related = ("category", "image")
    search_fields = ("category__path", "image__original_name")


@admin.register(Product, site=site)
class ProductAdmin(TableAdmin):
    editable = ("title",)
    list_display = ("sku", "title", "merchant", "category", "category_checked", "split")
    list_filter = ("split", "category_checked")
    list_select_related = ("merchant", "category")
    search_fields = ("^sku", "^title", "=merchant__name")

"""A product: the photos of one SKU of one merchant. It carries the permanent split."""

from __future__ import annotations

from django.db import models


class Split(models.TextChoices):
    NONE = "", "Not drawn yet"
    TRAIN = "train", "Train"
    VALIDATION = "validation", "Validation"
    TEST = "test", "Test"


class Product(models.Model):
    merchant = models.ForeignKey(
        "catalog.Merchant", on_delete=models.PROTECT, related_name="products"
    )
    sku = models.CharField("SKU", max_length=80)
    title = models.CharField(max_length=200, blank=True)
    split = models.CharField(max_length=10, choices=Split.choices, blank=True, default=Split.NONE)
    category = models.ForeignKey(
        "catalog.Category", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    category_checked = models.BooleanField(
        default=False, help_text="A person chose the category; otherwise the model suggests it."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "sku"], name="sku_once_per_merchant")
        ]

    def __str__(self) -> str:
        return self.sku

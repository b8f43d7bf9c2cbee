"""What merchants said of categories: append-only but for how each complaint ended."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Complaint(models.Model):
    """A merchant says that the category of one of their photos is wrong."""

    image = models.ForeignKey(
        "catalog.ProductImage", on_delete=models.CASCADE, related_name="complaints"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    category = models.ForeignKey(
        "catalog.Category", null=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    taken_back_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        "catalog.Decision",
        null=True,
        on_delete=models.SET_NULL,
        related_name="settles",
        help_text="The decision that came of it.",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["image"],
                condition=Q(taken_back_at__isnull=True, settled_by__isnull=True),
                name="one_open_complaint_per_image",
            )
        ]

    def __str__(self) -> str:
        return f"complaint about image {self.image_id}"

"""What the machine answered: append-only."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Prediction(models.Model):
    image = models.ForeignKey(
        "catalog.ProductImage", on_delete=models.PROTECT, related_name="predictions"
    )
    version = models.ForeignKey(
        "catalog.ModelVersion", on_delete=models.PROTECT, related_name="predictions"
    )
    category = models.ForeignKey("catalog.Category", on_delete=models.PROTECT, related_name="+")
    confidence = models.FloatField(help_text="Calibrated, 0 to 1.")
    top = models.JSONField(help_text="Up to five [category id, confidence], best first.")
    nearness = models.FloatField(
        null=True, help_text="To what the version learned from, -1 to 1; none: not measured."
    )
    unfamiliar = models.BooleanField(default=False, help_text="Nothing like it was known.")
    nearest = models.ForeignKey(
        "catalog.ProductImage",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The nearest labelled photo of an unfamiliar one.",
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="confidence_is_a_probability",
                condition=models.Q(confidence__gte=0, confidence__lte=1),
            )
        ]
        indexes = [
            models.Index(fields=["at"], name="prediction_by_time"),
            models.Index(
                fields=["nearest"],
                condition=models.Q(nearest__isnull=False),
                name="prediction_by_nearest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category_id} at {self.confidence:.2f}"


class Embedding(models.Model):
    """2,048 float16 values, little-endian, of one image from one backbone."""

    image = models.ForeignKey(
        "catalog.ProductImage", on_delete=models.CASCADE, related_name="embeddings"
    )
    backbone = models.ForeignKey("catalog.Backbone", on_delete=models.CASCADE, related_name="+")
    vector = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "backbone"], name="embedding_once")]

    def __str__(self) -> str:
        return f"embedding of image {self.image_id}"

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
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="confidence_is_a_probability",
                condition=models.Q(confidence__gte=0, confidence__lte=1),
            )
        ]
        indexes = [models.Index(fields=["at"], name="prediction_by_time")]

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

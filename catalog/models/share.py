"""Photos that a full run's new backbone is still to be shown, in shares that workers take."""

from __future__ import annotations

from django.db import models


class EmbeddingShare(models.Model):
    """A few photos that belong together. The row goes once their embeddings are written, or once
    the trainer takes back what is left."""

    run = models.ForeignKey("catalog.TrainingRun", on_delete=models.CASCADE, related_name="+")
    backbone = models.ForeignKey("catalog.Backbone", on_delete=models.CASCADE, related_name="+")
    image_ids = models.JSONField()
    size = models.PositiveSmallIntegerField(help_text="How many photos these are.")
    owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.size} photos"

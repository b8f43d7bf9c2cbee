"""Backbones and versions: what models exist. Pages read these rows, never a model directory."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Backbone(models.Model):
    """Immutable; known by the SHA-256 of its weights."""

    sha256 = models.CharField(max_length=64, unique=True)
    directory = models.CharField(max_length=200, help_text="Relative to MODELS_DIR.")
    source = models.CharField(max_length=200, help_text="Which pretrained weights it began from.")
    image_size = models.PositiveSmallIntegerField()
    fine_tuned = models.BooleanField(default=False)
    export = models.JSONField(
        null=True, help_text="How its OpenVINO export compares with Keras; null: never exported."
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.source} {self.sha256[:8]}"


class VersionState(models.TextChoices):
    CANDIDATE = "candidate", "Candidate"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"
    REJECTED = "rejected", "Rejected"


class ModelVersion(models.Model):
    backbone = models.ForeignKey(Backbone, on_delete=models.PROTECT, related_name="versions")
    run = models.ForeignKey(
        "catalog.TrainingRun", null=True, on_delete=models.PROTECT, related_name="versions"
    )
    state = models.CharField(
        max_length=10, choices=VersionState.choices, default=VersionState.CANDIDATE
    )
    reason = models.TextField(blank=True, help_text="Why it was promoted, rejected or waits.")
    directory = models.CharField(max_length=200, help_text="Relative to MODELS_DIR.")
    files_present = models.BooleanField(default=True)
    classes = models.JSONField(help_text="Category slugs in the order of the outputs.")
    temperature = models.FloatField(default=1.0)
    recipe = models.JSONField()
    metrics = models.JSONField(help_text="Evaluation report on the test photos.")
    fingerprint = models.CharField(max_length=64, help_text="Of the training set.")
    weights = models.CharField(max_length=200, help_text="Words for the pretrained weights.")
    pinned = models.BooleanField(default=False)
    approved_by_hand = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    promoted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="live"), name="one_live_version"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.pk}"

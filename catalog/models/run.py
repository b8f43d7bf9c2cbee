"""A training run: the row with its heartbeat and lease is the truth, the Celery message a nudge."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class RunMode(models.TextChoices):
    AUTO = "auto", "Automatic"
    HEAD = "head", "Quick (head only)"
    FULL = "full", "Full"


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class RunTrigger(models.TextChoices):
    COMMAND = "command", "Command line"
    BUTTON = "button", "Learn now"
    CORRECTIONS = "corrections", "Enough corrections"
    NIGHTLY = "nightly", "Nightly"
    SAMPLES = "samples", "First start"


ACTIVE = [RunState.QUEUED, RunState.RUNNING]


class TrainingRun(models.Model):
    slot = models.PositiveSmallIntegerField(default=1, editable=False)
    trigger = models.CharField(max_length=12, choices=RunTrigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    mode = models.CharField(max_length=4, choices=RunMode.choices, default=RunMode.AUTO)
    mode_reason = models.CharField(max_length=300, blank=True)
    promote = models.CharField(max_length=6, default="auto", help_text="auto, always or never")
    overrides = models.JSONField(default=list, help_text='["KEY=VALUE", …] on the recipe.')
    note = models.CharField(max_length=300, blank=True)

    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    reason = models.TextField(blank=True, help_text="Why it ended as it did, in a sentence.")
    phase = models.CharField(max_length=40, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    cancel_requested = models.BooleanField(default=False)
    owner = models.CharField(max_length=80, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    fingerprint = models.CharField(max_length=64, blank=True)
    last_decision = models.PositiveBigIntegerField(
        default=0, help_text="The newest decision the training set took in."
    )
    label_count = models.PositiveIntegerField(default=0)
    recipe = models.JSONField(default=dict)
    history = models.JSONField(default=dict, help_text="Curves: {phase: {metric: [per epoch]}}.")
    skipped_images = models.JSONField(default=list, help_text="[{image, reason}] left out.")
    peak_rss_mb = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=Q(state__in=ACTIVE), name="one_active_run"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class RunRow(models.Model):
    """One labelled photo as a run saw it."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="rows")
    image = models.ForeignKey("catalog.ProductImage", on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    label = models.ForeignKey("catalog.Category", on_delete=models.PROTECT, related_name="+")
    split = models.CharField(max_length=10)
    predicted = models.CharField(
        max_length=120, blank=True, help_text="The candidate's answer (slug), test photos only."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "image"], name="one_row_per_run_and_image")
        ]

    def __str__(self) -> str:
        return f"run {self.run_id}: image {self.image_id}"

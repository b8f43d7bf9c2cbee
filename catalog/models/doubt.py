"""Labels that are probably wrong, as the last look through them found. Derived: the next look
writes them anew. What a person said of one stays."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class CheckState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


UNDER_WAY = [CheckState.QUEUED, CheckState.RUNNING]


class LabelCheck(models.Model):
    """One look through the labels; at most one is under way."""

    slot = models.PositiveSmallIntegerField(default=1, editable=False)
    state = models.CharField(max_length=8, choices=CheckState.choices, default=CheckState.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="Why it failed.")
    labels = models.PositiveIntegerField(default=0, help_text="How many it looked at.")
    found = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, help_text="The trainer was at it then.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=Q(state__in=UNDER_WAY), name="one_label_check_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"label check {self.pk}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY


class LabelDoubt(models.Model):
    """`label` of `image` is probably wrong. It means nothing once the image's label is another."""

    image = models.OneToOneField(
        "catalog.ProductImage", on_delete=models.CASCADE, related_name="doubt"
    )
    label = models.ForeignKey("catalog.Category", on_delete=models.CASCADE, related_name="+")
    suggested = models.ForeignKey("catalog.Category", on_delete=models.CASCADE, related_name="+")
    confidence = models.FloatField(help_text="Of the category suggested, out of sample.")
    own = models.FloatField(help_text="Of the label; the smaller, the more doubtful.")
    dismissed_at = models.DateTimeField(null=True, help_text="A person said the label is right.")
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["own", "id"]
        indexes = [
            models.Index(
                fields=["own", "id"], condition=Q(dismissed_at__isnull=True), name="doubt_standing"
            )
        ]

    def __str__(self) -> str:
        return f"image {self.image_id}: {self.label_id} or {self.suggested_id}"

"""What a version that waits would change: which photos it answers otherwise than the live one.
Derived, and gone once the version is decided."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .doubt import UNDER_WAY, CheckState


class Preview(models.Model):
    """One look at what `version` would answer, against the version that was live then."""

    version = models.OneToOneField(
        "catalog.ModelVersion", on_delete=models.CASCADE, related_name="preview"
    )
    against = models.ForeignKey(
        "catalog.ModelVersion", null=True, on_delete=models.CASCADE, related_name="+"
    )
    state = models.CharField(max_length=8, choices=CheckState.choices, default=CheckState.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="Why it failed.")
    found = models.JSONField(
        default=dict,
        help_text="{test or open: {compared, unseen, groups: [[before, after, photos]]}}",
    )
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, help_text="The trainer was at it then.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=UNDER_WAY), name="preview_under_way")
        ]

    def __str__(self) -> str:
        return f"preview of version {self.version_id}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY


class ChangedAnswer(models.Model):
    """One photo that the version answers otherwise; the first few hundred of each kind."""

    preview = models.ForeignKey(Preview, on_delete=models.CASCADE, related_name="answers")
    image = models.ForeignKey("catalog.ProductImage", on_delete=models.CASCADE, related_name="+")
    is_test = models.BooleanField(help_text="A test photo; else one that nobody checked yet.")
    before = models.ForeignKey("catalog.Category", on_delete=models.CASCADE, related_name="+")
    after = models.ForeignKey("catalog.Category", on_delete=models.CASCADE, related_name="+")
    confidence = models.FloatField(help_text="Of the new answer.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["preview", "image"], name="changed_answer_once")
        ]
        indexes = [
            models.Index(
                fields=["preview", "is_test", "before", "after"], name="changed_answer_by_kind"
            )
        ]

    def __str__(self) -> str:
        return f"image {self.image_id}: {self.before_id} to {self.after_id}"

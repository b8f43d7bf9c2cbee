"""Photos that a reviewer is shown without suggestions, and the second reviewers of some of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class BlindLook(models.Model):
    """This reviewer sees this photo blind: kept from the moment it was handed out, so that loading
    the page again brings no suggestion."""

    image = models.ForeignKey(
        "catalog.ProductImage", on_delete=models.CASCADE, related_name="blind_looks"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    decision = models.OneToOneField(
        "catalog.Decision", null=True, on_delete=models.SET_NULL, related_name="blind_look"
    )
    first = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.CASCADE,
        related_name="seconds",
        help_text="The look of the reviewer who decided before, whom this one checks.",
    )
    again = models.BooleanField(default=False, help_text="To be shown to a second reviewer.")
    disagrees = models.BooleanField(
        default=False, help_text="With the first; nobody has settled it yet."
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["image", "reviewer"], name="blind_once_per_reviewer")
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(again=True), name="blind_to_see_again"),
            models.Index(fields=["image"], condition=Q(disagrees=True), name="blind_disagreement"),
        ]

    def __str__(self) -> str:
        return f"image {self.image_id}, blind to {self.reviewer_id}"

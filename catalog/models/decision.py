"""What people decided about images: append-only. Undoing appends too."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone


class DecisionKind(models.TextChoices):
    CONFIRM = "confirm", "Confirmed the suggestion"
    CORRECT = "correct", "Chose another category"
    UNUSABLE = "unusable", "Marked unusable"
    NONE_OF_THESE = "none_of_these", "Said no category fits"
    IMPORT = "import", "Imported with a label"
    REOPEN = "reopen", "Sent back to review"
    UNDO = "undo", "Undid a decision"


class Origin(models.TextChoices):
    """How the image came before a person. Only imported and randomly drawn photos may enter
    validation or test; the others were picked because the model was unsure, or confirmed by the
    page because they look alike."""

    NONE = "", "—"
    IMPORT = "import", "Imported"
    RANDOM = "random", "Drawn at random"
    UNCERTAIN = "uncertain", "Least certain first"
    CHOSEN = "chosen", "Opened by hand"
    GRID = "grid", "In a grid of look-alikes"


NOT_JUDGING = [DecisionKind.UNDO, DecisionKind.IMPORT, DecisionKind.REOPEN]
"""Left out rather than the others asked for: no index by kind is then tempting."""


def judged_before() -> Exists:
    """Of a decision: somebody judged its photo before, and that stands. So it is also where a split
    sent a photo back to review, although it carries no label then."""
    earlier = Decision.objects.filter(image=OuterRef("image"), pk__lt=OuterRef("pk"))
    return Exists(earlier.filter(undone_by__isnull=True).exclude(kind__in=NOT_JUDGING))


class DecisionQuerySet(models.QuerySet["Decision"]):
    def with_nothing_since(self) -> Self:
        """Those whose photos are still here and that nobody built upon: an undo is not refused."""
        later = Decision.objects.filter(image=OuterRef("image"), pk__gt=OuterRef("pk"))
        built_on = later.filter(undone_by__isnull=True).exclude(kind=DecisionKind.UNDO)
        return self.filter(image__withdrawn_at__isnull=True).exclude(Exists(built_on))


class Decision(models.Model):
    image = models.ForeignKey(
        "catalog.ProductImage", on_delete=models.PROTECT, related_name="decisions"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="decisions"
    )
    kind = models.CharField(max_length=14, choices=DecisionKind.choices)
    category = models.ForeignKey(
        "catalog.Category", null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=14, blank=True)
    origin = models.CharField(max_length=10, choices=Origin.choices, blank=True)
    prediction = models.ForeignKey(
        "catalog.Prediction",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The answer on the screen at that moment.",
    )
    revision = models.PositiveIntegerField(help_text="The image's revision after this decision.")
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="undone_by"
    )
    # The label before, so that undo can bring it back.
    before_state = models.CharField(max_length=14)
    before_label = models.ForeignKey(
        "catalog.Category", null=True, on_delete=models.PROTECT, related_name="+"
    )
    before_reason = models.CharField(max_length=14, blank=True)
    before_origin = models.CharField(max_length=10, blank=True)
    token = models.UUIDField(null=True, unique=True, help_text="A repeated save is answered once.")
    blind = models.BooleanField(
        default=False, help_text="Its person saw no suggestion, nor what others had chosen."
    )
    batch = models.UUIDField(null=True, help_text="Shared by decisions made with one key.")
    at = models.DateTimeField(default=timezone.now)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["image", "revision"], name="one_decision_per_revision")
        ]
        indexes = [
            models.Index(fields=["by", "-id"], name="decision_by_person"),
            models.Index(fields=["by", "at"], name="decision_by_person_and_time"),
            models.Index(fields=["category", "-id"], name="decision_by_category"),
            models.Index(fields=["kind", "-id"], name="decision_by_kind"),
            models.Index(fields=["at"], name="decision_by_time"),
            models.Index(
                fields=["at", "id"], condition=Q(origin="random"), name="decision_at_random"
            ),
            models.Index(
                fields=["batch"], condition=Q(batch__isnull=False), name="decision_by_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} (image {self.image_id})"

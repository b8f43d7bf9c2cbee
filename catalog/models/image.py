"""An image and its two independent fields: `machine` (what the worker did) and `label_state`
(what a person decided). Only catalog/lifecycle.py changes either."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone


class MachineState(models.TextChoices):
    PENDING = "pending", "Waiting"
    CLASSIFYING = "classifying", "Being classified"
    CLASSIFIED = "classified", "Classified"
    FAILED = "failed", "Failed"


class LabelState(models.TextChoices):
    UNLABELLED = "unlabelled", "Not checked"
    CONFIRMED = "confirmed", "Confirmed"
    CORRECTED = "corrected", "Corrected"
    UNUSABLE = "unusable", "Unusable"
    NONE_OF_THESE = "none_of_these", "No category fits"


class UnusableReason(models.TextChoices):
    NONE = "", "—"
    BLURRED = "blurred", "Blurred"
    SEVERAL = "several", "Several products"
    NOT_A_PRODUCT = "not_a_product", "Not a product"
    PROHIBITED = "prohibited", "Prohibited"


class Priority(models.IntegerChoices):
    UPLOAD = 0, "Upload"
    RETRY = 1, "Retry"
    BACKGROUND = 2, "Reclassify or embed"


OPEN = Q(label_state="unlabelled", withdrawn_at__isnull=True)
IN_REVIEW = (
    Q(
        machine__in=[MachineState.CLASSIFIED, MachineState.FAILED],
        label_state=LabelState.UNLABELLED,
    )
    | Q(disputed=True)
    | Q(complaint_at__isnull=False)
)
"""Of present images; ImageQuerySet.in_review says it in words."""
UNSURE = OPEN & Q(machine="classified", drawn=False)


def drawn_at_random() -> bool:
    """One photo in ten is drawn on arrival for the random share of the review queue, so that
    what people say of those photos is an unbiased sample of all that arrive."""
    return secrets.SystemRandom().random() < settings.REVIEW_RANDOM_SHARE


class ImageQuerySet(models.QuerySet["ProductImage"]):
    def present(self) -> ImageQuerySet:
        return self.filter(withdrawn_at__isnull=True)

    def unlocked(self) -> ImageQuerySet:
        """Rows that no other transaction holds, held until this one ends. SQLite admits one writer
        at a time, so there all are."""
        if connection.features.has_select_for_update_skip_locked:
            return self.select_for_update(skip_locked=True, no_key=True, of=("self",))
        return self

    def in_review(self) -> ImageQuerySet:
        """What a person should look at: answered or failed by the machine and not labelled yet,
        labelled differently from another photo of the same product, or reported by its
        merchant as wrong."""
        return self.present().filter(IN_REVIEW)

    def labelled(self) -> ImageQuerySet:
        """Carries a person's category."""
        return self.filter(label_state__in=[LabelState.CONFIRMED, LabelState.CORRECTED])


class ProductImage(models.Model):
    is_covered = False
    """Whoever reads of it now is to look at it without suggestions first (blind.py)."""

    merchant = models.ForeignKey(
        "catalog.Merchant", on_delete=models.PROTECT, related_name="images"
    )
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="images")

    # The file. Empty after a withdrawal: the row stays as a tombstone.
    file = models.CharField(max_length=200, blank=True, help_text="Original bytes, never served.")
    display = models.CharField(max_length=200, blank=True, help_text="Re-encoded copy.")
    thumbnail = models.CharField(max_length=200, blank=True)
    thumbnail_width = models.PositiveSmallIntegerField(default=0)
    thumbnail_height = models.PositiveSmallIntegerField(default=0)
    original_name = models.CharField(max_length=255, help_text="As the merchant called it.")
    hint = models.CharField(
        max_length=200, blank=True, help_text="The folder it came in. A hint, never a label."
    )
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=10)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    # Two 64-bit difference hashes and 4 × 4 mean colours tell near-duplicates; four 16-bit bands
    # of the first hash, each indexed with the brightness, find them.
    hash_across = models.BigIntegerField()
    hash_down = models.BigIntegerField()
    colours = models.BinaryField(max_length=48, default=b"")
    brightness = models.PositiveSmallIntegerField(default=0, help_text="Mean of the mean colours.")
    band_0 = models.IntegerField()
    band_1 = models.IntegerField()
    band_2 = models.IntegerField()
    band_3 = models.IntegerField()
    looks_like = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The first photo this merchant had sent that is nearly the same picture.",
    )

    # What the worker did.
    machine = models.CharField(
        max_length=12, choices=MachineState.choices, default=MachineState.PENDING
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.UPLOAD)
    owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=300, blank=True)
    predicted = models.ForeignKey(
        "catalog.Category", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    confidence = models.FloatField(null=True, blank=True)
    prediction = models.ForeignKey(
        "catalog.Prediction", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.ForeignKey(
        "catalog.ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    # What a person decided.
    label_state = models.CharField(
        max_length=14, choices=LabelState.choices, default=LabelState.UNLABELLED
    )
    label = models.ForeignKey(
        "catalog.Category", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    unusable_reason = models.CharField(
        max_length=14, choices=UnusableReason.choices, blank=True, default=UnusableReason.NONE
    )
    label_origin = models.CharField(max_length=10, blank=True)
    labelled_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="Rises with every decision.")
    disputed = models.BooleanField(
        default=False, help_text="People labelled photos of this product differently."
    )
    split_conflict = models.BooleanField(
        default=False, help_text="Bridges two splits; used in neither."
    )

    # What the merchant says of the category, until a reviewer has looked again. Never a label.
    complaint_at = models.DateTimeField(null=True, blank=True)
    complaint_category = models.ForeignKey(
        "catalog.Category",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="What the merchant would expect; none: only that it is wrong.",
    )
    complaint_note = models.CharField(max_length=200, blank=True)
    checked_again = models.BooleanField(
        default=False, help_text="A reviewer decided after the merchant's complaint."
    )

    # The review queue.
    drawn = models.BooleanField(default=drawn_at_random, help_text="In the random review share.")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    review_lease_until = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ImageQuerySet.as_manager()

    asked_again = False
    """No column: set by reclassify.note_asked_again for pages that show the image."""

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "sha256"],
                condition=Q(withdrawn_at__isnull=True),
                name="same_bytes_once_per_merchant",
            ),
            models.CheckConstraint(
                name="a_label_is_there_exactly_when_labelled",
                condition=Q(label_state__in=["confirmed", "corrected"], label__isnull=False)
                | (~Q(label_state__in=["confirmed", "corrected"]) & Q(label__isnull=True)),
            ),
            models.CheckConstraint(
                name="a_reason_is_there_exactly_when_unusable",
                condition=(Q(label_state="unusable") & ~Q(unusable_reason=""))
                | (~Q(label_state="unusable") & Q(unusable_reason="")),
            ),
            models.CheckConstraint(
                name="an_owner_is_there_exactly_when_classifying",
                condition=(Q(machine="classifying") & ~Q(owner="") & Q(lease_until__isnull=False))
                | (~Q(machine="classifying") & Q(owner="") & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="a_complaint_has_its_time",
                condition=Q(complaint_at__isnull=False)
                | Q(complaint_category__isnull=True, complaint_note=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "id"], condition=Q(machine="pending"), name="image_to_claim"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(machine="classifying"), name="image_leased"
            ),
            models.Index(
                fields=["withdrawn_at"], condition=Q(machine="failed"), name="image_failed"
            ),
            # One index per part of the review queue, and per filter of its largest part. Each
            # condition compares for equality: SQLite recognises no other kind when the query's
            # values are bound parameters. The columns after the order let both databases pass over
            # what the other filters leave out without reading its rows.
            models.Index(fields=["confidence", "id"], condition=UNSURE, name="image_uncertain"),
            models.Index(
                fields=["predicted", "confidence", "id", "merchant", "version"],
                condition=UNSURE,
                name="image_uncertain_by_category",
            ),
            models.Index(
                fields=["merchant", "confidence", "id", "predicted", "version"],
                condition=UNSURE,
                name="image_uncertain_by_merchant",
            ),
            models.Index(
                fields=["version", "confidence", "id", "predicted", "merchant"],
                condition=UNSURE,
                name="image_uncertain_by_version",
            ),
            models.Index(
                fields=["created_at", "id", "predicted", "merchant", "version"],
                condition=UNSURE,
                name="image_uncertain_by_age",
            ),
            models.Index(
                fields=["created_at", "id", "predicted", "merchant", "version"],
                condition=OPEN & Q(machine="failed", drawn=False),
                name="image_unanswered",
            ),
            models.Index(
                fields=["created_at", "id", "machine", "predicted", "merchant", "version"],
                condition=OPEN & Q(drawn=True),
                name="image_drawn",
            ),
            models.Index(fields=["id"], condition=Q(disputed=True), name="image_disputed"),
            models.Index(
                fields=["complaint_at", "id"],
                condition=Q(complaint_at__isnull=False),
                name="image_complaint",
            ),
            models.Index(
                fields=["reviewer"], condition=Q(reviewer__isnull=False), name="image_on_screen"
            ),
            models.Index(fields=["merchant", "-id"], name="image_by_merchant"),
            models.Index(fields=["sha256"], name="image_by_sha256"),
            models.Index(fields=["original_name"], name="image_by_name"),
            models.Index(
                fields=["id"],
                condition=Q(withdrawn_at__isnull=False) & ~Q(file=""),
                name="image_files_to_delete",
            ),
            models.Index(
                fields=["looks_like"],
                condition=Q(looks_like__isnull=False),
                name="image_looks_like",
            ),
            # Lists of what is rare: without these they would read past everything that is common.
            models.Index(
                fields=["id"],
                condition=Q(predicted__isnull=True, label_state="unlabelled"),
                name="image_unpredicted",
            ),
            models.Index(fields=["id"], condition=Q(label_state="unusable"), name="image_unusable"),
            # Counts per category, from the indexes alone.
            models.Index(
                fields=["label", "label_origin"],
                condition=Q(label__isnull=False, withdrawn_at__isnull=True),
                name="image_by_label",
            ),
            *(
                models.Index(fields=[f"band_{n}", "brightness"], name=f"image_band_{n}")
                for n in range(4)
            ),
        ]

    def __str__(self) -> str:
        return self.original_name or f"image {self.pk}"

    @property
    def is_pending(self) -> bool:
        return self.machine in {MachineState.PENDING, MachineState.CLASSIFYING}

    @property
    def will_change(self) -> bool:
        """An answer is to come, whether the image is queued for it already or not yet."""
        return self.is_pending or self.asked_again

    @property
    def is_labelled(self) -> bool:
        return self.label_state in {LabelState.CONFIRMED, LabelState.CORRECTED}

    def leased_to_other(self, user_id: int, now: datetime) -> bool:
        return (
            self.reviewer_id not in {None, user_id}
            and self.review_lease_until is not None
            and self.review_lease_until > now
        )


class Upload(models.Model):
    """The first answer given to an upload id; a retry of the same upload gets it again."""

    merchant = models.ForeignKey("catalog.Merchant", on_delete=models.CASCADE, related_name="+")
    upload_id = models.UUIDField()
    outcome = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "upload_id"], name="upload_id_once")
        ]

    def __str__(self) -> str:
        return str(self.upload_id)


class ReviewSkip(models.Model):
    """A reviewer passed an image over; it goes to the others, or comes back to them later."""

    image = models.ForeignKey(ProductImage, on_delete=models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "reviewer"], name="skip_once_per_reviewer")
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id} skipped {self.image_id}"

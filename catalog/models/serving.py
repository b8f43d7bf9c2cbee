"""What is being served, by whom, and the background jobs that follow a change of it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

WORKER_SEEN_SECONDS = 120
"""A worker writes that it is alive far more often; after this it counts as gone."""


class Serving(models.Model):
    """One row: the pointer to the live version, and the pause of automatic promotion."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    live = models.ForeignKey(
        "catalog.ModelVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    previous = models.ForeignKey(
        "catalog.ModelVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    paused_why = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "serving"
        constraints = [models.CheckConstraint(name="one_serving_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"live: {self.live_id}"

    @classmethod
    def current(cls) -> Serving:
        """Its versions come without their reports, which can be of megabytes."""
        rows = cls.objects.select_related("live", "previous", "paused_by")
        return rows.defer("live__metrics", "previous__metrics").get_or_create(id=1)[0]


class WorkerStatus(models.Model):
    """What each worker process has loaded; pages and /readyz read it."""

    name = models.CharField(max_length=80, unique=True)
    version = models.ForeignKey(
        "catalog.ModelVersion", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    engine = models.CharField(max_length=40, blank=True, help_text="Such as OpenVINO int8.")
    error = models.CharField(max_length=300, blank=True)
    loaded_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "worker statuses"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def alive(cls) -> QuerySet[WorkerStatus]:
        """Workers that were seen lately."""
        since = timezone.now() - timedelta(seconds=WORKER_SEEN_SECONDS)
        return cls.objects.filter(seen_at__gte=since)


class ReclassifyScope(models.TextChoices):
    ALL = "all", "All images"
    STALE = "stale", "Answered by an older model"
    FAILED = "failed", "Failed"
    CATEGORY = "category", "One category"
    UNREVIEWED = "unreviewed", "Not reviewed yet"
    UNSEEN = "unseen", "Not seen by the live backbone yet"


class Reclassification(models.Model):
    """A background job that puts images back into the queue at low priority, in chunks by id. It
    runs until every image it queued is answered, or until it is cancelled."""

    scope = models.CharField(max_length=10, choices=ReclassifyScope.choices)
    category = models.ForeignKey(
        "catalog.Category", null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    cursor = models.PositiveBigIntegerField(default=0, help_text="Images up to this id are queued.")
    last_id = models.PositiveBigIntegerField(help_text="The newest image when the job began.")
    total = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many images it is about; counted once it begins."
    )
    selected = models.PositiveIntegerField(default=0, help_text="How many it has queued so far.")
    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(null=True, help_text="When the last image had been queued.")
    finished_at = models.DateTimeField(null=True, help_text="When all of them were answered.")
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"reclassify {self.scope}"

    @property
    def is_active(self) -> bool:
        return self.finished_at is None and self.cancelled_at is None

"""The category tree. Only active leaves are predicted, chosen and trained."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class CategoryQuerySet(models.QuerySet["Category"]):
    def active(self) -> CategoryQuerySet:
        return self.filter(retired_at__isnull=True)

    def leaves(self) -> CategoryQuerySet:
        """Active categories without active children: what a photo may be labelled with."""
        return self.active().exclude(
            pk__in=Category.objects.active().filter(parent__isnull=False).values("parent_id")
        )


class Category(models.Model):
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=80)
    path = models.CharField(max_length=400, help_text="Names from the top, e.g. Fashion › Shirts.")
    code = models.CharField(max_length=40, blank=True, help_text="The catalog's own code.")
    guidance = models.TextField(blank=True, help_text="What belongs here and what does not.")
    is_sample = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="merged",
        help_text="What its labels and answers count as; such a category is retired too.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], condition=~Q(code=""), name="category_code_unique"
            ),
            models.UniqueConstraint(
                fields=["parent", "name"],
                condition=Q(retired_at__isnull=True),
                name="category_name_unique_among_siblings",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(parent__isnull=True, retired_at__isnull=True),
                name="category_name_unique_at_the_top",
            ),
            models.CheckConstraint(
                name="a_merged_category_is_retired",
                condition=Q(merged_into__isnull=True) | Q(retired_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.path or self.name

    @property
    def is_active(self) -> bool:
        return self.retired_at is None

    @property
    def counts_as(self) -> Category:
        """Itself, or what it was merged into, along chains to their ends."""
        category = self
        while category.merged_into is not None:
            category = category.merged_into
        return category


class CategoryExample(models.Model):
    """One of up to three photos that show a reviewer what belongs in a category."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="examples")
    image = models.ForeignKey("catalog.ProductImage", on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["category", "image"], name="example_once"),
            models.UniqueConstraint(fields=["category", "position"], name="example_position_once"),
            models.CheckConstraint(
                name="at_most_three_examples", condition=Q(position__gte=1, position__lte=3)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category}: example {self.position}"


class ChangeKind(models.TextChoices):
    ADD = "add", "Added"
    RENAME = "rename", "Renamed"
    DESCRIBE = "describe", "Described"
    RETIRE = "retire", "Retired"
    RESTORE = "restore", "Restored"
    MERGE = "merge", "Merged"
    MOVE = "move", "Moved"
    SPLIT = "split", "Split"


class CategoryChange(models.Model):
    """One change of the tree: who, when, and what it takes to undo it."""

    kind = models.CharField(max_length=8, choices=ChangeKind.choices)
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="changes")
    other = models.ForeignKey(
        Category,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="What it was merged into, or where its photos went.",
    )
    words = models.CharField(max_length=600)
    before = models.JSONField(default=dict, help_text="What undoing brings back.")
    key = models.UUIDField(default=uuid4, help_text="Names the decisions that this change made.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    cursor = models.PositiveBigIntegerField(default=0, help_text="Photos up to this id are done.")
    is_settled = models.BooleanField(
        default=True, help_text="Its photos stand where they belong; else the worker goes on."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(is_settled=False), name="change_unsettled")
        ]

    def __str__(self) -> str:
        return self.words

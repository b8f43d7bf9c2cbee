"""The category tree. Only active leaves are predicted, chosen and trained."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


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
        ]

    def __str__(self) -> str:
        return self.path or self.name

    @property
    def is_active(self) -> bool:
        return self.retired_at is None


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

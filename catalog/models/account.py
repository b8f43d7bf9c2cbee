"""Who signs in: merchants see their own products; reviewers label; managers run the place."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Role(models.TextChoices):
    MERCHANT = "merchant", "Merchant"
    REVIEWER = "reviewer", "Reviewer"
    MANAGER = "manager", "Manager"


class Merchant(models.Model):
    name = models.CharField(max_length=120, unique=True)
    is_sample = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    role = models.CharField(max_length=10, choices=Role.choices)
    merchant = models.ForeignKey(
        Merchant, null=True, blank=True, on_delete=models.PROTECT, related_name="users"
    )

    character_keys = models.BooleanField(
        default=True, help_text="The review desk acts on letters, digits and other characters."
    )

    REQUIRED_FIELDS = ["role"]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="merchant_users_have_a_merchant",
                condition=Q(role=Role.MERCHANT, merchant__isnull=False)
                | (~Q(role=Role.MERCHANT) & Q(merchant__isnull=True)),
            )
        ]

    @property
    def is_reviewer(self) -> bool:
        """May label: reviewers and managers."""
        return self.role in {Role.REVIEWER, Role.MANAGER}

    @property
    def is_manager(self) -> bool:
        return self.role == Role.MANAGER


class SignInAttempt(models.Model):
    """A sign-in that did not succeed, kept for as long as it counts against further ones."""

    name = models.CharField(max_length=150, help_text="As typed, in lower case.")
    address = models.CharField(max_length=45, help_text="Of the network client.")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["address", "name", "at"], name="attempt_by_address_and_name"),
            models.Index(fields=["at"], name="attempt_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.address}"

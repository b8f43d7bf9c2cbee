"""A ZIP of photos while it is worked through, slice by slice."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class Archive(models.Model):
    """Its file lies in the storage until the last entry is answered; the row goes with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    merchant = models.ForeignKey("catalog.Merchant", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255, help_text="As the merchant called it.")
    file = models.CharField(max_length=200)
    entries = models.PositiveIntegerField(help_text="Files in it, without folders.")
    position = models.PositiveIntegerField(default=0, help_text="Entries answered so far.")
    unpacked = models.PositiveBigIntegerField(default=0, help_text="Bytes really read so far.")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name

    @property
    def is_done(self) -> bool:
        return self.position >= self.entries

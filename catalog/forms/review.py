"""What a person may say of a photo, and what the desk asks of the server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db import models

from ..models import Category, Merchant, ModelVersion, UnusableReason
from ..queue_filters import Filters

IDS_AT_ONCE = 200


class DecisionKindChoice(models.TextChoices):
    LABEL = "label", "Belongs to a category"
    UNUSABLE = "unusable", "Unusable"
    NONE_OF_THESE = "none_of_these", "No category fits"


class DecisionForm(forms.Form):
    kind = forms.ChoiceField(choices=DecisionKindChoice.choices)
    category = forms.ModelChoiceField(Category.objects.all(), required=False)
    reason = forms.ChoiceField(choices=[c for c in UnusableReason.choices if c[0]], required=False)
    revision = forms.IntegerField(min_value=0)
    token = forms.UUIDField(required=False)
    whole_product = forms.BooleanField(
        required=False, help_text="The label is for all photos of the product that are still open."
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        kind = values.get("kind")
        if kind == DecisionKindChoice.LABEL and not values.get("category"):
            self._require("category", "Choose a category.")
        if kind == DecisionKindChoice.UNUSABLE and not values.get("reason"):
            self._require("reason", "Say why the photo is unusable: choose one of the reasons.")
        return values

    def _require(self, field: str, sentence: str) -> None:
        if field not in self.errors:
            self.add_error(field, sentence)


class LabelForm(forms.Form):
    """A category for a photo, as a page without suggestions to confirm asks for it."""

    category = forms.ModelChoiceField(Category.objects.all())
    revision = forms.IntegerField(min_value=0)
    token = forms.UUIDField(required=False)


class UndoForm(forms.Form):
    decision = forms.IntegerField(required=False)
    of = forms.UUIDField(required=False, help_text="The token that the decision was saved with.")
    token = forms.UUIDField(required=False)


class KeysForm(forms.Form):
    """Whether the desk acts on keys that write a character."""

    on = forms.BooleanField(required=False)


class LeasesForm(forms.Form):
    """Which photos a page still holds, or gives back as it closes."""

    action = forms.ChoiceField(choices=[("renew", "Hold on"), ("release", "Give back")])
    ids = forms.CharField()
    until = forms.IntegerField(
        min_value=0,
        max_value=9_999_999_999_999,
        required=False,
        help_text="How long the page held them at most, in milliseconds since 1970.",
    )

    def clean_ids(self) -> list[int]:
        return whole_numbers(self.cleaned_data["ids"])

    def clean_until(self) -> datetime | None:
        until = self.cleaned_data["until"]
        return datetime.fromtimestamp(until / 1000, UTC) if until else None


class FiltersForm(forms.Form):
    """What the desk shows of the queue; the same names behind the address of the page and of
    `review/next/`."""

    AGES = [
        ("newer-1", "Since yesterday"),
        ("newer-7", "In the last 7 days"),
        ("newer-30", "In the last 30 days"),
        ("older-7", "More than 7 days ago"),
        ("older-30", "More than 30 days ago"),
        ("older-90", "More than 90 days ago"),
    ]

    category = forms.ModelChoiceField(Category.objects.leaves(), required=False)
    merchant = forms.ModelChoiceField(Merchant.objects.all(), required=False)
    version = forms.ModelChoiceField(ModelVersion.objects.all(), required=False)
    age = forms.RegexField(r"^(older|newer)-[0-9]{1,4}$", required=False)
    complaint = forms.BooleanField(required=False)

    @property
    def words(self) -> str:
        """What is shown, in words; "" for everything. Only of a valid one."""
        values = self.cleaned_data
        side, _, days = values["age"].partition("-")
        parts = [
            str(values["category"].name) if values["category"] else "",
            str(values["merchant"] or ""),
            f"version {values['version'].pk}" if values["version"] else "",
            dict(self.AGES).get(values["age"], f"{side} than {days} days" if side else ""),
            "the merchant complained" if values["complaint"] else "",
        ]
        return " · ".join(part for part in parts if part)

    def filters(self) -> Filters:
        """As given; ALL of an empty form. Only of a valid one."""
        values = self.cleaned_data
        side, _, days = values["age"].partition("-")
        ids = {name: values[name] and values[name].pk for name in ("category", "merchant")}
        return Filters(
            **ids,
            version=values["version"] and values["version"].pk,
            older_than=int(days) if side == "older" else None,
            newer_than=int(days) if side == "newer" else None,
            complaint=values["complaint"],
        )

    @property
    def sentence(self) -> str:
        """What is wrong with it."""
        fields = ", ".join(self.errors)
        return f"Nothing is filtered by this: {fields}. Choose again."


def whole_numbers(raw: str) -> list[int]:
    """`1,2,3` as numbers; what is none is left out."""
    parts = raw.split(",")[:IDS_AT_ONCE]
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 18]

"""What of the history a person asks for, and what of it they take back."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from ..decisions import UNDO_AT_ONCE, Wanted
from ..models import Category, DecisionKind, Role, User

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
OUT_OF_REACH = "Choose a day from 2000 to 2199."
IN_REACH = [
    MinValueValidator(date(2000, 1, 1), OUT_OF_REACH),
    MaxValueValidator(date(2199, 12, 31), OUT_OF_REACH),
]
"""Days whose midnight every time zone knows, and the next one's too."""
LARGEST = 2**63 - 1


class HistoryForm(forms.Form):
    """The same names behind the address of the page, of its CSV and of undoing a range."""

    reviewer = forms.ModelChoiceField(
        User.objects.filter(role__in=[Role.REVIEWER, Role.MANAGER]).order_by("username"),
        required=False,
        empty_label="Everybody",
    )
    category = forms.ModelChoiceField(
        Category.objects.order_by("path"), required=False, empty_label="Any"
    )
    kind = forms.ChoiceField(
        choices=[("", "Any"), *DecisionKind.choices], required=False, label="Decision"
    )
    image = forms.CharField(
        required=False,
        max_length=255,
        label="Photo",
        widget=forms.TextInput(attrs={"placeholder": "Number or name"}),
    )
    since = forms.DateField(required=False, label="From", widget=DAY, validators=IN_REACH)
    until = forms.DateField(required=False, label="To", widget=DAY, validators=IN_REACH)

    def __init__(self, *args: Any, reader: User, **more: Any) -> None:
        super().__init__(*args, **more)
        if not reader.is_manager:
            del self.fields["reviewer"]

    def wanted(self) -> Wanted:
        """Only what is right of it: what makes no sense is told beside its field."""
        values = self.cleaned_data
        ids = {n: values[n].pk for n in ("reviewer", "category") if values.get(n) is not None}
        given = {n: values[n] for n in ("kind", "image", "since", "until") if values.get(n)}
        return Wanted(**ids, **given)

    @property
    def query(self) -> str:
        """For addresses: what was asked for, as it was typed."""
        names = [name for name in self.fields if self.data.get(name)]
        return urlencode({name: self.data[name] for name in names})


class PositionForm(forms.Form):
    before = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    after = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)


class UndoTheseForm(forms.Form):
    """Decisions by their ids, at most so many as are undone at once."""

    ids = forms.CharField(max_length=20 * UNDO_AT_ONCE)

    def clean_ids(self) -> list[int]:
        parts = self.cleaned_data["ids"].split(",")[:UNDO_AT_ONCE]
        return [int(p) for p in parts if p.isascii() and p.isdigit() and len(p) < 19]

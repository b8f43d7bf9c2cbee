"""What a merchant says of a category that is wrong."""

from __future__ import annotations

from django import forms

from ..lifecycle import NOTE_LENGTH
from ..models import Category


class ComplaintForm(forms.Form):
    category = forms.ModelChoiceField(
        Category.objects.leaves(),
        required=False,
        label="It should be",
        empty_label="I only know that it is wrong",
    )
    note = forms.CharField(max_length=NOTE_LENGTH, required=False)

"""What a page of look-alikes sends: which tiles it showed, and which of them do not belong."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import QueryDict

from ..lifecycle.batch import AT_ONCE
from ..models import Category
from .review import whole_numbers

CROOKED = "The page sent something crooked; reload it."


class GridForm(forms.Form):
    """`seen` and `flag` may stand in the form many times, as `12:0` (image, revision) and `12`."""

    category = forms.ModelChoiceField(Category.objects.all())
    batch = forms.UUIDField()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        data = cast("QueryDict", self.data)
        pairs = [whole_numbers(raw.replace(":", ",")) for raw in data.getlist("seen")[:AT_ONCE]]
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise forms.ValidationError(CROOKED)
        flags = [whole_numbers(raw) for raw in data.getlist("flag")[:AT_ONCE]]
        values["seen"] = {pair[0]: pair[1] for pair in pairs}
        values["flagged"] = [pk for flag in flags for pk in flag if pk in values["seen"]]
        return values


class GridUndoForm(forms.Form):
    batch = forms.UUIDField(required=False)
    token = forms.UUIDField(required=False)

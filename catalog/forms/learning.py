"""What managers ask of the models page."""

from __future__ import annotations

from django import forms

from ..models import ModelVersion, RunMode


class LearnForm(forms.Form):
    mode = forms.ChoiceField(choices=[(RunMode.HEAD.value, "Quick"), (RunMode.FULL.value, "Full")])
    note = forms.CharField(max_length=300, required=False)


class PromoteForm(forms.Form):
    note = forms.CharField(max_length=300, required=False)


class RollbackForm(forms.Form):
    """Names its target, so that a form sent twice does not swing back."""

    to = forms.ModelChoiceField(ModelVersion.objects.all())


class CompareForm(forms.Form):
    first = forms.ModelChoiceField(ModelVersion.objects.select_related("backbone").defer("metrics"))
    second = forms.ModelChoiceField(
        ModelVersion.objects.select_related("backbone").defer("metrics")
    )


class RemoveSamplesForm(forms.Form):
    confirmed = forms.BooleanField()

"""The fields that come with an uploaded file."""

from __future__ import annotations

from django import forms

from .. import skus


class UploadForm(forms.Form):
    sku = forms.CharField(max_length=skus.LENGTH, required=False)
    title = forms.CharField(max_length=200, required=False)
    hint = forms.CharField(max_length=1000, required=False)
    upload_id = forms.UUIDField(required=False)

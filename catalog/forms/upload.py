"""The fields that come with an uploaded file."""

from __future__ import annotations

from django import forms

from ..intake import SKU_LENGTH


class UploadForm(forms.Form):
    sku = forms.CharField(max_length=SKU_LENGTH, required=False)
    upload_id = forms.UUIDField(required=False)

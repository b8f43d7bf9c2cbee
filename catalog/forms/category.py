"""What managers change about the category tree."""

from __future__ import annotations

from typing import Any

from django import forms

from ..categories import PhotosTo
from ..category_names import NAME_LENGTH
from ..models import Category
from ..reshaping import MOST_PARTS

NEW, OTHER = "new", "other"
REVIEW, FIRST = "review", "first"
OTHER_NAME = "Other"


class PhotosToField(forms.ChoiceField):
    """Where the photos of a category go that gains others below it."""

    def __init__(self, name_of_new: str) -> None:
        super().__init__(required=False, label="Its checked photos go to")
        self.name_of_new = name_of_new

    def offer(self, parent: Category | None, *, new: Category | None = None) -> None:
        """`new` is what comes below `parent`, where it is there already: a group takes none."""
        leaves = Category.objects.leaves().exclude(pk=parent.pk if parent else 0)
        self.choices = [
            ("", "Choose…"),
            *([] if new and _brings_others(new) else [(NEW, self.name_of_new)]),
            (OTHER, f"A category “{OTHER_NAME}” beside it, made for them"),
            *((str(leaf.pk), leaf.path) for leaf in leaves),
        ]


def _brings_others(category: Category) -> bool:
    """Others stand below it, or come back together with it."""
    return category.children.filter(retired_at=category.retired_at, merged_into=None).exists()


def photos_to(choice: str, name: str) -> PhotosTo | None:
    """What was chosen, in the words of the domain; `name` is the new child's."""
    if not choice:
        return None
    if choice in {NEW, OTHER}:
        return PhotosTo(child_name=name if choice == NEW else OTHER_NAME)
    return PhotosTo(leaf=Category.objects.get(pk=int(choice)))


class NameForm(forms.Form):
    name = forms.CharField(max_length=NAME_LENGTH)


class DescribeForm(forms.Form):
    guidance = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="What belongs here and what does not. Reviewers read it beside each photo.",
    )
    code = forms.CharField(
        required=False,
        max_length=40,
        help_text="The catalog's own code; merchants' lists carry it.",
    )


class AddForm(DescribeForm):
    parent = forms.ModelChoiceField(
        Category.objects.active(), required=False, widget=forms.HiddenInput
    )
    name = forms.CharField(max_length=NAME_LENGTH)
    photos_to = PhotosToField("The new category")

    field_order = ["parent", "name", "photos_to", "guidance", "code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        parent: Category | None = kwargs.pop("parent", None)
        super().__init__(*args, **kwargs)
        if parent is not None:
            self.initial["parent"] = parent.pk
        self._photos_to().offer(parent)

    def _photos_to(self) -> PhotosToField:
        field = self.fields["photos_to"]
        assert isinstance(field, PhotosToField)  # noqa: S101  (declared above)
        return field


class RestoreForm(forms.Form):
    photos_to = PhotosToField("The restored category")

    def __init__(self, *args: Any, category: Category, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["photos_to"]
        assert isinstance(field, PhotosToField)  # noqa: S101  (declared above)
        field.offer(category.parent, new=category)


class MoveForm(forms.Form):
    target = forms.ModelChoiceField(
        Category.objects.leaves(), label="Move them to", empty_label="Choose…"
    )


class MergeForm(forms.Form):
    target = forms.ModelChoiceField(
        Category.objects.leaves(), label="Into", empty_label="Choose…", required=True
    )


class PlaceForm(forms.Form):
    """Where a category stands in the tree."""

    parent = forms.ModelChoiceField(
        Category.objects.active(), required=False, label="Below", empty_label="At the top"
    )
    photos_to = PhotosToField("The category that is moved there")

    def __init__(self, *args: Any, category: Category, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["photos_to"]
        assert isinstance(field, PhotosToField)  # noqa: S101  (declared above)
        field.label = "If photos stand there: they go to"
        field.offer(None, new=category)


class SplitForm(forms.Form):
    names = forms.CharField(
        label="New categories, one a line",
        max_length=(NAME_LENGTH + 2) * MOST_PARTS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    photos_to = forms.ChoiceField(
        label="Its checked photos go",
        required=False,
        choices=[
            ("", "Choose…"),
            (REVIEW, "Back to review: people choose again"),
            (FIRST, "All to the first of the new ones"),
        ],
    )

    def clean_names(self) -> list[str]:
        lines = self.cleaned_data["names"].splitlines()
        return [name for line in lines if (name := " ".join(line.split()))]


class ExamplesForm(forms.Form):
    """Up to three photos, in the order they stand on the page."""

    example = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, offered: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["example"]
        assert isinstance(field, forms.TypedMultipleChoiceField)  # noqa: S101  (declared above)
        field.choices = [(pk, str(pk)) for pk in offered]

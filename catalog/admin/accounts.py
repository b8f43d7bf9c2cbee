"""Merchants and the people who sign in."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.http import HttpRequest, QueryDict

from ..models import Merchant, Role, SignInAttempt, User
from .base import ListPage, TableAdmin, is_admin, site


@admin.register(Merchant, site=site)
class MerchantAdmin(TableAdmin):
    editable = ("name",)
    can_add = True
    list_display = ("name", "is_sample", "created_at")
    list_filter = ("is_sample",)
    search_fields = ("name",)
    date_hierarchy = "created_at"


class RoleAndMerchant:
    """A merchant's user belongs to a merchant, staff to none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form = cast("forms.Form", self)
        chosen = str(form.data.get("merchant") or "")
        is_number = chosen.isascii() and chosen.isdigit() and len(chosen) < 19
        if form.is_bound and not is_number:  # Django's widget would look it up all the same
            form.data = {**cast("QueryDict", form.data).dict(), "merchant": ""}

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()  # type: ignore[misc]  # a form's mixin
        role, merchant = (cleaned or {}).get("role"), (cleaned or {}).get("merchant")
        if role == Role.MERCHANT and merchant is None:
            raise forms.ValidationError({"merchant": "Choose the merchant this person acts for."})
        if role in {Role.REVIEWER, Role.MANAGER} and merchant is not None:
            raise forms.ValidationError(
                {"merchant": "Reviewers and managers act for no merchant; leave this empty."}
            )
        return cleaned


class NewUserForm(RoleAndMerchant, AdminUserCreationForm):  # type: ignore[type-arg]  # takes none at run time
    class Meta:
        model = User
        fields = ("username", "role", "merchant")


class UserForm(RoleAndMerchant, UserChangeForm):  # type: ignore[type-arg]  # takes none at run time
    class Meta:
        model = User
        fields = (
            "username",
            "password",
            "role",
            "merchant",
            "is_active",
            "first_name",
            "last_name",
            "email",
        )


@admin.register(User, site=site)
class UserAdmin(ListPage, DjangoUserAdmin):  # type: ignore[type-arg]  # takes none at run time
    """People are deactivated, not deleted: their decisions keep their name."""

    form = UserForm
    add_form = NewUserForm
    actions = None
    view_on_site = False
    list_per_page = 50
    list_display = ("username", "role", "merchant", "is_active", "last_login", "date_joined")
    list_filter = ("role", "is_active")
    list_select_related = ("merchant",)
    search_fields = ("username", "first_name", "last_name", "email", "merchant__name")
    ordering = ("username",)
    date_hierarchy = "date_joined"
    autocomplete_fields = ("merchant",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        ("What they do", {"fields": ("role", "merchant")}),
        ("Who they are", {"fields": ("first_name", "last_name", "email")}),
        ("When", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "role",
                    "merchant",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(SignInAttempt, site=site)
class SignInAttemptAdmin(TableAdmin):
    """Wrong passwords of the last minutes."""

    list_display = ("name", "address", "at")
    search_fields = ("name", "^address")
    date_hierarchy = "at"

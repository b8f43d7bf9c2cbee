"""The admin site and the base of its pages: who may see, and that nothing changes by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache

from ..access import public
from ..models import User

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # takes no type argument at run time


SEARCH_LENGTH = 120


def is_admin(request: HttpRequest) -> bool:
    """Managers by their role, and superusers. `is_staff` and Django's permissions play no part."""
    user = request.user
    return isinstance(user, User) and user.is_active and (user.is_manager or user.is_superuser)


@public
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """One sign-in for the whole site; an account that may not come in here is told so."""
    target = request.GET.get("next") or resolve_url("admin:index")
    if is_admin(request):
        return redirect("admin:index")
    if isinstance(request.user, User):
        message = "The administration is for managers; ask one of them."
        return render(request, "403.html", {"message": message}, status=403)
    return redirect_to_login(target)


class ManagersSite(admin.AdminSite):
    site_header = "Shelfwise administration"
    site_title = "Shelfwise"
    index_title = "Tables"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    @property
    def login(self) -> Any:
        return sign_in


site = ManagersSite(name="admin")


class UpTo(Paginator):  # type: ignore[type-arg]  # takes none at run time
    """Pages over the first rows of a table, so that no list counts a million."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        most = rows.order_by().values("pk")[: self.MOST] if isinstance(rows, QuerySet) else rows
        return most.count() if isinstance(most, QuerySet) else len(most)


class ListPage(ModelAdmin):
    """Lists that bear what a hand-written address asks of them. Every word of a search is a
    condition of its own: a thousand of them are more than SQLite plans, and keep PostgreSQL busy
    for minutes."""

    paginator = UpTo

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except OverflowError as error:  # the year 9999999999, say
            raise IncorrectLookupParameters from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, search_term[:SEARCH_LENGTH])


class TableAdmin(ListPage):
    """Rows that can be looked at. A subclass names in `editable` what may be changed."""

    editable: tuple[str, ...] = ()
    can_add = False
    actions = None
    view_on_site = False
    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.can_add and is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.editable) and is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: rows are retired, deactivated or withdrawn, and what refers to them stays true."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        names = [f.name for f in self.opts.fields if not f.primary_key]
        return [name for name in names if name not in self.editable]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [f.name for f in self.opts.fields if not f.primary_key and f.editable]


@admin.register(LogEntry, site=site)
class LogEntryAdmin(TableAdmin):
    """What was changed in this administration, by whom."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag")
    list_filter = ("action_flag", "content_type")
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__username")
    date_hierarchy = "action_time"

"""The category tree: staff read it, managers change it. Each change is one form and one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import categories as tree_rules
from .. import category_photos, category_tree, reshaping
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError, CategoryRule
from ..forms.category import (
    AddForm,
    DescribeForm,
    ExamplesForm,
    MergeForm,
    MoveForm,
    NameForm,
    PlaceForm,
    RestoreForm,
    SplitForm,
    photos_to,
)
from ..models import Category, CategoryChange, ProductImage, Role
from ..reshaping import PhotosGo

EXAMPLES_OFFERED = 48
CHANGES_LISTED = 12
REFUSED = 422


@allow(*STAFF)
@require_safe
def categories(request: SignedIn) -> HttpResponse:
    return _page(request, None)


@allow(*STAFF)
@require_safe
def category(request: SignedIn, pk: int) -> HttpResponse:
    return _page(request, _find(pk))


@allow(Role.MANAGER)
@require_POST
def add(request: SignedIn) -> HttpResponse:
    parent = Category.objects.filter(pk=_number(request.POST.get("parent", "")) or 0).first()
    form = AddForm(request.POST, parent=parent)

    def change(values: dict[str, Any]) -> HttpResponse:
        changed = tree_rules.add(
            values["parent"],
            values["name"],
            by=request.user,
            code=values["code"],
            guidance=values["guidance"],
            photos_to=photos_to(values["photos_to"], values["name"]),
        )
        return _done(request, changed.category, f"“{changed.category}” is there.", changed.moved)

    return _answer(request, parent, "add", form, change)


@allow(Role.MANAGER)
@require_POST
def rename(request: SignedIn, pk: int) -> HttpResponse:
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        renamed = tree_rules.rename(found, values["name"], by=request.user)
        return _done(request, renamed, f"Now called “{renamed}”.")

    return _answer(request, found, "rename", NameForm(request.POST), change)


@allow(Role.MANAGER)
@require_POST
def guidance(request: SignedIn, pk: int) -> HttpResponse:
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        described = tree_rules.describe(found, by=request.user, **values)
        return _done(request, described, "Saved. Reviewers read it from the next photo on.")

    return _answer(request, found, "guidance", DescribeForm(request.POST), change)


@allow(Role.MANAGER)
@require_POST
def retire(request: SignedIn, pk: int) -> HttpResponse:
    found = _find(pk)

    def change(_values: dict[str, Any]) -> HttpResponse:
        count = tree_rules.retire(found, by=request.user)
        below = f" and {count - 1} below it" if count > 1 else ""
        return _done(request, found, f"“{found}”{below} is retired. Its photos keep their labels.")

    return _answer(request, found, "retire", forms.Form(request.POST), change)


@allow(Role.MANAGER)
@require_POST
def restore(request: SignedIn, pk: int) -> HttpResponse:
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        chosen = photos_to(values["photos_to"], found.name)
        changed = tree_rules.restore(found, by=request.user, photos_to=chosen)
        return _done(request, changed.category, f"“{found}” is back in use.", changed.moved)

    return _answer(request, found, "restore", RestoreForm(request.POST, category=found), change)


@allow(Role.MANAGER)
@require_POST
def move(request: SignedIn, pk: int) -> HttpResponse:
    """The next photos that still stand in a category that gained others below it."""
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        moved = category_photos.move(found, values["target"], by=request.user)
        return _done(request, found, "", moved)

    return _answer(request, found, "move", MoveForm(request.POST), change)


@allow(Role.MANAGER)
@require_POST
def merge(request: SignedIn, pk: int) -> HttpResponse:
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        made = reshaping.merge(found, values["target"], by=request.user)
        return _done(request, values["target"], f"{made.words} It can be undone below.")

    return _answer(request, found, "merge", MergeForm(request.POST), change)


@allow(Role.MANAGER)
@require_POST
def place(request: SignedIn, pk: int) -> HttpResponse:
    """Stand the category elsewhere in the tree."""
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        chosen = photos_to(values["photos_to"], found.name)
        placed, moved = reshaping.move(found, values["parent"], by=request.user, photos_to=chosen)
        return _done(request, placed, f"It stands at “{placed}” now.", moved)

    return _answer(request, found, "place", PlaceForm(request.POST, category=found), change)


@allow(Role.MANAGER)
@require_POST
def split(request: SignedIn, pk: int) -> HttpResponse:
    found = _find(pk)

    def change(values: dict[str, Any]) -> HttpResponse:
        chosen = PhotosGo(values["photos_to"]) if values["photos_to"] else None
        made = reshaping.split(found, values["names"], by=request.user, photos_to=chosen)
        return _done(request, found, made.words)

    return _answer(request, found, "split", SplitForm(request.POST), change)


@allow(Role.MANAGER)
@require_POST
def undo(request: SignedIn, pk: int) -> HttpResponse:
    """Take back the change of that number."""
    change = get_object_or_404(CategoryChange.objects.select_related("category"), pk=pk)
    try:
        reshaping.undo(change, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Undone: {change.words}")
    return redirect("category", change.category_id)


@allow(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def examples(request: SignedIn, pk: int) -> HttpResponse:
    """A grid of the category's photos to pick its examples from."""
    found = _find(pk)
    chosen = [e.image for e in category_photos.chosen_examples([found.pk])]
    picked = {image.pk for image in chosen}
    if request.method == "POST":
        picked = {pk for pk in map(_number, request.POST.getlist("example")) if pk is not None}
    offered = _offered(found, chosen, picked)
    form = ExamplesForm(request.POST or None, offered=[image.pk for image in offered])
    error = ""
    if request.method == "POST" and form.is_valid():
        try:
            category_photos.choose_examples(found, form.cleaned_data["example"])
        except CatalogError as refused:
            error = str(refused)
        else:
            return _done(request, found, "Saved. Reviewers see the examples beside each photo.")
    elif request.method == "POST":
        error = (
            "A photo you chose left the category meanwhile; look at what is still ticked and save "
            "again."
        )
    context = {"category": found, "offered": offered, "picked": picked, "error": error}
    return render(request, "categories/examples.html", context, status=REFUSED if error else 200)


def _offered(
    category: Category, chosen: list[ProductImage], picked: set[int]
) -> list[ProductImage]:
    """Its examples, its newest photos, and those that were among them when somebody picked them."""
    others = category_photos.labelled(category).exclude(pk__in=[image.pk for image in chosen])
    newest = list(others.order_by("label_state", "-id")[:EXAMPLES_OFFERED])
    rest = others.filter(pk__in=picked).exclude(pk__in=[image.pk for image in newest])
    return [*chosen, *newest, *rest.order_by("label_state", "-id")]


def _find(pk: int) -> Category:
    return get_object_or_404(Category.objects.select_related("parent", "merged_into"), pk=pk)


def _number(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None


def _answer(
    request: SignedIn,
    shown: Category | None,
    name: str,
    form: forms.Form,
    change: Callable[[dict[str, Any]], HttpResponse],
) -> HttpResponse:
    """Make the change, or show the page again with what is wrong beside its field."""
    if form.is_valid():
        try:
            return change(form.cleaned_data)
        except CategoryRule as rule:
            form.add_error(rule.field if rule.field in form.fields else None, str(rule))
        except CatalogError as error:
            form.add_error(None, str(error))
    return _page(request, shown, {name: form}, status=REFUSED)


def _done(
    request: SignedIn,
    changed: Category,
    words: str,
    moved: category_photos.Moved | None = None,
) -> HttpResponse:
    if words:
        messages.success(request, words)
    if moved is not None and moved.photos:
        messages.success(request, f"{moved.photos} photos went to “{moved.target}”.")
    if moved is not None and moved.left:
        left = f"{moved.left} photos are still to be moved"
        messages.warning(request, f"{left}: open the category they stand in and go on there.")
    return redirect("category", changed.pk)


def _page(
    request: SignedIn,
    shown: Category | None,
    tried: dict[str, forms.Form] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The tree with one category beside it; `tried` holds the form that was refused."""
    tried = tried or {}
    tree = category_tree.read()
    context: dict[str, Any] = {
        "tree": tree,
        "category": shown,
        "add": _with_ids("add", tried.get("add") or AddForm(parent=shown)),
        "tried": next(iter(tried), ""),
        "changes": None if shown else category_tree.changes()[:CHANGES_LISTED],
    }
    if shown is not None:
        described = {"guidance": shown.guidance, "code": shown.code}
        context |= {
            "facts": category_tree.facts(shown, tree),
            "rename": _with_ids(
                "rename", tried.get("rename") or NameForm(initial={"name": shown.name})
            ),
            "describe": _with_ids(
                "describe", tried.get("guidance") or DescribeForm(initial=described)
            ),
            "restore": _with_ids("restore", tried.get("restore") or RestoreForm(category=shown)),
            "move": _with_ids("move", tried.get("move") or MoveForm()),
            "retire": tried.get("retire"),
            "merge": _with_ids("merge", tried.get("merge") or MergeForm()),
            "place": _with_ids("place", tried.get("place") or PlaceForm(category=shown)),
            "split": _with_ids("split", tried.get("split") or SplitForm()),
            "parent_photos": _photos_of_leaf(shown.parent),
        }
    return render(request, "categories/page.html", context, status=status)


def _with_ids(name: str, form: forms.Form) -> forms.Form:
    """Several forms stand on the page; the ids of their fields must differ."""
    form.auto_id = f"{name}-%s"
    return form


def _photos_of_leaf(parent: Category | None) -> int:
    """Checked photos that a retired child's return would displace."""
    if parent is None or not Category.objects.leaves().filter(pk=parent.pk).exists():
        return 0
    return category_photos.labelled(parent).count()
